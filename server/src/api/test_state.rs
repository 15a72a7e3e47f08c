//! `TestState`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::integrations::HttpExchange;
use stepwell::interpreter::Payload;
use stepwell::interpreter::inspection::{ErrorDetails, Inspection, TestStatus};
use stepwell::operations::model::{Member, Rule, Shape, Structure, optional, required};
use stepwell::operations::{
    FieldValidationMode, MockErrorOutput, MockInput, TestState, TestStateConfiguration, TestedState,
};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::{ARN, CAUSE, COUNT, DEFINITION, ERROR, PAYLOAD, names};

/// How much of a test is shown.
#[derive(Clone, Copy, Eq, PartialEq)]
enum InspectionLevel {
    /// What came of it.
    Info,
    /// What the data became on its way too.
    Debug,
    /// What an HTTP task sent and received too.
    Trace,
}

const LEVELS: [(&str, InspectionLevel); 3] = [
    ("INFO", InspectionLevel::Info),
    ("DEBUG", InspectionLevel::Debug),
    ("TRACE", InspectionLevel::Trace),
];
const LEVEL_NAMES: &[&str] = &names(&LEVELS);

const MODES: [(&str, FieldValidationMode); 3] = [
    ("STRICT", FieldValidationMode::Strict),
    ("PRESENT", FieldValidationMode::Present),
    ("NONE", FieldValidationMode::None),
];
const MODE_NAMES: &[&str] = &names(&MODES);

const STATE_NAME: Shape = Shape::Sensitive(&[Rule::Length(1..=80)]);

const MOCK: Structure = Structure {
    name: "MockInput",
    members: &[
        optional("result", PAYLOAD),
        optional("errorOutput", Shape::Structure(&ERROR_OUTPUT)),
        optional("fieldValidationMode", Shape::OneOf(MODE_NAMES)),
    ],
};

const ERROR_OUTPUT: Structure = Structure {
    name: "MockErrorOutput",
    members: &[optional("error", ERROR), optional("cause", CAUSE)],
};

const CONFIGURATION: Structure = Structure {
    name: "TestStateConfiguration",
    members: &[
        optional("retrierRetryCount", COUNT),
        optional("errorCausedByState", STATE_NAME),
        optional("mapIterationFailureCount", COUNT),
        optional("mapItemReaderData", PAYLOAD),
    ],
};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("definition", DEFINITION),
    optional("roleArn", ARN),
    optional("input", PAYLOAD),
    optional("inspectionLevel", Shape::OneOf(LEVEL_NAMES)),
    optional("revealSecrets", Shape::Boolean),
    optional("variables", PAYLOAD),
    optional("stateName", STATE_NAME),
    optional("mock", Shape::Structure(&MOCK)),
    optional("context", PAYLOAD),
    optional("stateConfiguration", Shape::Structure(&CONFIGURATION)),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let level = request.one_of("inspectionLevel", &LEVELS);
    let test = TestState {
        definition: request.required_text("definition"),
        role_arn: request.text("roleArn"),
        input: request.text("input"),
        reveal_secrets: request.boolean("revealSecrets").unwrap_or(false),
        variables: request.text("variables"),
        state_name: request.text("stateName"),
        mock: request.members("mock").as_ref().map(read_mock),
        context: request.text("context"),
        state_configuration: request
            .members("stateConfiguration")
            .as_ref()
            .map(read_configuration)
            .unwrap_or_default(),
    };
    let tested = engine.test_state(test).await?;
    Ok(render(tested, level.unwrap_or(InspectionLevel::Info)))
}

fn read_mock(mock: &Arguments) -> MockInput {
    let output = mock.members("errorOutput");
    MockInput {
        result: mock.text("result"),
        error_output: output.map(|output| MockErrorOutput {
            error: output.text("error"),
            cause: output.text("cause"),
        }),
        field_validation_mode: mock
            .one_of("fieldValidationMode", &MODES)
            .unwrap_or_default(),
    }
}

fn read_configuration(configuration: &Arguments) -> TestStateConfiguration {
    TestStateConfiguration {
        retrier_retry_count: configuration.integer("retrierRetryCount"),
        error_caused_by_state: configuration.text("errorCausedByState"),
        map_iteration_failure_count: configuration.integer("mapIterationFailureCount"),
        map_item_reader_data: configuration.text("mapItemReaderData"),
    }
}

fn render(tested: TestedState, level: InspectionLevel) -> Value {
    let report = tested.report;
    let (error, cause) = match report.failure {
        Some(failure) => (failure.error, failure.cause),
        None => (None, None),
    };
    let http = tested.http.filter(|_| level == InspectionLevel::Trace);
    let inspection = (level != InspectionLevel::Info).then(|| inspection(&report.inspection, http));
    Members::default()
        .maybe("output", report.output.as_ref().map(Payload::text))
        .maybe("error", error.as_deref())
        .maybe("cause", cause.as_deref())
        .maybe("inspectionData", inspection)
        .maybe("nextState", report.next.as_deref())
        .with("status", status(report.status))
        .done()
}

fn status(status: TestStatus) -> &'static str {
    match status {
        TestStatus::Succeeded => "SUCCEEDED",
        TestStatus::Failed => "FAILED",
        TestStatus::Retriable => "RETRIABLE",
        TestStatus::CaughtError => "CAUGHT_ERROR",
    }
}

fn inspection(inspection: &Inspection, http: Option<HttpExchange>) -> Value {
    let text =
        |payload: &Option<Payload>| payload.as_ref().map(|payload| payload.text().to_owned());
    let error = inspection.error;
    let members = Members::default()
        .maybe("input", text(&inspection.input))
        .maybe("afterArguments", text(&inspection.after_arguments))
        .maybe("afterInputPath", text(&inspection.after_input_path))
        .maybe("afterParameters", text(&inspection.after_parameters))
        .maybe("result", text(&inspection.result))
        .maybe(
            "afterResultSelector",
            text(&inspection.after_result_selector),
        )
        .maybe("afterResultPath", text(&inspection.after_result_path))
        .maybe("variables", text(&inspection.variables))
        .maybe(
            "errorDetails",
            (error != ErrorDetails::default()).then(|| error_details(error)),
        )
        .maybe("afterItemsPath", text(&inspection.after_items_path))
        .maybe("afterItemSelector", text(&inspection.after_item_selector))
        .maybe("afterItemBatcher", text(&inspection.after_item_batcher))
        .maybe("afterItemsPointer", text(&inspection.after_items_pointer))
        .maybe("toleratedFailureCount", inspection.tolerated_failure_count)
        .maybe(
            "toleratedFailurePercentage",
            inspection.tolerated_failure_percentage,
        )
        .maybe("maxConcurrency", inspection.max_concurrency);
    let Some(http) = http else {
        return members.done();
    };
    let request = Members::default()
        .with("protocol", http.request.protocol)
        .with("method", http.request.method)
        .with("url", http.request.url)
        .with("headers", http.request.headers)
        .maybe("body", http.request.body);
    let response = http.response.map(|response| {
        Members::default()
            .with("protocol", response.protocol)
            .with("statusCode", response.status_code)
            .with("statusMessage", response.status_message)
            .with("headers", response.headers)
            .with("body", response.body)
            .done()
    });
    members
        .with("request", request.done())
        .maybe("response", response)
        .done()
}

fn error_details(error: ErrorDetails) -> Value {
    Members::default()
        .maybe("catchIndex", error.catch_index)
        .maybe("retryIndex", error.retry_index)
        .maybe(
            "retryBackoffIntervalSeconds",
            error.retry_backoff.map(|backoff| backoff.as_secs()),
        )
        .done()
}

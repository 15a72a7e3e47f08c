//! `ValidateStateMachineDefinition`.

use aws_sdk_sfn::operation::validate_state_machine_definition::ValidateStateMachineDefinitionOutput;
use aws_sdk_sfn::operation::validate_state_machine_definition::builders::ValidateStateMachineDefinitionFluentBuilder;
use aws_sdk_sfn::types::{
    StateMachineType, ValidateStateMachineDefinitionResultCode as ResultCode,
    ValidateStateMachineDefinitionSeverity as Severity,
};
use serde_json::json;
use stepwell_tests::client::refused;
use stepwell_tests::server::Server;

use crate::definitions::PASS;

fn validate(server: &Server, definition: &str) -> ValidateStateMachineDefinitionFluentBuilder {
    let validate = server.client.validate_state_machine_definition();
    validate.definition(definition)
}

fn codes(validated: &ValidateStateMachineDefinitionOutput) -> Vec<(&str, Option<&str>)> {
    let diagnostics = validated.diagnostics().iter();
    diagnostics
        .map(|diagnostic| (diagnostic.code(), diagnostic.location()))
        .collect()
}

#[tokio::test]
async fn a_sound_definition_has_no_findings() {
    let server = Server::start().await;
    let validated = validate(&server, PASS).send().await.unwrap();
    assert_eq!(validated.result(), &ResultCode::Ok);
    assert_eq!(
        (codes(&validated), validated.truncated()),
        (vec![], Some(false))
    );
}

#[tokio::test]
async fn findings_have_their_places() {
    let server = Server::start().await;
    let validated = validate(
        &server,
        r#"{"StartAt": "A", "States": {"B": {"Type": "Succeed"}}}"#,
    );
    let validated = validated.send().await.unwrap();
    assert_eq!(validated.result(), &ResultCode::Fail);
    let expected = [
        ("MISSING_TRANSITION_TARGET", Some("/StartAt")),
        ("MISSING_TRANSITION_TARGET", Some("/States/B")),
    ];
    assert_eq!(codes(&validated), expected);
    let broken = validate(&server, "{\"a\"").send().await.unwrap();
    let [(code, Some(location))] = codes(&broken)[..] else {
        panic!("{broken:?}")
    };
    assert_eq!(code, "INVALID_JSON_DESCRIPTION");
    assert!(
        location.starts_with("[Source: (String)\"{\"a\"\""),
        "{location}"
    );
}

#[tokio::test]
async fn warnings_are_told_when_they_are_asked_for() {
    let server = Server::start().await;
    let definition = json!({
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Parameters": {"a": "$.b"}, "Next": "B"},
            "B": {"Type": "Pass", "Result": {"a.$": "$.b"}, "Next": "C"},
            "C": {"Type": "Fail", "Error": "$.b"}
        }
    })
    .to_string();
    let validated = validate(&server, &definition).send().await.unwrap();
    assert_eq!(
        (validated.result(), codes(&validated)),
        (&ResultCode::Ok, vec![])
    );
    let warned = validate(&server, &definition).severity(Severity::Warning);
    let warned = warned.send().await.unwrap();
    assert_eq!(warned.result(), &ResultCode::Ok);
    let found: Vec<&str> = codes(&warned).into_iter().map(|(code, _)| code).collect();
    assert_eq!(found, ["NO_DOLLAR", "PASS_RESULT_IS_STATIC", "NO_PATH"]);
    assert!(
        warned
            .diagnostics()
            .iter()
            .all(|found| *found.severity() == Severity::Warning)
    );
}

#[tokio::test]
async fn the_type_matters() {
    let server = Server::start().await;
    let definition = json!({
        "StartAt": "A",
        "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "Parameters": {"TaskDefinition": "t"}, "End": true}}
    })
    .to_string();
    let standard = validate(&server, &definition).send().await.unwrap();
    assert_eq!(standard.result(), &ResultCode::Ok, "{standard:?}");
    let express = validate(&server, &definition).r#type(StateMachineType::Express);
    let express = express.send().await.unwrap();
    assert_eq!(
        codes(&express),
        [("SCHEMA_VALIDATION_FAILED", Some("/States/A/Resource"))]
    );
}

#[tokio::test]
async fn no_more_findings_come_than_are_asked_for() {
    let server = Server::start().await;
    let states: serde_json::Map<String, serde_json::Value> = (0..150)
        .map(|number| (format!("S{number}"), json!({"Type": "Succeed"})))
        .collect();
    let definition = json!({"StartAt": "S0", "States": states}).to_string();
    let check = async |max_results: Option<i32>, expected: usize| {
        let validated = validate(&server, &definition).set_max_results(max_results);
        let validated = validated.send().await.unwrap();
        assert_eq!(validated.diagnostics().len(), expected);
        assert_eq!(validated.truncated(), Some(true));
        assert_eq!(validated.result(), &ResultCode::Fail);
    };
    check(None, 100).await;
    check(Some(0), 100).await;
    check(Some(7), 7).await;
    let refusal = validate(&server, PASS).max_results(101).send().await;
    let message = "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100";
    refused(refusal, "ValidationException", message);
}

//! `StartSyncExecution`.

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::operations::StartExecution;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::{Arguments, IncludedData};
use super::render::{self, Members, time};
use super::shapes::{ARN, INCLUDED_DATA, NAME, PAYLOAD, TRACE_HEADER};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("stateMachineArn", ARN),
    optional("name", NAME),
    optional("input", PAYLOAD),
    optional("traceHeader", TRACE_HEADER),
    optional("includedData", INCLUDED_DATA),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let start = StartExecution {
        state_machine_arn: request.required_text("stateMachineArn"),
        name: request.text("name"),
        input: request.text("input"),
        trace_header: request.text("traceHeader"),
    };
    let is_included = request.included_data() == IncludedData::All;
    let ended = engine.start_sync_execution(start).await?;
    let details = json!({"included": is_included});
    let shown = |text: &str| is_included.then(|| text.to_owned());
    let duration = u64::try_from(ended.billed_duration.as_millis()).unwrap_or(u64::MAX);
    Ok(Members::default()
        .with("executionArn", ended.execution_arn)
        .with("stateMachineArn", ended.state_machine_arn)
        .with("name", ended.name)
        .with("startDate", time(ended.start_date))
        .with("stopDate", time(ended.stop_date))
        .with("status", render::execution_status(ended.status))
        .maybe("error", ended.error)
        .maybe("cause", ended.cause)
        .maybe("input", shown(ended.input.text()))
        .with("inputDetails", details.clone())
        .maybe(
            "output",
            ended
                .output
                .as_ref()
                .and_then(|output| shown(output.text())),
        )
        .with("outputDetails", details)
        .maybe("traceHeader", ended.trace_header)
        .with(
            "billingDetails",
            json!({
                "billedMemoryUsedInMB": ended.billed_memory_megabytes,
                "billedDurationInMilliseconds": duration,
            }),
        )
        .done())
}

//! `StartSyncExecution`.

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::operations::StartExecution;

use super::ApiError;
use super::extract::{IncludedData, Request};
use super::render::{self, Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let start = StartExecution {
        state_machine_arn: request.bounded_text("stateMachineArn", 256)?,
        name: request.text("name")?,
        input: request.text("input")?,
        trace_header: request.trace_header()?,
    };
    let is_included = request.included_data()? == IncludedData::All;
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

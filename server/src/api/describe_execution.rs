//! `DescribeExecution`.

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::operations::DescribeExecution;
use stepwell::store::ExecutionStatus;

use super::ApiError;
use super::extract::Request;
use super::render::{self, Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let execution_arn = request.bounded_text("executionArn", 256)?;
    let found = engine
        .describe_execution(DescribeExecution { execution_arn })
        .await?;
    let included = json!({"included": true});
    let status = render::execution_status(found.status);
    let reason = match found.status {
        ExecutionStatus::Running | ExecutionStatus::Succeeded => {
            Some(format!("Execution is {status} and cannot be redriven"))
        }
        ExecutionStatus::Failed
        | ExecutionStatus::TimedOut
        | ExecutionStatus::Aborted
        | ExecutionStatus::PendingRedrive => None,
    };
    let redrive_status = if reason.is_some() {
        "NOT_REDRIVABLE"
    } else {
        "REDRIVABLE"
    };
    let output = found.output.as_ref().map(|output| output.text().to_owned());
    Ok(Members::default()
        .with("executionArn", found.execution_arn)
        .with("stateMachineArn", found.state_machine_arn)
        .with("name", found.name)
        .with("status", status)
        .with("startDate", time(found.start_date))
        .maybe("stopDate", found.stop_date.map(time))
        .with("input", found.input.text())
        .with("inputDetails", included.clone())
        .maybe("outputDetails", output.as_ref().map(|_| included))
        .maybe("output", output)
        .maybe("traceHeader", found.trace_header)
        .maybe("error", found.error)
        .maybe("cause", found.cause)
        .maybe("stateMachineVersionArn", found.version_arn)
        .maybe("stateMachineAliasArn", found.alias_arn)
        .with("redriveCount", 0)
        .with("redriveStatus", redrive_status)
        .maybe("redriveStatusReason", reason)
        .done())
}

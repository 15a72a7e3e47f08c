//! `DescribeExecution`.

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::interpreter::Payload;
use stepwell::operations::model::{Member, optional, required};
use stepwell::operations::{DescribeExecution, RedriveStatus};

use super::ApiError;
use super::extract::{Arguments, IncludedData};
use super::render::{self, Members, time};
use super::shapes::{ARN, INCLUDED_DATA};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("executionArn", ARN),
    optional("includedData", INCLUDED_DATA),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let execution_arn = request.required_text("executionArn");
    let is_included = request.included_data() == IncludedData::All;
    let found = engine
        .describe_execution(DescribeExecution { execution_arn })
        .await?;
    let included = json!({"included": is_included});
    let status = render::execution_status(found.status);
    let (redrive_status, reason) = match found.redrive_status {
        RedriveStatus::Redrivable => ("REDRIVABLE", None),
        RedriveStatus::RedrivableByMapRun => ("REDRIVABLE_BY_MAP_RUN", None),
        RedriveStatus::NotRedrivable(reason) => ("NOT_REDRIVABLE", Some(reason)),
    };
    let shown = |payload: &Payload| is_included.then(|| payload.text().to_owned());
    let output = found.output.as_ref();
    Ok(Members::default()
        .with("executionArn", found.execution_arn)
        .with("stateMachineArn", found.state_machine_arn)
        .with("name", found.name)
        .with("status", status)
        .with("startDate", time(found.start_date))
        .maybe("stopDate", found.stop_date.map(time))
        .maybe("input", shown(&found.input))
        .with("inputDetails", included.clone())
        .maybe("outputDetails", output.map(|_| included))
        .maybe("output", output.and_then(shown))
        .maybe("traceHeader", found.trace_header)
        .maybe("error", found.error)
        .maybe("cause", found.cause)
        .maybe("mapRunArn", found.map_run_arn)
        .maybe("stateMachineVersionArn", found.version_arn)
        .maybe("stateMachineAliasArn", found.alias_arn)
        .with("redriveCount", found.redrive_count)
        .maybe("redriveDate", found.redrive_date.map(time))
        .with("redriveStatus", redrive_status)
        .maybe("redriveStatusReason", reason)
        .done())
}

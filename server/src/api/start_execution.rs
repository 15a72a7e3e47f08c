//! `StartExecution`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::StartExecution;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{ARN, NAME, PAYLOAD, TRACE_HEADER};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("stateMachineArn", ARN),
    optional("name", NAME),
    optional("input", PAYLOAD),
    optional("traceHeader", TRACE_HEADER),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let start = StartExecution {
        state_machine_arn: request.required_text("stateMachineArn"),
        name: request.text("name"),
        input: request.text("input"),
        trace_header: request.text("traceHeader"),
    };
    let started = engine.start_execution(start).await?;
    Ok(Members::default()
        .with("executionArn", started.arn.clone())
        .with("startDate", time(started.start_date))
        .done())
}

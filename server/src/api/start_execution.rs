//! `StartExecution`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::StartExecution;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let start = StartExecution {
        state_machine_arn: request.bounded_text("stateMachineArn", 256)?,
        name: request.text("name")?,
        input: request.text("input")?,
        trace_header: request.trace_header()?,
    };
    let started = engine.start_execution(start).await?;
    Ok(Members::default()
        .with("executionArn", started.arn.clone())
        .with("startDate", time(started.start_date))
        .done())
}

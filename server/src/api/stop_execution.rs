//! `StopExecution`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::StopExecution;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let stop = StopExecution {
        execution_arn: request.bounded_text("executionArn", 256)?,
        error: request.text("error")?,
        cause: request.text("cause")?,
    };
    let stop_date = engine.stop_execution(stop).await?;
    Ok(Members::default().with("stopDate", time(stop_date)).done())
}

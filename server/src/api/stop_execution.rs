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
        error: request.sensitive_text("error", 0..=256)?,
        cause: request.sensitive_text("cause", 0..=32_768)?,
    };
    let stop_date = engine.stop_execution(stop).await?;
    Ok(Members::default().with("stopDate", time(stop_date)).done())
}

//! `StopExecution`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::StopExecution;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{ARN, CAUSE, ERROR};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("executionArn", ARN),
    optional("error", ERROR),
    optional("cause", CAUSE),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let stop = StopExecution {
        execution_arn: request.required_text("executionArn"),
        error: request.text("error"),
        cause: request.text("cause"),
    };
    let stop_date = engine.stop_execution(stop).await?;
    Ok(Members::default().with("stopDate", time(stop_date)).done())
}

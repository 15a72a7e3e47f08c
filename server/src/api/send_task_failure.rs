//! `SendTaskFailure`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::SendTaskFailure;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::{CAUSE, ERROR, TASK_TOKEN};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("taskToken", TASK_TOKEN),
    optional("error", ERROR),
    optional("cause", CAUSE),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let send = SendTaskFailure {
        task_token: request.required_text("taskToken"),
        error: request.text("error"),
        cause: request.text("cause"),
    };
    engine.send_task_failure(send).await?;
    Ok(Members::default().done())
}

//! `SendTaskSuccess`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::SendTaskSuccess;
use stepwell::operations::model::{Member, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::{PAYLOAD, TASK_TOKEN};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("taskToken", TASK_TOKEN),
    required("output", PAYLOAD),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let send = SendTaskSuccess {
        task_token: request.required_text("taskToken"),
        output: request.required_text("output"),
    };
    engine.send_task_success(send).await?;
    Ok(Members::default().done())
}

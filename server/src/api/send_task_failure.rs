//! `SendTaskFailure`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::SendTaskFailure;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let send = SendTaskFailure {
        task_token: request.required_text("taskToken")?,
        error: request.text("error")?,
        cause: request.text("cause")?,
    };
    engine.send_task_failure(send).await?;
    Ok(Members::default().done())
}

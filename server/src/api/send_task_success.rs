//! `SendTaskSuccess`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::SendTaskSuccess;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    request.require(&["taskToken", "output"])?;
    let send = SendTaskSuccess {
        task_token: request.required_text("taskToken")?,
        output: request.required_text("output")?,
    };
    engine.send_task_success(send).await?;
    Ok(Members::default().done())
}

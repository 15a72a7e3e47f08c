//! `SendTaskHeartbeat`.

use serde_json::Value;
use stepwell::Engine;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let task_token = request.required_text("taskToken")?;
    engine.send_task_heartbeat(task_token).await?;
    Ok(Members::default().done())
}

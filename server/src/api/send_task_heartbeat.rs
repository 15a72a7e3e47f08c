//! `SendTaskHeartbeat`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::TASK_TOKEN;

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[required("taskToken", TASK_TOKEN)];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let task_token = request.required_text("taskToken");
    engine.send_task_heartbeat(task_token).await?;
    Ok(Members::default().done())
}

//! `GetActivityTask`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::GetActivityTask;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::{ARN, NAME};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[required("activityArn", ARN), optional("workerName", NAME)];

/// Answers at once when there is a task, and without one after a minute.
pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let get = GetActivityTask {
        activity_arn: request.required_text("activityArn"),
        worker_name: request.text("workerName"),
    };
    let Some(task) = engine.get_activity_task(get).await? else {
        return Ok(Members::default().done());
    };
    Ok(Members::default()
        .with("taskToken", task.task_token)
        .with("input", task.input.text())
        .done())
}

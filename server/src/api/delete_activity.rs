//! `DeleteActivity`.

use serde_json::Value;
use stepwell::Engine;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let arn = request.required_text("activityArn")?;
    engine.delete_activity(&arn).await?;
    Ok(Members::default().done())
}

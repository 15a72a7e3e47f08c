//! `CreateActivity`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::CreateActivity;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let create = CreateActivity {
        name: request.bounded_text("name", 80)?,
        tags: request.tags()?,
        encryption: request.encryption()?,
    };
    let created = engine.create_activity(create).await?;
    Ok(Members::default()
        .with("activityArn", created.activity_arn)
        .with("creationDate", time(created.creation_date))
        .done())
}

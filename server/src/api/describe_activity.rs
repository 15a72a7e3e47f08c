//! `DescribeActivity`.

use serde_json::Value;
use stepwell::Engine;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let arn = request.required_text("activityArn")?;
    let found = engine.describe_activity(&arn).await?;
    Ok(Members::default()
        .with("activityArn", found.activity_arn)
        .with("name", found.name)
        .with("creationDate", time(found.creation_date))
        .with("encryptionConfiguration", found.encryption)
        .done())
}

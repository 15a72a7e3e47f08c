//! `DescribeActivity`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::ARN;

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[required("activityArn", ARN)];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let arn = request.required_text("activityArn");
    let found = engine.describe_activity(&arn).await?;
    Ok(Members::default()
        .with("activityArn", found.activity_arn)
        .with("name", found.name)
        .with("creationDate", time(found.creation_date))
        .with("encryptionConfiguration", found.encryption)
        .done())
}

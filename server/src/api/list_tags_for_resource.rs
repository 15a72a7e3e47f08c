//! `ListTagsForResource`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::ARN;

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[required("resourceArn", ARN)];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let arn = request.required_text("resourceArn");
    let tags: Vec<Value> = engine
        .list_tags_for_resource(&arn)
        .await?
        .into_iter()
        .map(|tag| {
            Members::default()
                .with("key", tag.key)
                .with("value", tag.value)
                .done()
        })
        .collect();
    Ok(Members::default().with("tags", tags).done())
}

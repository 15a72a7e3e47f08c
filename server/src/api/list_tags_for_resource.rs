//! `ListTagsForResource`.

use serde_json::Value;
use stepwell::Engine;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let arn = request.required_text("resourceArn")?;
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

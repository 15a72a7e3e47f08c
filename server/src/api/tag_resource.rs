//! `TagResource`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::TagResource;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    request.require(&["resourceArn", "tags"])?;
    let tag = TagResource {
        resource_arn: request.required_text("resourceArn")?,
        tags: request.tags()?,
    };
    engine.tag_resource(tag).await?;
    Ok(Members::default().done())
}

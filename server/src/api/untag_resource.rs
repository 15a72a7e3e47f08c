//! `UntagResource`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::UntagResource;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    request.require(&["resourceArn", "tagKeys"])?;
    let untag = UntagResource {
        resource_arn: request.required_text("resourceArn")?,
        tag_keys: request.texts("tagKeys")?,
    };
    engine.untag_resource(untag).await?;
    Ok(Members::default().done())
}

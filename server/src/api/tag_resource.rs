//! `TagResource`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::TagResource;
use stepwell::operations::model::{Member, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::{ARN, TAGS};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[required("resourceArn", ARN), required("tags", TAGS)];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let tag = TagResource {
        resource_arn: request.required_text("resourceArn"),
        tags: request.tags(),
    };
    engine.tag_resource(tag).await?;
    Ok(Members::default().done())
}

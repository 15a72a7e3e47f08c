//! `UntagResource`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::UntagResource;
use stepwell::operations::model::{Member, Shape, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::{ARN, TAG_KEY};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("resourceArn", ARN),
    required("tagKeys", Shape::List(&TAG_KEY, 0..=usize::MAX)),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let untag = UntagResource {
        resource_arn: request.required_text("resourceArn"),
        tag_keys: request.texts("tagKeys"),
    };
    engine.untag_resource(untag).await?;
    Ok(Members::default().done())
}

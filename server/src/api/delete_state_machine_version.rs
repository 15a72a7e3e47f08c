//! `DeleteStateMachineVersion`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::LONG_ARN;

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[required("stateMachineVersionArn", LONG_ARN)];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let arn = request.required_text("stateMachineVersionArn");
    engine.delete_state_machine_version(&arn).await?;
    Ok(Members::default().done())
}

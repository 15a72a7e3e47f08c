//! `DeleteStateMachineAlias`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::ARN;

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[required("stateMachineAliasArn", ARN)];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let arn = request.required_text("stateMachineAliasArn");
    engine.delete_state_machine_alias(&arn).await?;
    Ok(Members::default().done())
}

//! `UpdateStateMachineAlias`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::UpdateStateMachineAlias;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{ARN, DESCRIPTION, ROUTING};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("stateMachineAliasArn", ARN),
    optional("description", DESCRIPTION),
    optional("routingConfiguration", ROUTING),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let update = UpdateStateMachineAlias {
        state_machine_alias_arn: request.required_text("stateMachineAliasArn"),
        routing: request.routing(),
        description: request.text("description"),
    };
    let update_date = engine.update_state_machine_alias(update).await?;
    Ok(Members::default()
        .with("updateDate", time(update_date))
        .done())
}

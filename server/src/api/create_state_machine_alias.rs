//! `CreateStateMachineAlias`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, Shape, optional, required};
use stepwell::operations::{ALIAS_NAME, CreateStateMachineAlias};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{DESCRIPTION, ROUTING};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    optional("description", DESCRIPTION),
    required("name", Shape::Text(ALIAS_NAME)),
    required("routingConfiguration", ROUTING),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let create = CreateStateMachineAlias {
        name: request.required_text("name"),
        routing: request.routing().unwrap_or_default(),
        description: request.text("description"),
    };
    let created = engine.create_state_machine_alias(create).await?;
    Ok(Members::default()
        .with("stateMachineAliasArn", created.state_machine_alias_arn)
        .with("creationDate", time(created.creation_date))
        .done())
}

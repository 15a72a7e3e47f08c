//! `CreateStateMachineAlias`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::CreateStateMachineAlias;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    request.require(&["name", "routingConfiguration"])?;
    let create = CreateStateMachineAlias {
        name: request.required_text("name")?,
        routing: request.routing()?.unwrap_or_default(),
        description: request.text("description")?,
    };
    let created = engine.create_state_machine_alias(create).await?;
    Ok(Members::default()
        .with("stateMachineAliasArn", created.state_machine_alias_arn)
        .with("creationDate", time(created.creation_date))
        .done())
}

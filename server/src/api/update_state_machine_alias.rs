//! `UpdateStateMachineAlias`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::UpdateStateMachineAlias;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let update = UpdateStateMachineAlias {
        state_machine_alias_arn: request.required_text("stateMachineAliasArn")?,
        routing: request.routing()?,
        description: request.text("description")?,
    };
    let update_date = engine.update_state_machine_alias(update).await?;
    Ok(Members::default()
        .with("updateDate", time(update_date))
        .done())
}

//! `DescribeStateMachineAlias`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::ARN;

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[required("stateMachineAliasArn", ARN)];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let arn = request.required_text("stateMachineAliasArn");
    let found = engine.describe_state_machine_alias(&arn).await?;
    let routing: Vec<Value> = found
        .routing
        .into_iter()
        .map(|route| {
            Members::default()
                .with("stateMachineVersionArn", route.state_machine_version_arn)
                .with("weight", route.weight)
                .done()
        })
        .collect();
    Ok(Members::default()
        .with("stateMachineAliasArn", found.state_machine_alias_arn)
        .with("name", found.name)
        .maybe("description", found.description)
        .with("routingConfiguration", routing)
        .with("creationDate", time(found.creation_date))
        .with("updateDate", time(found.update_date))
        .done())
}

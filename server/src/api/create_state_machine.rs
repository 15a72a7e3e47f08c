//! `CreateStateMachine`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::{CreateStateMachine, StateMachineConfiguration};
use stepwell::store::StateMachineKind;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let default = StateMachineConfiguration::default();
    let types = [
        ("STANDARD", StateMachineKind::Standard),
        ("EXPRESS", StateMachineKind::Express),
    ];
    let create = CreateStateMachine {
        name: request.bounded_text("name", 80)?,
        definition: request
            .definition()?
            .ok_or_else(|| ApiError::constraint("null", "definition", "not be null"))?,
        role_arn: request.bounded_text("roleArn", 256)?,
        kind: request
            .one_of("type", &types)?
            .unwrap_or(StateMachineKind::Standard),
        configuration: StateMachineConfiguration {
            logging: request.logging()?.unwrap_or(default.logging),
            tracing: request.tracing()?.unwrap_or(default.tracing),
            encryption: request.encryption()?.unwrap_or(default.encryption),
        },
        tags: request.tags()?,
        publish: request.boolean("publish")?.unwrap_or(false),
        version_description: request.text("versionDescription")?,
    };
    let created = engine.create_state_machine_with(create).await?;
    Ok(Members::default()
        .with("stateMachineArn", created.state_machine_arn)
        .with("creationDate", time(created.creation_date))
        .maybe("stateMachineVersionArn", created.state_machine_version_arn)
        .done())
}

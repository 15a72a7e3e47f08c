//! `UpdateStateMachine`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::UpdateStateMachine;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let update = UpdateStateMachine {
        state_machine_arn: request.bounded_text("stateMachineArn", 256)?,
        definition: request.definition()?,
        role_arn: request.text("roleArn")?,
        logging: request.logging()?,
        tracing: request.tracing()?,
        encryption: request.encryption()?,
        publish: request.boolean("publish")?.unwrap_or(false),
        version_description: request.text("versionDescription")?,
    };
    let updated = engine.update_state_machine(update).await?;
    Ok(Members::default()
        .with("updateDate", time(updated.update_date))
        .maybe("revisionId", updated.revision_id)
        .maybe("stateMachineVersionArn", updated.state_machine_version_arn)
        .done())
}

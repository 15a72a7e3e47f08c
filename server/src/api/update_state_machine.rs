//! `UpdateStateMachine`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, Shape, optional, required};
use stepwell::operations::{ENCRYPTION, LOGGING, TRACING, UpdateStateMachine};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{ARN, DEFINITION, DESCRIPTION};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("stateMachineArn", ARN),
    optional("definition", DEFINITION),
    optional("roleArn", ARN),
    optional("loggingConfiguration", Shape::Structure(&LOGGING)),
    optional("tracingConfiguration", Shape::Structure(&TRACING)),
    optional("publish", Shape::Boolean),
    optional("versionDescription", DESCRIPTION),
    optional("encryptionConfiguration", Shape::Structure(&ENCRYPTION)),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let update = UpdateStateMachine {
        state_machine_arn: request.required_text("stateMachineArn"),
        definition: request.text("definition"),
        role_arn: request.text("roleArn"),
        logging: request.structure("loggingConfiguration"),
        tracing: request.structure("tracingConfiguration"),
        encryption: request.structure("encryptionConfiguration"),
        publish: request.boolean("publish").unwrap_or(false),
        version_description: request.text("versionDescription"),
    };
    let updated = engine.update_state_machine(update).await?;
    Ok(Members::default()
        .with("updateDate", time(updated.update_date))
        .maybe("revisionId", updated.revision_id)
        .maybe("stateMachineVersionArn", updated.state_machine_version_arn)
        .done())
}

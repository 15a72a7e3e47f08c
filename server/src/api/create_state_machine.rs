//! `CreateStateMachine`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, Shape, optional, required};
use stepwell::operations::{
    CreateStateMachine, ENCRYPTION, LOGGING, StateMachineConfiguration, TRACING,
};
use stepwell::store::StateMachineKind;

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{ARN, DEFINITION, DESCRIPTION, NAME, TAGS, TYPE, TYPES};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("name", NAME),
    required("definition", DEFINITION),
    required("roleArn", ARN),
    optional("type", TYPE),
    optional("loggingConfiguration", Shape::Structure(&LOGGING)),
    optional("tags", TAGS),
    optional("tracingConfiguration", Shape::Structure(&TRACING)),
    optional("publish", Shape::Boolean),
    optional("versionDescription", DESCRIPTION),
    optional("encryptionConfiguration", Shape::Structure(&ENCRYPTION)),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let default = StateMachineConfiguration::default();
    let create = CreateStateMachine {
        name: request.required_text("name"),
        definition: request.required_text("definition"),
        role_arn: request.required_text("roleArn"),
        kind: request
            .one_of("type", &TYPES)
            .unwrap_or(StateMachineKind::Standard),
        configuration: StateMachineConfiguration {
            logging: request
                .structure("loggingConfiguration")
                .unwrap_or(default.logging),
            tracing: request
                .structure("tracingConfiguration")
                .unwrap_or(default.tracing),
            encryption: request
                .structure("encryptionConfiguration")
                .unwrap_or(default.encryption),
        },
        tags: request.tags(),
        publish: request.boolean("publish").unwrap_or(false),
        version_description: request.text("versionDescription"),
    };
    let created = engine.create_state_machine_with(create).await?;
    Ok(Members::default()
        .with("stateMachineArn", created.state_machine_arn)
        .with("creationDate", time(created.creation_date))
        .maybe("stateMachineVersionArn", created.state_machine_version_arn)
        .done())
}

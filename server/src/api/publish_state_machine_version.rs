//! `PublishStateMachineVersion`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::PublishStateMachineVersion;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{ANY_TEXT, ARN, DESCRIPTION};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("stateMachineArn", ARN),
    optional("revisionId", ANY_TEXT),
    optional("description", DESCRIPTION),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let publish = PublishStateMachineVersion {
        state_machine_arn: request.required_text("stateMachineArn"),
        revision_id: request.text("revisionId"),
        description: request.text("description"),
    };
    let published = engine.publish_state_machine_version(publish).await?;
    Ok(Members::default()
        .with("creationDate", time(published.creation_date))
        .with(
            "stateMachineVersionArn",
            published.state_machine_version_arn,
        )
        .done())
}

//! `PublishStateMachineVersion`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::PublishStateMachineVersion;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let publish = PublishStateMachineVersion {
        state_machine_arn: request.required_text("stateMachineArn")?,
        revision_id: request.text("revisionId")?,
        description: request.text("description")?,
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

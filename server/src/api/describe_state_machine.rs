//! `DescribeStateMachine`.

use serde_json::Value;
use stepwell::Engine;

use super::ApiError;
use super::extract::Request;
use super::render::{self, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let arn = request.bounded_text("stateMachineArn", 256)?;
    let included = request.included_data()?;
    let found = engine.describe_state_machine(&arn).await?;
    let status = render::state_machine_status(found.status);
    let (kind, creation_date) = (render::kind(found.kind), time(found.creation_date));
    Ok(render::description(found, included)
        .with("status", status)
        .with("type", kind)
        .with("creationDate", creation_date)
        .done())
}

//! `DescribeStateMachine`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{self, time};
use super::shapes::{ARN, INCLUDED_DATA};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("stateMachineArn", ARN),
    optional("includedData", INCLUDED_DATA),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let arn = request.required_text("stateMachineArn");
    let included = request.included_data();
    let found = engine.describe_state_machine(&arn).await?;
    let status = render::state_machine_status(found.status);
    let (kind, creation_date) = (render::kind(found.kind), time(found.creation_date));
    Ok(render::description(found, included)
        .with("status", status)
        .with("type", kind)
        .with("creationDate", creation_date)
        .done())
}

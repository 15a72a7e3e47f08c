//! `DeleteStateMachine`.

use serde_json::Value;
use stepwell::Engine;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    engine
        .delete_state_machine(&request.bounded_text("stateMachineArn", 256)?)
        .await?;
    Ok(Members::default().done())
}

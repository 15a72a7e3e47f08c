//! `DescribeStateMachineForExecution`.

use serde_json::Value;
use stepwell::Engine;

use super::ApiError;
use super::extract::Request;
use super::render::{self, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let arn = request.bounded_text("executionArn", 256)?;
    let included = request.included_data()?;
    let found = engine.describe_state_machine_for_execution(&arn).await?;
    let update_date = time(found.update_date);
    let (map_run_arn, label) = (found.map_run_arn.clone(), found.label.clone());
    Ok(render::description(found, included)
        .with("updateDate", update_date)
        .maybe("mapRunArn", map_run_arn)
        .maybe("label", label)
        .done())
}

//! `DescribeStateMachineForExecution`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{self, time};
use super::shapes::{ARN, INCLUDED_DATA};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("executionArn", ARN),
    optional("includedData", INCLUDED_DATA),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let arn = request.required_text("executionArn");
    let included = request.included_data();
    let found = engine.describe_state_machine_for_execution(&arn).await?;
    let update_date = time(found.update_date);
    let (map_run_arn, label) = (found.map_run_arn.clone(), found.label.clone());
    Ok(render::description(found, included)
        .with("updateDate", update_date)
        .maybe("mapRunArn", map_run_arn)
        .maybe("label", label)
        .done())
}

//! `UpdateMapRun`.

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::operations::UpdateMapRun;
use stepwell::operations::model::{Member, Shape, optional, required};
use stepwell::store::map_run::LimitChange;

use super::ApiError;
use super::extract::Arguments;
use super::shapes::{COUNT, LONG_ARN};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("mapRunArn", LONG_ARN),
    optional("maxConcurrency", COUNT),
    optional("toleratedFailurePercentage", Shape::Number(0.0..=100.0)),
    optional("toleratedFailureCount", COUNT),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let limits = LimitChange {
        concurrency_max: request.count("maxConcurrency"),
        tolerated_failure_percentage: request.number("toleratedFailurePercentage"),
        tolerated_failure_count: request.count("toleratedFailureCount"),
    };
    let map_run_arn = request.required_text("mapRunArn");
    engine
        .update_map_run(UpdateMapRun {
            map_run_arn,
            limits,
        })
        .await?;
    Ok(json!({}))
}

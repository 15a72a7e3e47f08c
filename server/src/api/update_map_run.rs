//! `UpdateMapRun`.

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::operations::UpdateMapRun;
use stepwell::store::map_run::LimitChange;

use super::ApiError;
use super::extract::Request;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let limits = LimitChange {
        concurrency_max: count(&request, "maxConcurrency")?,
        tolerated_failure_percentage: request.percentage("toleratedFailurePercentage")?,
        tolerated_failure_count: count(&request, "toleratedFailureCount")?,
    };
    let map_run_arn = request.bounded_text("mapRunArn", 2000)?;
    engine
        .update_map_run(UpdateMapRun {
            map_run_arn,
            limits,
        })
        .await?;
    Ok(json!({}))
}

/// A whole number that is not negative.
fn count(request: &Request, name: &str) -> Result<Option<u64>, ApiError> {
    let Some(number) = request.integer(name)? else {
        return Ok(None);
    };
    u64::try_from(number).map(Some).map_err(|_| {
        let rule = "have value greater than or equal to 0";
        ApiError::constraint(&format!("'{number}'"), name, rule)
    })
}

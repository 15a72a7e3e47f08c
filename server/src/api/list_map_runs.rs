//! `ListMapRuns`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::ListMapRuns;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let list = ListMapRuns {
        execution_arn: request.bounded_text("executionArn", 256)?,
        max_results: request.integer("maxResults")?,
        next_token: request.next_token(1024)?,
    };
    let page = engine.list_map_runs(list).await?;
    let entries: Vec<Value> = page
        .map_runs
        .into_iter()
        .map(|entry| {
            Members::default()
                .with("executionArn", entry.execution_arn)
                .with("mapRunArn", entry.map_run_arn)
                .with("stateMachineArn", entry.state_machine_arn)
                .with("startDate", time(entry.start_date))
                .maybe("stopDate", entry.stop_date.map(time))
                .done()
        })
        .collect();
    Ok(Members::default()
        .with("mapRuns", entries)
        .maybe("nextToken", page.next_token)
        .done())
}

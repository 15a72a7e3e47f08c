//! `ListMapRuns`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::ListMapRuns;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{ARN, PAGE_SIZE, PAGE_TOKEN};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("executionArn", ARN),
    optional("maxResults", PAGE_SIZE),
    optional("nextToken", PAGE_TOKEN),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let list = ListMapRuns {
        execution_arn: request.required_text("executionArn"),
        max_results: request.integer("maxResults"),
        next_token: request.text("nextToken"),
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

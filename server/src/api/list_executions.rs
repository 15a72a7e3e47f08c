//! `ListExecutions`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::{ListExecutions, ListMapRunExecutions};

use super::ApiError;
use super::extract::Request;
use super::render::{self, Members, time};

/// Whether executions are wanted that were redriven.
const REDRIVE_FILTERS: [(&str, bool); 2] = [("REDRIVEN", true), ("NOT_REDRIVEN", false)];

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let status_filter = request.one_of("statusFilter", &render::EXECUTION_STATUSES)?;
    let redriven_filter = request.one_of("redriveFilter", &REDRIVE_FILTERS)?;
    let max_results = request.integer("maxResults")?;
    let next_token = request.next_token(3096)?;
    let of_machine = request.text("stateMachineArn")?.is_some();
    let of_map_run = request.text("mapRunArn")?.is_some();
    let page = match (of_machine, of_map_run) {
        (true, true) => return Err(ApiError::exactly_one("stateMachineArn", "mapRunArn")),
        (_, false) => {
            let state_machine_arn = request.bounded_text("stateMachineArn", 256)?;
            engine
                .list_executions(ListExecutions {
                    state_machine_arn,
                    status_filter,
                    redriven_filter,
                    max_results,
                    next_token,
                })
                .await?
        }
        (false, true) => {
            let map_run_arn = request.bounded_text("mapRunArn", 2000)?;
            engine
                .list_map_run_executions(ListMapRunExecutions {
                    map_run_arn,
                    status_filter,
                    redriven_filter,
                    max_results,
                    next_token,
                })
                .await?
        }
    };
    let entries: Vec<Value> = page
        .executions
        .into_iter()
        .map(|entry| {
            Members::default()
                .with("executionArn", entry.execution_arn)
                .with("stateMachineArn", entry.state_machine_arn)
                .with("name", entry.name)
                .with("status", render::execution_status(entry.status))
                .with("startDate", time(entry.start_date))
                .maybe("stopDate", entry.stop_date.map(time))
                .maybe("stateMachineVersionArn", entry.version_arn)
                .maybe("stateMachineAliasArn", entry.alias_arn)
                .maybe("mapRunArn", entry.map_run_arn)
                .maybe("itemCount", entry.item_count)
                .with("redriveCount", entry.redrive_count)
                .maybe("redriveDate", entry.redrive_date.map(time))
                .done()
        })
        .collect();
    Ok(Members::default()
        .with("executions", entries)
        .maybe("nextToken", page.next_token)
        .done())
}

//! `ListExecutions`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::ListExecutions;

use super::ApiError;
use super::extract::Request;
use super::render::{self, Members, time};

/// Whether executions are wanted that were redriven.
const REDRIVE_FILTERS: [(&str, bool); 2] = [("REDRIVEN", true), ("NOT_REDRIVEN", false)];

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let list = ListExecutions {
        status_filter: request.one_of("statusFilter", &render::EXECUTION_STATUSES)?,
        redriven_filter: request.one_of("redriveFilter", &REDRIVE_FILTERS)?,
        state_machine_arn: request.bounded_text("stateMachineArn", 256)?,
        max_results: request.integer("maxResults")?,
        next_token: request.next_token(3096)?,
    };
    let page = engine.list_executions(list).await?;
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

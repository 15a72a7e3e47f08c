//! `ListExecutions`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, Rule, Shape, optional};
use stepwell::operations::{ListExecutions, ListMapRunExecutions};

use super::ApiError;
use super::extract::Arguments;
use super::render::{self, Members, time};
use super::shapes::{ARN, LONG_ARN, PAGE_SIZE, names};

/// Whether executions are wanted that were redriven.
const REDRIVE_FILTERS: [(&str, bool); 2] = [("REDRIVEN", true), ("NOT_REDRIVEN", false)];

const REDRIVE_FILTER_NAMES: &[&str] = &names(&REDRIVE_FILTERS);

const STATUS_NAMES: &[&str] = &names(&render::EXECUTION_STATUSES);

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    optional("stateMachineArn", ARN),
    optional("statusFilter", Shape::OneOf(STATUS_NAMES)),
    optional("maxResults", PAGE_SIZE),
    optional("nextToken", Shape::Text(&[Rule::Length(1..=3_096)])),
    optional("mapRunArn", LONG_ARN),
    optional("redriveFilter", Shape::OneOf(REDRIVE_FILTER_NAMES)),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let status_filter = request.one_of("statusFilter", &render::EXECUTION_STATUSES);
    let redriven_filter = request.one_of("redriveFilter", &REDRIVE_FILTERS);
    let max_results = request.integer("maxResults");
    let next_token = request.text("nextToken");
    let page = match (request.text("stateMachineArn"), request.text("mapRunArn")) {
        (Some(_), Some(_)) => return Err(ApiError::exactly_one("stateMachineArn", "mapRunArn")),
        (None, None) => return Err(ApiError::missing("stateMachineArn")),
        (Some(state_machine_arn), None) => {
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
        (None, Some(map_run_arn)) => {
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

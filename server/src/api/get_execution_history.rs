//! `GetExecutionHistory`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::interpreter::history::HistoryEntry;
use stepwell::operations::GetExecutionHistory;
use stepwell::operations::model::{Member, Shape, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::{ARN, PAGE_SIZE, PAGE_TOKEN};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("executionArn", ARN),
    optional("maxResults", PAGE_SIZE),
    optional("reverseOrder", Shape::Boolean),
    optional("nextToken", PAGE_TOKEN),
    optional("includeExecutionData", Shape::Boolean),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let get = GetExecutionHistory {
        execution_arn: request.required_text("executionArn"),
        max_results: request.integer("maxResults"),
        reverse_order: request.boolean("reverseOrder").unwrap_or(false),
        next_token: request.text("nextToken"),
        include_execution_data: request.boolean("includeExecutionData").unwrap_or(true),
    };
    let page = engine.get_execution_history(get).await?;
    let events: Vec<Value> = page
        .events
        .into_iter()
        .map(HistoryEntry::into_json)
        .collect();
    Ok(Members::default()
        .with("events", events)
        .maybe("nextToken", page.next_token)
        .done())
}

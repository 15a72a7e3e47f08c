//! `GetExecutionHistory`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::interpreter::history::HistoryEntry;
use stepwell::operations::GetExecutionHistory;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let get = GetExecutionHistory {
        execution_arn: request.bounded_text("executionArn", 256)?,
        max_results: request.integer("maxResults")?,
        reverse_order: request.boolean("reverseOrder")?.unwrap_or(false),
        next_token: request.next_token(1024)?,
        include_execution_data: request.boolean("includeExecutionData")?.unwrap_or(true),
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

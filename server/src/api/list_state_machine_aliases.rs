//! `ListStateMachineAliases`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::ListStateMachineAliases;
use stepwell::operations::model::{Member, optional, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{ARN, PAGE_SIZE, PAGE_TOKEN};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("stateMachineArn", ARN),
    optional("nextToken", PAGE_TOKEN),
    optional("maxResults", PAGE_SIZE),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let list = ListStateMachineAliases {
        state_machine_arn: request.required_text("stateMachineArn"),
        max_results: request.integer("maxResults"),
        next_token: request.text("nextToken"),
    };
    let page = engine.list_state_machine_aliases(list).await?;
    let entries: Vec<Value> = page
        .state_machine_aliases
        .into_iter()
        .map(|entry| {
            Members::default()
                .with("stateMachineAliasArn", entry.state_machine_alias_arn)
                .with("creationDate", time(entry.creation_date))
                .done()
        })
        .collect();
    Ok(Members::default()
        .with("stateMachineAliases", entries)
        .maybe("nextToken", page.next_token)
        .done())
}

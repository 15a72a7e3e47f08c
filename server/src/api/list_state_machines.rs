//! `ListStateMachines`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::ListStateMachines;
use stepwell::operations::model::{Member, optional};

use super::ApiError;
use super::extract::Arguments;
use super::render::{self, Members, time};
use super::shapes::{PAGE_SIZE, PAGE_TOKEN};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    optional("maxResults", PAGE_SIZE),
    optional("nextToken", PAGE_TOKEN),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let list = ListStateMachines {
        max_results: request.integer("maxResults"),
        next_token: request.text("nextToken"),
    };
    let page = engine.list_state_machines(list).await?;
    let entries: Vec<Value> = page
        .state_machines
        .into_iter()
        .map(|entry| {
            Members::default()
                .with("stateMachineArn", entry.state_machine_arn)
                .with("name", entry.name)
                .with("type", render::kind(entry.kind))
                .with("creationDate", time(entry.creation_date))
                .done()
        })
        .collect();
    Ok(Members::default()
        .with("stateMachines", entries)
        .maybe("nextToken", page.next_token)
        .done())
}

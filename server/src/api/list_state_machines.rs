//! `ListStateMachines`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::ListStateMachines;

use super::ApiError;
use super::extract::Request;
use super::render::{self, Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let list = ListStateMachines {
        max_results: request.integer("maxResults")?,
        next_token: request.next_token(1024)?,
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

//! `ListActivities`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::ListActivities;
use stepwell::operations::model::{Member, optional};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{PAGE_SIZE, PAGE_TOKEN};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    optional("maxResults", PAGE_SIZE),
    optional("nextToken", PAGE_TOKEN),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let list = ListActivities {
        max_results: request.integer("maxResults"),
        next_token: request.text("nextToken"),
    };
    let page = engine.list_activities(list).await?;
    let entries: Vec<Value> = page
        .activities
        .into_iter()
        .map(|entry| {
            Members::default()
                .with("activityArn", entry.activity_arn)
                .with("name", entry.name)
                .with("creationDate", time(entry.creation_date))
                .done()
        })
        .collect();
    Ok(Members::default()
        .with("activities", entries)
        .maybe("nextToken", page.next_token)
        .done())
}

//! `ListActivities`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::ListActivities;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let list = ListActivities {
        max_results: request.integer("maxResults")?,
        next_token: request.next_token(1024)?,
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

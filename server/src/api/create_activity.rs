//! `CreateActivity`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, Shape, optional, required};
use stepwell::operations::{CreateActivity, ENCRYPTION};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::{NAME, TAGS};

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("name", NAME),
    optional("tags", TAGS),
    optional("encryptionConfiguration", Shape::Structure(&ENCRYPTION)),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let create = CreateActivity {
        name: request.required_text("name"),
        tags: request.tags(),
        encryption: request.structure("encryptionConfiguration"),
    };
    let created = engine.create_activity(create).await?;
    Ok(Members::default()
        .with("activityArn", created.activity_arn)
        .with("creationDate", time(created.creation_date))
        .done())
}

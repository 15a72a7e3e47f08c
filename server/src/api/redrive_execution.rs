//! `RedriveExecution`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::{Member, Shape, optional, required};
use stepwell::operations::{CLIENT_TOKEN, RedriveExecution};

use super::ApiError;
use super::extract::Arguments;
use super::render::{Members, time};
use super::shapes::ARN;

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("executionArn", ARN),
    optional("clientToken", Shape::Text(CLIENT_TOKEN)),
];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let redrive = RedriveExecution {
        execution_arn: request.required_text("executionArn"),
        client_token: request.text("clientToken"),
    };
    let redrive_date = engine.redrive_execution(redrive).await?;
    Ok(Members::default()
        .with("redriveDate", time(redrive_date))
        .done())
}

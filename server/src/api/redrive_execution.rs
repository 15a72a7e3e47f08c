//! `RedriveExecution`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::RedriveExecution;

use super::ApiError;
use super::extract::Request;
use super::render::{Members, time};

pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let redrive = RedriveExecution {
        execution_arn: request.required_text("executionArn")?,
        client_token: request.text("clientToken")?,
    };
    let redrive_date = engine.redrive_execution(redrive).await?;
    Ok(Members::default()
        .with("redriveDate", time(redrive_date))
        .done())
}

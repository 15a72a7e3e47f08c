//! Errors as the API sends them.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use stepwell::OperationError;
use stepwell::operations::model::Misfit;

use super::router::respond;

/// An error with AWS's name, its message and its status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiError {
    /// The error's name: `StateMachineDoesNotExist`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// A further member that the error has in the API's model.
    pub member: Option<(&'static str, String)>,
    /// The HTTP status.
    pub status: StatusCode,
}

impl ApiError {
    fn client(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            member: None,
            status: StatusCode::BAD_REQUEST,
        }
    }

    /// The operation does not exist, or is not built yet.
    pub(super) fn unknown_operation(operation: &str) -> Self {
        let message = format!("The operation '{operation}' is not known to Stepwell");
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::client("UnknownOperationException", message)
        }
    }

    /// The body is not what the protocol asks for.
    pub(super) fn serialization(message: impl Into<String>) -> Self {
        Self::client("SerializationException", message)
    }

    /// A member is missing that has to be there.
    pub(super) fn missing(member: &str) -> Self {
        let message = format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        );
        Self::client("ValidationException", message)
    }

    /// Of two members exactly one has to be there.
    pub(super) fn exactly_one(first: &str, second: &str) -> Self {
        let message = format!("Exactly one of '{first}' and '{second}' must be specified");
        Self::client("ValidationException", message)
    }

    /// The request is larger than the API takes.
    pub(super) fn too_large() -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            ..Self::client(
                "RequestEntityTooLargeException",
                "The request is larger than 1048576 bytes",
            )
        }
    }
}

impl From<Misfit> for ApiError {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Type(message) => Self::serialization(message),
            Misfit::Broken(error) => error.into(),
        }
    }
}

impl From<OperationError> for ApiError {
    fn from(error: OperationError) -> Self {
        let code = error.code();
        if code != "InternalFailure" {
            return Self {
                member: member_of(&error),
                ..Self::client(code, error.to_string())
            };
        }
        // What went wrong inside is for the log; the caller learns that it was not the request.
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, cause, "an operation failed");
        Self {
            code,
            message: "The request failed because of an internal error.".to_owned(),
            member: None,
            status: StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The member that some errors have besides their message.
fn member_of(error: &OperationError) -> Option<(&'static str, String)> {
    if let OperationError::ResourceNotFound { resource }
    | OperationError::TooManyTags { resource, .. } = error
    {
        return Some(("resourceName", resource.clone()));
    }
    if let OperationError::ValidationFor { reason, .. } = error {
        return Some(("reason", reason.name().to_owned()));
    }
    None
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({ "__type": self.code, "message": self.message });
        if let Some((name, value)) = self.member {
            body[name] = Value::from(value);
        }
        respond(self.status, &body, Some(self.code))
    }
}

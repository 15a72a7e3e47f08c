//! The HTTP client that functions and HTTP tasks share.

use std::error::Error;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};

/// A client that does what it is told: it follows no redirect, which could carry a secret
/// elsewhere, and takes no proxy from the environment.
pub(in crate::integrations) fn build() -> Result<Client, reqwest::Error> {
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .build()
}

/// Why the body of a response could not be read.
pub(in crate::integrations) enum BodyError {
    /// It is longer than allowed.
    TooLarge,
    /// The connection broke.
    Transport(reqwest::Error),
}

/// Reads a body of at most `size_max` bytes.
pub(in crate::integrations) async fn read(
    mut response: Response,
    size_max: usize,
) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Transport)? {
        if body.len() + chunk.len() > size_max {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Why a request failed, without its URL, in whose query a secret may stand.
pub(in crate::integrations) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

//! What an HTTP task sends and receives, noted for whoever tests one.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode, Url};

/// A request and its response, in the form of `inspectionData`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpExchange {
    /// What was sent.
    pub request: HttpRequest,
    /// What came back, if anything did.
    pub response: Option<HttpResponse>,
}

/// A request as it was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpRequest {
    /// `https`, or `http` where that is allowed.
    pub protocol: String,
    /// `GET` and its like.
    pub method: String,
    /// Where it went.
    pub url: String,
    /// `[name: value, name: value]`.
    pub headers: String,
    /// What it carried.
    pub body: Option<String>,
}

/// A response as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpResponse {
    /// `https`, or `http` where that is allowed.
    pub protocol: String,
    /// The status.
    pub status_code: String,
    /// Its name.
    pub status_message: String,
    /// `[name: value, name: value]`.
    pub headers: String,
    /// What it carried.
    pub body: String,
}

/// Notes what the last request of an HTTP task was, and what answered it.
#[derive(Clone, Debug)]
pub struct HttpTrace {
    reveals_secrets: bool,
    exchange: Arc<Mutex<Option<HttpExchange>>>,
}

impl HttpTrace {
    /// A trace with nothing in it. What a connection adds to a request is a secret.
    pub fn new(reveals_secrets: bool) -> Self {
        Self {
            reveals_secrets,
            exchange: Arc::default(),
        }
    }

    /// What was noted.
    pub fn take(&self) -> Option<HttpExchange> {
        self.exchange
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    pub(super) fn reveals_secrets(&self) -> bool {
        self.reveals_secrets
    }

    pub(super) fn sent(&self, method: &Method, url: &Url, headers: &HeaderMap, body: Option<&str>) {
        let request = HttpRequest {
            protocol: url.scheme().to_owned(),
            method: method.to_string(),
            url: url.to_string(),
            headers: shown(headers),
            body: body.map(str::to_owned),
        };
        let mut exchange = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        *exchange = Some(HttpExchange {
            request,
            response: None,
        });
    }

    pub(super) fn received(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
        let mut exchange = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exchange) = exchange.as_mut() {
            exchange.response = Some(HttpResponse {
                protocol: exchange.request.protocol.clone(),
                status_code: status.as_u16().to_string(),
                status_message: status.canonical_reason().unwrap_or_default().to_owned(),
                headers: shown(headers),
                body: String::from_utf8_lossy(body).into_owned(),
            });
        }
    }
}

fn shown(headers: &HeaderMap) -> String {
    let shown: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    format!("[{}]", shown.join(", "))
}

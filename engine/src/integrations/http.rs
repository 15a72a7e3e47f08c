//! HTTP tasks, `http:invoke`: one request to an HTTPS endpoint, authorised by a connection.
//!
//! [`request`] merges what the state and the connection say into one request, [`connection`]
//! authorises it, [`response`] makes the task's result of the answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};

use super::{Task, TaskAnswer, TaskError, TaskFuture, TaskHandler};
use crate::configuration::{Configuration, HttpParameters};

pub(super) mod client;
mod request;
mod encoding;
mod connection;
mod response;
mod trace;

pub use trace::{HttpExchange, HttpRequest, HttpResponse, HttpTrace};

use connection::LiveConnection;
use request::Request;

/// How long an HTTP task may take, tokens included.
const TIME_MAX: Duration = Duration::from_mins(1);

/// Runs HTTP tasks.
pub(super) struct HttpInvoke(Arc<Inner>);

struct Inner {
    client: Client,
    connections: BTreeMap<String, LiveConnection>,
    endpoints: Endpoints,
    user_agent: String,
    time_max: Duration,
}

/// Which endpoints may be called.
#[derive(Clone, Copy)]
struct Endpoints {
    allow_plain_loopback: bool,
}

impl Endpoints {
    /// Whether `url` is HTTPS, or leads to this machine and the configuration allows that.
    fn allow(self, url: &Url) -> bool {
        let is_loopback = || match url.host_str() {
            Some("localhost" | "[::1]") => true,
            Some(host) => host
                .parse()
                .is_ok_and(|address: std::net::Ipv4Addr| address.is_loopback()),
            None => false,
        };
        match url.scheme() {
            "https" => true,
            "http" => self.allow_plain_loopback && is_loopback(),
            _ => false,
        }
    }
}

impl HttpInvoke {
    pub(super) fn new(configuration: &Configuration, client: Client) -> Self {
        let connections = configuration.connections.iter();
        Self(Arc::new(Inner {
            client,
            connections: connections
                .map(|(name, connection)| (name.clone(), LiveConnection::new(connection.clone())))
                .collect(),
            endpoints: Endpoints {
                allow_plain_loopback: configuration.http.allow_plain_loopback,
            },
            user_agent: format!(
                "Amazon|StepFunctions|HttpInvoke|{}",
                configuration.server.region
            ),
            time_max: TIME_MAX,
        }))
    }
}

impl TaskHandler for HttpInvoke {
    fn run(&self, task: Task) -> TaskFuture {
        self.run_traced(task, None)
    }
}

impl HttpInvoke {
    /// Runs a task and notes what is sent and received.
    pub(super) fn run_traced(&self, task: Task, trace: Option<HttpTrace>) -> TaskFuture {
        let inner = self.0.clone();
        Box::pin(async move {
            tokio::time::timeout(inner.time_max, inner.invoke(&task, trace.as_ref()))
                .await
                .unwrap_or_else(|_| {
                    let seconds = inner.time_max.as_secs();
                    Err(socket_error(format!(
                        "The endpoint did not answer within {seconds} seconds"
                    )))
                })
        })
    }
}

impl Inner {
    async fn invoke(
        &self,
        task: &Task,
        trace: Option<&HttpTrace>,
    ) -> Result<TaskAnswer, TaskError> {
        let arn = request::connection_arn(&task.parameters)?;
        let connection = self.connection(arn)?;
        let request = Request::read(&task.parameters, connection.parameters(), self)?;
        if let Some(trace) = trace.filter(|trace| !trace.reveals_secrets()) {
            // What the state says by itself, before its connection adds anything.
            let shown = Request::read(&task.parameters, &HttpParameters::default(), self)?;
            trace.sent(
                &shown.method,
                &shown.url,
                &shown.headers,
                shown.body.as_deref(),
            );
        }
        let (mut answer, used_cached_token) = self.send(&request, connection, trace).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            connection.forget_token().await;
            // The endpoint refused to look at the request, so a fresh token may try once more.
            if used_cached_token {
                (answer, _) = self.send(&request, connection, trace).await?;
            }
        }
        let result = response::read(answer, trace).await?;
        Ok(TaskAnswer::Succeeded(result))
    }

    fn connection(&self, arn: &str) -> Result<&LiveConnection, TaskError> {
        connection::name_in(arn)
            .and_then(|name| self.connections.get(name))
            .ok_or_else(|| {
                TaskError::new(
                    "Events.ConnectionResource.ResourceNotFound",
                    format!("Connection '{arn}' does not exist."),
                )
            })
    }

    async fn send(
        &self,
        request: &Request,
        connection: &LiveConnection,
        trace: Option<&HttpTrace>,
    ) -> Result<(reqwest::Response, bool), TaskError> {
        let (authorization, was_cached) = connection
            .authorization(&self.client, self.endpoints)
            .await?;
        let mut headers = request.headers.clone();
        headers.insert(authorization.name, authorization.value);
        if let Some(trace) = trace.filter(|trace| trace.reveals_secrets()) {
            trace.sent(
                &request.method,
                &request.url,
                &headers,
                request.body.as_deref(),
            );
        }
        let mut builder = self
            .client
            .request(request.method.clone(), request.url.clone())
            .headers(headers);
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let answer = builder
            .send()
            .await
            .map_err(|error| socket_error(client::reason(error)))?;
        Ok((answer, was_cached))
    }
}

/// The endpoint could not be reached, or did not answer.
fn socket_error(cause: String) -> TaskError {
    TaskError::new("States.Http.Socket", cause)
}

fn runtime_error(cause: impl Into<String>) -> TaskError {
    TaskError::new("States.Runtime", cause)
}

#[cfg(test)]
mod tests;

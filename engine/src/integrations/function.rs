//! Functions: what AWS Lambda would run, here behind a URL or in a process.
//!
//! A state reaches one by its ARN, or through `lambda:invoke` ([`invoke`]). How a function fails,
//! whatever runs it, is in [`failure`].

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url};
use stepwell_interpreter::Payload;

use super::{Task, TaskAnswer, TaskError, TaskFuture, TaskHandler};
use crate::configuration::{Command, Function, FunctionTarget};

pub(super) mod name;
pub(super) mod invoke;
pub(super) mod failure;
mod url;
mod command;

/// Bytes that a function may answer with, as on AWS Lambda.
const RESPONSE_SIZE_MAX: usize = 6_291_556;

/// A function of the configuration.
pub(super) struct ConfiguredFunction {
    target: Target,
    timeout: Option<Duration>,
}

#[derive(Clone)]
enum Target {
    Url(Client, Url),
    Command(Arc<Command>),
}

impl ConfiguredFunction {
    pub(super) fn new(function: &Function, client: &Client) -> Self {
        let target = match &function.target {
            FunctionTarget::Url(url) => Target::Url(client.clone(), url.clone()),
            FunctionTarget::Command(command) => Target::Command(Arc::new(command.clone())),
        };
        Self {
            target,
            timeout: function.timeout,
        }
    }
}

impl TaskHandler for ConfiguredFunction {
    fn run(&self, task: Task) -> TaskFuture {
        let (target, timeout) = (self.target.clone(), self.timeout);
        Box::pin(async move {
            let request_id = failure::request_id(&task);
            let call = target.call(&task, &request_id);
            let result = match timeout {
                None => call.await,
                Some(limit) => tokio::time::timeout(limit, call)
                    .await
                    .unwrap_or_else(|_| Err(failure::timed_out(limit, &request_id))),
            };
            result.map(TaskAnswer::Succeeded)
        })
    }
}

impl Target {
    async fn call(&self, task: &Task, request_id: &str) -> Result<Payload, TaskError> {
        match self {
            Self::Url(client, url) => url::call(client, url, task, request_id).await,
            Self::Command(command) => command::call(command, task, request_id).await,
        }
    }
}

//! Which handler runs which task.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell_language::model::{Pattern, Resource};

use super::function::ConfiguredFunction;
use super::function::failure;
use super::function::invoke::{self, Invocation, InvocationType};
use super::function::name::FunctionName;
use super::http::{HttpInvoke, HttpTrace, client};
use super::{Task, TaskAnswer, TaskError, TaskFuture, TaskHandler};
use crate::configuration::{Configuration, Server};

/// Every handler of an engine, each found by the ARN of a resource.
///
/// A handler registered under exactly this ARN comes first, then, for a state that waits for a
/// token, one registered for the call itself (`…:sqs:sendMessage` for
/// `…:sqs:sendMessage.waitForTaskToken`), whose answer is not the result: that comes with the token
/// through `SendTaskSuccess`. Then what comes with Stepwell:
/// functions of the configuration, `lambda:invoke`, which reaches those and the registered ones,
/// and `http:invoke`. Activities have no handler: whoever polls for them runs them.
///
/// ```
/// use serde_json::{Value, json};
/// use stepwell::integrations::{Closure, Handlers, TaskError};
///
/// async fn charge(order: Value) -> Result<Value, TaskError> {
///     Ok(json!({"charged": order["amount"]}))
/// }
///
/// let mut handlers = Handlers::default();
/// handlers.register("arn:aws:lambda:us-east-1:123456789012:function:charge", Closure(charge));
/// ```
#[derive(Clone, Default)]
pub struct Handlers {
    registered: BTreeMap<Arc<str>, Arc<dyn TaskHandler>>,
    functions: BTreeMap<String, Arc<dyn TaskHandler>>,
    http: Option<Arc<HttpInvoke>>,
    server: Server,
}

/// Why the handlers of a configuration could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandlersError {
    /// There is no HTTP client, for instance because the certificates cannot be read.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
}

impl Handlers {
    /// The handlers that `configuration` asks for.
    ///
    /// # Errors
    ///
    /// [`HandlersError`] when this machine cannot make HTTP requests.
    pub fn new(configuration: &Configuration) -> Result<Self, HandlersError> {
        let client = client::build().map_err(HandlersError::Client)?;
        let handler = |function| -> Arc<dyn TaskHandler> {
            Arc::new(ConfiguredFunction::new(function, &client))
        };
        Ok(Self {
            registered: BTreeMap::new(),
            functions: configuration
                .functions
                .iter()
                .map(|(name, function)| (name.clone(), handler(function)))
                .collect(),
            http: Some(Arc::new(HttpInvoke::new(configuration, client))),
            server: configuration.server.clone(),
        })
    }

    /// Lets `handler` run the tasks whose `Resource` is exactly `arn`. A function registered
    /// without a qualifier answers to every qualifier. The last handler of an ARN counts.
    pub fn register(&mut self, arn: impl Into<Arc<str>>, handler: impl TaskHandler) -> &mut Self {
        self.registered.insert(arn.into(), Arc::new(handler));
        self
    }

    /// The handler that was registered for `resource`: under exactly its ARN, or, where the state
    /// waits for a token, under that of the call alone.
    fn registered(&self, resource: &Resource) -> Option<&Arc<dyn TaskHandler>> {
        let arn = &**resource.arn();
        let call = || arn.strip_suffix(Pattern::WaitForTaskToken.suffix());
        self.registered
            .get(arn)
            .or_else(|| self.registered.get(call()?))
    }

    /// Whether something runs the tasks of `resource`. For `lambda:invoke` this does not say that
    /// the function exists, which only the parameters name.
    pub fn reaches(&self, resource: &Resource) -> bool {
        if self.registered(resource).is_some() {
            return true;
        }
        match resource {
            Resource::Function { arn } => {
                FunctionName::parse(arn).is_some_and(|name| self.function(&name).is_some())
            }
            Resource::Activity { .. } => true,
            Resource::Service { .. } => match Service::of(resource) {
                Some(Service::LambdaInvoke { .. }) => true,
                Some(Service::HttpInvoke) => self.http.is_some(),
                None => false,
            },
        }
    }

    /// Runs a task as [`run`](TaskHandler::run) does; what an HTTP task sends and receives is noted.
    pub fn run_traced(&self, task: Task, trace: &HttpTrace) -> TaskFuture {
        let is_plain = self.registered(&task.resource).is_none();
        match (Service::of(&task.resource), &self.http) {
            (Some(Service::HttpInvoke), Some(http)) if is_plain => {
                let answer = http.run_traced(task, Some(trace.clone()));
                Box::pin(async move { answer.await.map_err(TaskError::limited) })
            }
            (_, _) => self.run(task),
        }
    }

    /// The handler of the function that somebody named.
    fn function(&self, name: &FunctionName) -> Option<&Arc<dyn TaskHandler>> {
        let arn = name.arn(&self.server);
        let registered = |arn: &str| self.registered.get(arn);
        registered(&name.qualified_arn(&self.server))
            .or_else(|| registered(&arn))
            .or_else(|| self.functions.get(&name.name))
            .or_else(|| {
                // A plain name means the server's own region and account. Closures that an
                // embedding program registered elsewhere are meant all the same.
                let is_plain = name.region.is_none() && name.account.is_none();
                let suffix = format!(":function:{}", name.name);
                let mut handlers = self.registered.iter();
                handlers
                    .find(|(arn, _)| is_plain && arn.ends_with(&suffix))
                    .map(|(_, handler)| handler)
            })
    }

    fn call_function(&self, task: Task) -> TaskFuture {
        let Some(name) = FunctionName::parse(task.resource.arn()) else {
            return fail(unreached(&task.resource));
        };
        match self.function(&name) {
            Some(handler) => handler.run(task),
            None => fail(failure::not_found(
                &name.qualified_arn(&self.server),
                &failure::request_id(&task),
            )),
        }
    }

    fn invoke_function(&self, mut task: Task, waits_for_token: bool) -> TaskFuture {
        let request_id = failure::request_id(&task);
        let invocation = match Invocation::read(&task.parameters, &request_id) {
            Ok(invocation) => invocation,
            Err(error) => return fail(error),
        };
        let Invocation {
            function,
            payload,
            kind,
        } = invocation;
        let qualified_arn = function.qualified_arn(&self.server);
        let Some(handler) = self.function(&function).cloned() else {
            return fail(failure::not_found(&qualified_arn, &request_id));
        };
        task.resource = Resource::Function {
            arn: function.arn(&self.server).into(),
        };
        task.parameters = payload;
        Box::pin(async move {
            let response = match kind {
                InvocationType::RequestResponse => {
                    let (TaskAnswer::Succeeded(result) | TaskAnswer::Submitted(result)) =
                        handler.run(task).await?;
                    invoke::response(&function, &result, &request_id)
                }
                InvocationType::Event => {
                    tokio::spawn(run_unwatched(handler, task));
                    invoke::accepted(202, &request_id)
                }
                InvocationType::DryRun => invoke::accepted(204, &request_id),
            };
            Ok(if waits_for_token {
                TaskAnswer::Submitted(response)
            } else {
                TaskAnswer::Succeeded(response)
            })
        })
    }
}

impl TaskHandler for Handlers {
    fn run(&self, task: Task) -> TaskFuture {
        let answer = if let Some(handler) = self.registered(&task.resource) {
            let waits_for_token = waits_for_token(&task.resource);
            let answer = handler.run(task);
            Box::pin(async move {
                let answer = answer.await?;
                if !waits_for_token {
                    return Ok(answer);
                }
                let (TaskAnswer::Succeeded(answer) | TaskAnswer::Submitted(answer)) = answer;
                Ok(TaskAnswer::Submitted(answer))
            })
        } else {
            match &task.resource {
                Resource::Function { .. } => self.call_function(task),
                Resource::Activity { .. } => fail(unreached(&task.resource)),
                Resource::Service { .. } => match (Service::of(&task.resource), &self.http) {
                    (Some(Service::LambdaInvoke { waits_for_token }), _) => {
                        self.invoke_function(task, waits_for_token)
                    }
                    (Some(Service::HttpInvoke), Some(http)) => http.run(task),
                    (Some(Service::HttpInvoke), None) | (None, _) => {
                        fail(unreached(&task.resource))
                    }
                },
            }
        };
        Box::pin(async move { answer.await.map_err(TaskError::limited) })
    }
}

/// The service integrations that come with Stepwell.
enum Service {
    LambdaInvoke { waits_for_token: bool },
    HttpInvoke,
}

impl Service {
    fn of(resource: &Resource) -> Option<Self> {
        let Resource::Service {
            service,
            action,
            pattern,
            ..
        } = resource
        else {
            return None;
        };
        match (&**service, &**action, pattern) {
            ("lambda", "invoke", Pattern::RequestResponse) => Some(Self::LambdaInvoke {
                waits_for_token: false,
            }),
            ("lambda", "invoke", Pattern::WaitForTaskToken) => Some(Self::LambdaInvoke {
                waits_for_token: true,
            }),
            ("http", "invoke", Pattern::RequestResponse) => Some(Self::HttpInvoke),
            _ => None,
        }
    }
}

/// Whether the result comes with the task's token alone, whatever the handler says.
fn waits_for_token(resource: &Resource) -> bool {
    match resource {
        Resource::Function { .. } | Resource::Activity { .. } => false,
        Resource::Service { pattern, .. } => match pattern {
            Pattern::WaitForTaskToken => true,
            Pattern::RequestResponse | Pattern::Sync | Pattern::Sync2 => false,
        },
    }
}

/// Runs a function whose caller did not want to wait.
async fn run_unwatched(handler: Arc<dyn TaskHandler>, task: Task) {
    let (function, id) = (task.resource.arn().clone(), task.id.clone());
    if let Err(error) = handler.run(task).await {
        tracing::warn!(%function, task = %id, %error, "a function that nobody waits for failed");
    }
}

fn fail(error: TaskError) -> TaskFuture {
    Box::pin(std::future::ready(Err(error)))
}

fn unreached(resource: &Resource) -> TaskError {
    let cause = format!(
        "Nothing runs the resource '{resource}' here. Register a handler under this ARN, name a \
         function of the configuration, or mock the state."
    );
    TaskError::new("States.Runtime", cause)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};
    use tokio::sync::mpsc;

    use super::super::tests::{succeeded, task};
    use super::super::{Closure, TaskClosure};
    use super::*;

    const CHARGE: &str = "arn:aws:lambda:us-east-1:123456789012:function:charge";
    const INVOKE: &str = "arn:aws:states:::lambda:invoke";

    async fn echo(value: Value) -> Result<Value, TaskError> {
        Ok(json!({"echo": value}))
    }

    fn handlers() -> Handlers {
        let text = "[functions.shell]\ncommand = ['cat']";
        let configuration = Configuration::parse(text, Path::new("/"), &|_| None).unwrap();
        let mut handlers = Handlers::new(&configuration).unwrap();
        handlers.register(CHARGE, Closure(echo));
        handlers.register("arn:aws:states:::sqs:sendMessage", Closure(echo));
        handlers
    }

    #[track_caller]
    fn check_reach(resource: &str, expected: bool) {
        let found = handlers().reaches(&Resource::parse(resource).unwrap());
        assert_eq!(found, expected, "{resource}");
    }

    #[test]
    fn only_what_something_runs_is_reached() {
        check_reach(CHARGE, true);
        check_reach(&format!("{CHARGE}:PROD"), true);
        check_reach("arn:aws:lambda:eu-west-1:1:function:charge", false);
        check_reach("arn:aws:lambda:eu-west-1:1:function:shell:3", true);
        check_reach("arn:aws:lambda:eu-west-1:1:function:other", false);
        check_reach("arn:aws:states:us-east-1:1:activity:any", true);
        check_reach("arn:aws:states:::sqs:sendMessage", true);
        check_reach("arn:aws:states:::sqs:sendMessage.waitForTaskToken", true);
        check_reach("arn:aws:states:::sns:publish.waitForTaskToken", false);
        check_reach(INVOKE, true);
        check_reach("arn:aws:states:::lambda:invoke.waitForTaskToken", true);
        check_reach("arn:aws:states:::lambda:invoke.sync", false);
        check_reach("arn:aws:states:::http:invoke", true);
        check_reach("arn:aws:states:::aws-sdk:s3:listBuckets", false);
    }

    #[test]
    fn without_a_configuration_there_are_no_http_tasks() {
        let resource = Resource::parse("arn:aws:states:::http:invoke").unwrap();
        assert!(!Handlers::default().reaches(&resource));
    }

    #[tokio::test]
    async fn a_function_is_called_by_its_arn() {
        for arn in [CHARGE.to_owned(), format!("{CHARGE}:PROD")] {
            let answer = handlers().run(task(&arn, json!(1))).await;
            assert_eq!(succeeded(answer), json!({"echo": 1}));
        }
        let arn = "arn:aws:lambda:eu-west-1:1:function:shell";
        assert_eq!(
            succeeded(handlers().run(task(arn, json!([2]))).await),
            json!([2])
        );
    }

    #[tokio::test]
    async fn lambda_invoke_reaches_every_function_by_every_name() {
        for name in [
            "charge",
            "charge:PROD",
            "123456789012:function:charge",
            CHARGE,
        ] {
            let parameters = json!({"FunctionName": name, "Payload": {"n": 1}});
            let response = succeeded(handlers().run(task(INVOKE, parameters)).await);
            assert_eq!(response["Payload"], json!({"echo": {"n": 1}}), "{name}");
            assert_eq!(response["StatusCode"], 200);
        }
        let parameters = json!({"FunctionName": "shell", "Payload": {"n": 1}});
        let response = succeeded(handlers().run(task(INVOKE, parameters)).await);
        assert_eq!(response["Payload"], json!({"n": 1}));
    }

    #[tokio::test]
    async fn a_plain_name_finds_a_closure_of_another_region() {
        let mut handlers = Handlers::default();
        handlers.register("arn:aws:lambda:eu-west-1:1:function:charge", Closure(echo));
        let response = handlers
            .run(task(INVOKE, json!({"FunctionName": "charge"})))
            .await;
        assert_eq!(succeeded(response)["Payload"], json!({"echo": {}}));
    }

    #[tokio::test]
    async fn a_function_that_waits_for_its_token_is_submitted() {
        let resource = "arn:aws:states:::lambda:invoke.waitForTaskToken";
        let answer = handlers()
            .run(task(resource, json!({"FunctionName": "charge"})))
            .await;
        let Ok(TaskAnswer::Submitted(response)) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(response.value()["Payload"], json!({"echo": {}}));
    }

    #[tokio::test]
    async fn an_event_runs_on_after_its_answer() {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let mut handlers = Handlers::default();
        let handler = TaskClosure(move |task: Task| {
            let sender = sender.clone();
            async move {
                sender.send(task.parameters.to_json()).unwrap();
                Ok(Value::Null)
            }
        });
        handlers.register(CHARGE, handler);
        let mut parameters = json!({"FunctionName": "charge", "Payload": 7});
        parameters["InvocationType"] = json!("DryRun");
        let response = succeeded(handlers.run(task(INVOKE, parameters.clone())).await);
        assert_eq!(response["StatusCode"], 204);
        assert!(receiver.try_recv().is_err());
        parameters["InvocationType"] = json!("Event");
        let response = succeeded(handlers.run(task(INVOKE, parameters)).await);
        assert_eq!(response["StatusCode"], 202);
        assert_eq!(receiver.recv().await, Some(json!(7)));
    }

    #[tokio::test]
    async fn what_is_not_there_is_named() {
        let error = handlers()
            .run(task(INVOKE, json!({"FunctionName": "none"})))
            .await
            .unwrap_err();
        assert_eq!(error.error, "Lambda.ResourceNotFoundException");
        let none = "arn:aws:lambda:us-east-1:123456789012:function:none:$LATEST";
        assert!(
            error
                .cause
                .unwrap()
                .starts_with(&format!("Function not found: {none} (Service"))
        );

        let arn = "arn:aws:lambda:us-east-1:123456789012:function:none";
        let error = handlers().run(task(arn, json!({}))).await.unwrap_err();
        assert_eq!(error.error, "Lambda.ResourceNotFoundException");

        let arn = "arn:aws:states:::sns:publish";
        let error = handlers().run(task(arn, json!({}))).await.unwrap_err();
        assert_eq!(error.error, "States.Runtime");
        assert!(
            error
                .cause
                .unwrap()
                .contains("Nothing runs the resource 'arn:aws:states:::sns")
        );
    }

    #[tokio::test]
    async fn a_function_that_takes_too_long_is_stopped() {
        let text = "[functions.slow]\ncommand = ['sleep', '600']";
        let mut configuration = Configuration::parse(text, Path::new("/"), &|_| None).unwrap();
        let limit = Some(std::time::Duration::from_millis(20));
        configuration.functions.get_mut("slow").unwrap().timeout = limit;
        let handlers = Handlers::new(&configuration).unwrap();
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:slow";
        let error = handlers.run(task(arn, json!({}))).await.unwrap_err();
        assert_eq!(error.error, "Sandbox.Timedout");
        assert!(
            error
                .cause
                .unwrap()
                .contains("Error: Task timed out after 0.02 seconds")
        );
    }
}

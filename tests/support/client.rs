//! The AWS SDK, pointed at a server of ours.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use aws_sdk_sfn::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_sfn::config::retry::RetryConfig;
use aws_sdk_sfn::config::{Config, ConfigBag, Credentials, Intercept, Region, RuntimeComponents};
use aws_sdk_sfn::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::ExecutionStatus;

pub use aws_sdk_sfn::Client;

/// How long anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Pause between two looks at something that is waited for.
const PAUSE: Duration = Duration::from_millis(5);

/// Takes away what the SDK puts before the host of `StartSyncExecution` and `TestState`, as
/// `AWS_DISABLE_HOST_PREFIX_INJECTION` does for the SDKs that know it.
#[derive(Debug)]
struct WithoutHostPrefix;

impl Intercept for WithoutHostPrefix {
    fn name(&self) -> &'static str {
        "WithoutHostPrefix"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let uri = request.uri().replacen("://sync-", "://", 1);
        request.set_uri(uri)?;
        Ok(())
    }
}

/// The client, without encryption and without second tries: one call is one request.
pub fn client(address: SocketAddr) -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = Config::builder()
        .behavior_version_latest()
        .http_client(http)
        .endpoint_url(format!("http://{address}"))
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .interceptor(WithoutHostPrefix)
        .build();
    Client::from_conf(config)
}

/// Waits until `look` finds something.
///
/// # Panics
///
/// After [`PATIENCE`], with `what` was waited for.
pub async fn until<T, W>(what: &str, mut look: impl FnMut() -> W) -> T
where
    W: Future<Output = Option<T>>,
{
    let waited = tokio::time::timeout(PATIENCE, async {
        let mut pause = tokio::time::interval(PAUSE);
        loop {
            pause.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

/// Waits until an execution has ended, and describes it.
///
/// # Panics
///
/// When it does not end, or cannot be described.
pub async fn ended(client: &Client, execution: &str) -> DescribeExecutionOutput {
    until("the end of an execution", || async {
        let described = client.describe_execution().execution_arn(execution).send();
        let described = described.await.expect("the execution can be described");
        (*described.status() != ExecutionStatus::Running).then_some(described)
    })
    .await
}

/// Asserts that a call was refused with an error of the operation's model, and with which words.
#[track_caller]
pub fn refused<T: Debug, E>(result: Result<T, SdkError<E>>, code: &str, message: &str)
where
    E: ProvideErrorMetadata + Debug,
{
    let error = refusal(result);
    assert_eq!((error.code(), error.message()), (Some(code), Some(message)));
    let shown = format!("{error:?}");
    assert!(
        shown.starts_with(code),
        "the client does not know it: {shown}"
    );
}

/// The same for an error that every operation may have, and that no model lists.
#[track_caller]
pub fn refused_in_common<T: Debug, E>(result: Result<T, SdkError<E>>, code: &str, message: &str)
where
    E: ProvideErrorMetadata + Debug,
{
    let error = refusal(result);
    assert_eq!((error.code(), error.message()), (Some(code), Some(message)));
}

/// The error that a call was refused with.
#[track_caller]
pub fn refusal<T: Debug, E: Debug>(result: Result<T, SdkError<E>>) -> E {
    match result {
        Err(SdkError::ServiceError(context)) => context.into_err(),
        other => panic!("not refused by the service: {other:?}"),
    }
}

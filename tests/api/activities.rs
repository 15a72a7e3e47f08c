//! Activities and their workers for tests.

use aws_sdk_sfn::operation::get_activity_task::GetActivityTaskOutput;
use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType};
use serde_json::{Value, json};
use stepwell_tests::server::Server;

/// An activity that nobody created.
pub(crate) const ABSENT_ACTIVITY: &str = "arn:aws:states:us-east-1:123456789012:activity:absent";

/// Texts that name no activity, and what is said about them.
pub(crate) const NOT_ACTIVITIES: [(&str, &str); 4] = [
    ("work", "Invalid Arn: 'Invalid ARN prefix: work'"),
    (
        crate::definitions::ABSENT_MACHINE,
        "Invalid Arn: 'Resource type not valid in this context: stateMachine'",
    ),
    (
        crate::definitions::ABSENT_EXECUTION,
        "Invalid Arn: 'Resource type not valid in this context: execution'",
    ),
    (
        "arn:aws:states:us-east-1:123456789012:activity:",
        "Invalid Arn: 'Invalid ARN: arn:aws:states:us-east-1:123456789012:activity:'",
    ),
];

/// Creates an activity; answers its ARN.
pub(crate) async fn activity(server: &Server, name: &str) -> String {
    let created = server.client.create_activity().name(name).send().await;
    created.unwrap().activity_arn
}

/// A machine with a task of an activity, which may have more fields.
pub(crate) fn definition(activity: &str, more: &Value) -> String {
    let mut state = json!({"Type": "Task", "Resource": activity, "End": true});
    for (name, value) in more.as_object().into_iter().flatten() {
        state[name] = value.clone();
    }
    json!({"StartAt": "Work", "States": {"Work": state}}).to_string()
}

/// Polls until there is a task.
pub(crate) async fn take(server: &Server, activity: &str) -> GetActivityTaskOutput {
    let get = server.client.get_activity_task().activity_arn(activity);
    let task = get.worker_name("w").send().await.unwrap();
    assert!(task.task_token().is_some(), "{task:?}");
    task
}

/// An execution whose task a worker has: its ARN and the token.
pub(crate) async fn working(server: &Server, more: Value) -> (String, String) {
    let activity = activity(server, "work").await;
    let machine = server.create("orders", &definition(&activity, &more)).await;
    let execution = server.begin(&machine, "one", r#"{"n": 1}"#).await;
    let task = take(server, &activity).await;
    (execution, task.task_token.unwrap())
}

/// The events of an execution.
pub(crate) async fn events(server: &Server, execution: &str) -> Vec<HistoryEvent> {
    let history = server.client.get_execution_history();
    let history = history.execution_arn(execution).send().await;
    history.unwrap().events
}

/// The only event of a type.
#[track_caller]
pub(crate) fn only<'a>(events: &'a [HistoryEvent], kind: &HistoryEventType) -> &'a HistoryEvent {
    let mut found = events.iter().filter(|event| event.r#type() == kind);
    let event = found.next().expect("there is one");
    assert!(found.next().is_none(), "there is another: {events:?}");
    event
}

/// Texts that are no task tokens. What is cut off a real one is none either.
pub(crate) fn not_tokens(token: &str) -> Vec<String> {
    let half = &token[..token.len() / 2];
    let cut = &token[..token.len() - 4];
    let foreign = stepwell::interpreter::token::TaskToken::new(
        "arn:aws:states:eu-west-1:123456789012:execution:orders:one",
        stepwell::interpreter::effect::TaskId(stepwell::interpreter::event::Sequence(3)),
        &mut stepwell::interpreter::Chance::from_number(1),
    );
    let mut texts: Vec<String> = ["x", "not a token", "AAAA", half, cut]
        .map(Into::into)
        .into();
    texts.push(foreign.encode());
    texts
}

/// Tokens as they may have been given out elsewhere: for no execution here, or no such task.
pub(crate) fn unknown_tokens() -> Vec<String> {
    let token = |execution: &str, task: u64, seed: u64| {
        let arn = format!("arn:aws:states:us-east-1:123456789012:execution:orders:{execution}");
        stepwell::interpreter::token::TaskToken::new(
            &arn,
            stepwell::interpreter::effect::TaskId(stepwell::interpreter::event::Sequence(task)),
            &mut stepwell::interpreter::Chance::from_number(seed),
        )
        .encode()
    };
    vec![
        token("absent", 3, 1),
        token("one", 3, 2),
        token("one", 2, 3),
        token("one", 1_000_000, 4),
        token("one", u64::MAX, 5),
    ]
}

/// What is said about a task that is over.
pub(crate) const TIMED_OUT: &str = "Task Timed Out: 'Provided task does not exist anymore'";

/// What is said about a task that never was.
pub(crate) const NOT_THERE: &str = "Task Does Not Exist: 'Provided task does not exist'";

/// What is said about a text that is no task token.
pub(crate) const NO_TOKEN: &str = "Invalid Token: 'Invalid token'";

/// What is said about a token of 2,049 characters.
pub(crate) fn too_long(token: &str) -> String {
    format!(
        "1 validation error detected: Value '{token}' at 'taskToken' failed to satisfy constraint: Member must have length less than or equal to 2048"
    )
}

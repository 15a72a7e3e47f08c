//! What is started while processes are killed.

use std::collections::BTreeMap;

use aws_sdk_sfn::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use serde_json::{Value, json};
use stepwell_tests::client::Client;
use stepwell_tests::server::ROLE;
use tokio::task::JoinSet;

use crate::chance::Chance;

/// Names the function that all tasks run.
pub(crate) const CONFIGURATION: &str = "[functions.ledger]\ncommand = ['sh', 'ledger.sh']\n";

/// Notes the task in a ledger and answers its input; refuses the first two attempts of a task that
/// counts them.
pub(crate) const LEDGER_SCRIPT: &str = r#"
input=$(cat)
echo "$STEPWELL_TASK_ID" >> ledger.txt
case "$input" in
    *'"attempt":0'* | *'"attempt":1'*)
        echo '{"errorType": "NotYet", "errorMessage": "later"}'
        exit 1 ;;
esac
printf '%s' "$input"
"#;

/// Starts that are under way at the same time.
const CLIENTS: usize = 8;

/// One per state machine.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    /// Waits a second or two.
    Wait,
    /// Runs a task, then three at the same time.
    Tasks,
    /// Goes round in circles, without anything that would have to be waited for.
    Loop,
    /// Runs a task that succeeds at its third attempt.
    Retry,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::Wait, Kind::Tasks, Kind::Loop, Kind::Retry];

/// A start that is asked for until it is acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    kind: Kind,
    name: String,
    number: usize,
}

/// A start that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) input: Value,
    pub(crate) output: Value,
}

/// All that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// Requests that may or may not have been carried out.
    pending: Vec<Request>,
    acknowledged: BTreeMap<String, Acknowledged>,
    names: usize,
    /// Whether the server may fail to do what it is asked.
    may_be_refused: bool,
    /// So many times it did.
    refused: usize,
}

/// What became of a start.
enum Answer {
    Acknowledged(Acknowledged),
    /// The server could not do it.
    Refused,
    /// No answer came, so that nobody knows.
    Unknown,
}

impl Kind {
    pub(crate) fn machine(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Tasks => "tasks",
            Self::Loop => "loop",
            Self::Retry => "retry",
        }
    }

    fn definition(self) -> Value {
        let ledger = "arn:aws:lambda:us-east-1:123456789012:function:ledger";
        match self {
            Self::Wait => json!({"StartAt": "Wait", "States": {
                "Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "End": true}}}),
            Self::Tasks => json!({"StartAt": "First", "States": {
                "First": {"Type": "Task", "Resource": ledger, "Next": "Each"},
                "Each": {"Type": "Map", "ItemsPath": "$.items", "End": true, "ItemProcessor": {
                    "StartAt": "Item", "States": {"Item": {
                        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
                        "Parameters": {"FunctionName": "ledger", "Payload.$": "$"},
                        "OutputPath": "$.Payload", "End": true}}}}}}),
            Self::Loop => json!({"StartAt": "Enough?", "States": {
                "Enough?": {"Type": "Choice", "Default": "Count", "Choices": [
                    {"Variable": "$.n", "NumericGreaterThanEqualsPath": "$.until", "Next": "Done"}]},
                "Count": {"Type": "Pass", "Next": "Enough?", "Parameters": {
                    "n.$": "States.MathAdd($.n, 1)", "until.$": "$.until"}},
                "Done": {"Type": "Succeed"}}}),
            Self::Retry => json!({"StartAt": "Try", "States": {
                "Try": {"Type": "Task", "Resource": ledger, "End": true,
                    "Parameters": {"attempt.$": "$$.State.RetryCount", "n.$": "$.n"},
                    "Retry": [{"ErrorEquals": ["NotYet"], "IntervalSeconds": 1, "BackoffRate": 1.0,
                        "MaxAttempts": 3}]}}}),
        }
    }
}

/// Creates the state machines.
pub(crate) async fn create_machines(client: &Client) {
    for kind in KINDS {
        let create = client.create_state_machine().name(kind.machine());
        let create = create.definition(kind.definition().to_string());
        let created = create.role_arn(ROLE).send().await;
        created.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
    }
}

impl Request {
    /// The size of the work follows from `number`.
    pub(crate) fn new(kind: Kind, name: String, number: usize) -> Self {
        Self { kind, name, number }
    }

    fn input(&self) -> Value {
        let number = self.number;
        match self.kind {
            Kind::Wait => json!({"seconds": 1 + number % 2, "n": number}),
            Kind::Tasks => json!({"items": [number, number + 1, number + 2]}),
            Kind::Loop => json!({"n": 0, "until": number % 300}),
            Kind::Retry => json!({"n": number}),
        }
    }

    fn output(&self) -> Value {
        let (number, input) = (self.number, self.input());
        match self.kind {
            Kind::Wait => input,
            Kind::Tasks => input["items"].clone(),
            Kind::Loop => json!({"n": number % 300, "until": number % 300}),
            Kind::Retry => json!({"attempt": 2, "n": number}),
        }
    }

    /// Asks for the start. `None` when no answer came, so that nobody knows.
    pub(crate) async fn start(&self, client: &Client) -> Option<Acknowledged> {
        match self.ask(client).await {
            Answer::Acknowledged(started) => Some(started),
            Answer::Refused => panic!("{self:?}: the server could not do it"),
            Answer::Unknown => None,
        }
    }

    async fn ask(&self, client: &Client) -> Answer {
        let machine = self.kind.machine();
        let prefix = "arn:aws:states:us-east-1:123456789012";
        let start = client.start_execution().name(&self.name);
        let start = start.state_machine_arn(format!("{prefix}:stateMachine:{machine}"));
        let arn = format!("{prefix}:execution:{machine}:{}", self.name);
        match start.input(self.input().to_string()).send().await {
            Ok(started) => assert_eq!(started.execution_arn(), arn),
            Err(SdkError::ServiceError(refusal)) => match refusal.err() {
                // It was carried out after all, and has ended since.
                StartExecutionError::ExecutionAlreadyExists(_) => {}
                failed if failed.code() == Some("InternalFailure") => return Answer::Refused,
                refused => panic!("{self:?}: {refused:?}"),
            },
            Err(_) => return Answer::Unknown,
        }
        Answer::Acknowledged(Acknowledged {
            kind: self.kind,
            name: self.name.clone(),
            arn,
            input: self.input(),
            output: self.output(),
        })
    }
}

impl Load {
    /// For a server that may fail to do what it is asked.
    pub(crate) fn that_may_be_refused() -> Self {
        Self {
            may_be_refused: true,
            ..Self::default()
        }
    }

    /// Starts executions: first those that nobody knows about, then new ones, `most` in all.
    /// Ends early when so many are acknowledged that it `is_enough`, or the server is gone or fails.
    pub(crate) async fn run(
        &mut self,
        client: &Client,
        chance: &mut Chance,
        is_enough: impl Fn(usize) -> bool,
        most: usize,
    ) {
        let mut requests = std::mem::take(&mut self.pending);
        while requests.len() < most {
            let (kind, number) = (KINDS[chance.below(KINDS.len())], chance.below(100_000));
            self.names += 1;
            requests.push(Request::new(kind, format!("{:05}", self.names), number));
        }
        let mut under_way = JoinSet::new();
        let mut is_gone = false;
        loop {
            while under_way.len() < CLIENTS && !is_gone && !is_enough(self.acknowledged.len()) {
                let Some(request) = requests.pop() else { break };
                let client = client.clone();
                under_way.spawn(async move { (request.ask(&client).await, request) });
            }
            let Some(answered) = under_way.join_next().await else {
                break;
            };
            match answered.expect("a start does not panic") {
                (Answer::Acknowledged(started), _) => {
                    self.acknowledged.insert(started.name.clone(), started);
                }
                (Answer::Refused, request) => {
                    assert!(
                        self.may_be_refused,
                        "{request:?}: the server could not do it"
                    );
                    is_gone = true;
                    self.refused += 1;
                    self.pending.push(request);
                }
                (Answer::Unknown, request) => {
                    is_gone = true;
                    self.pending.push(request);
                }
            }
        }
        self.pending.extend(requests);
    }

    pub(crate) fn acknowledged_count(&self) -> usize {
        self.acknowledged.len()
    }

    /// How often the server could not do what it was asked.
    pub(crate) fn refused_count(&self) -> usize {
        self.refused
    }

    /// So many starts were asked for and not acknowledged.
    pub(crate) fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// What was acknowledged, by name.
    ///
    /// # Panics
    ///
    /// When something is still pending.
    pub(crate) fn acknowledged(&self) -> BTreeMap<String, Acknowledged> {
        assert!(self.pending.is_empty(), "the server is gone: {self:?}");
        self.acknowledged.clone()
    }
}

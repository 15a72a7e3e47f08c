//! Recorded cases as data: what was sent, what AWS answered, and what a server needs before it is asked.
//!
//! The types are lenient: members they do not name are skipped, so that a newer set of recordings still reads.
//! The main type is [`Case`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Days, Utc};
use regex::{Captures, Regex};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The name that [`mock_configuration`] gives to the test case of every state machine.
///
/// An execution with mocks is started at the state machine's ARN followed by `#Case`.
pub const TEST_CASE: &str = "Case";

/// The member of [`Case::requires`] that says that an activity worker answers instead of mocks.
pub const ACTIVITY_WORKER: &str = "activity-worker";

/// One file of recordings.
#[derive(Clone, Debug, Deserialize)]
pub struct Module {
    /// The module's name, as in `base.test_wait`.
    #[serde(rename = "module")]
    pub name: String,
    /// Its cases, in the order of the file.
    pub cases: Vec<Case>,
}

/// What kind of thing a case records.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Executions of one or more state machines.
    Execution,
    /// A sequence of API calls.
    Api,
    /// Calls of `TestState`.
    TestState,
}

impl Kind {
    /// The kind as the files spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Execution => "execution",
            Self::Api => "api",
            Self::TestState => "test_state",
        }
    }
}

/// One recorded case.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Short and unique; also the name for the state machine.
    pub id: String,
    /// The id of the test the case comes from.
    #[serde(default)]
    pub source: String,
    /// Which of `runs` and `calls` is filled.
    pub kind: Kind,
    /// Placeholder in the recorded result to the value that stands for it.
    #[serde(default)]
    pub bindings: Map<String, Value>,
    /// Recorded strings that stand for any value.
    #[serde(default)]
    pub wildcards: Vec<String>,
    /// Paths to leave out of the comparison, for every run.
    #[serde(default)]
    pub volatile: Vec<String>,
    /// Why AWS would answer otherwise today.
    #[serde(default)]
    pub superseded: Option<String>,
    /// The recording is likely, not certain.
    #[serde(default)]
    pub unverified: bool,
    /// The order of events is not fixed.
    #[serde(default)]
    pub order_sensitive: bool,
    /// The result needs real time to pass.
    #[serde(default)]
    pub timing: bool,
    /// The result holds random or clock values.
    #[serde(default)]
    pub nondeterministic: bool,
    /// What else is needed: `s3`, `activity-worker`, ...
    #[serde(default)]
    pub requires: Vec<String>,
    /// Where the mocks fall short.
    #[serde(default)]
    pub mock_limits: Vec<String>,
    /// ARN in the definition to the name of the activity to create.
    #[serde(default)]
    pub activities: BTreeMap<String, String>,
    /// Objects the case reads from an object store.
    #[serde(default)]
    pub s3_objects: Vec<S3Object>,
    /// What was recorded beside the answers, such as logged events.
    #[serde(default)]
    pub side_effects: Value,
    /// The definition, as submitted, unless each run has its own.
    #[serde(default)]
    pub definition: Option<String>,
    /// `STANDARD` or `EXPRESS`.
    #[serde(default, rename = "type")]
    pub machine_type: Option<String>,
    /// The starts of an `execution` case.
    #[serde(default)]
    pub runs: Vec<Run>,
    /// The calls of an `api` or `test_state` case, in order.
    #[serde(default)]
    pub calls: Vec<Call>,
}

/// An object that must lie in the object store before a case runs.
#[derive(Clone, Debug, Deserialize)]
pub struct S3Object {
    /// The bucket, to be created.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// The object's content.
    #[serde(default)]
    pub body: Option<String>,
}

/// One `StartExecution` or `StartSyncExecution`.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// The run's own definition, where the case has none.
    #[serde(default)]
    pub definition: Option<String>,
    /// The run's own type.
    #[serde(default, rename = "type")]
    pub machine_type: Option<String>,
    /// The input as submitted; see [`Run::filled_input`].
    #[serde(default)]
    pub input: String,
    /// The execution was started without an input.
    #[serde(default)]
    pub input_omitted: bool,
    /// Started with `StartSyncExecution`.
    #[serde(default)]
    pub sync: bool,
    /// An Express execution that was started without waiting for it.
    #[serde(default)]
    pub express_async: bool,
    /// The history was asked for in reverse order.
    #[serde(default, rename = "reverseOrder")]
    pub reverse_order: bool,
    /// `includeExecutionData` of the request for the history.
    #[serde(default, rename = "includeExecutionData")]
    pub include_execution_data: Option<bool>,
    /// The logging configuration that was set.
    #[serde(default)]
    pub logging: Option<Value>,
    /// Paths to leave out of the comparison.
    #[serde(default)]
    pub volatile: Vec<String>,
    /// State name to the responses by attempt (`"0"`, `"1-2"`), in the format of Step Functions Local.
    #[serde(default)]
    pub mocks: Option<Map<String, Value>>,
    /// What AWS answered.
    #[serde(default)]
    pub expected: Expected,
}

/// What AWS answered about one run.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Expected {
    /// The result of `GetExecutionHistory`.
    #[serde(default)]
    pub history: Option<Value>,
    /// The result of `DescribeExecution`.
    #[serde(default)]
    pub describe_execution: Option<Value>,
    /// The result of `StartSyncExecution`.
    #[serde(default)]
    pub start_sync_execution: Option<Value>,
}

/// One API call of an `api` or `test_state` case.
#[derive(Clone, Debug, Deserialize)]
pub struct Call {
    /// The operation, or `@await_...`: wait until that is so.
    pub operation: String,
    /// The parameters, with references to earlier responses.
    #[serde(default)]
    pub params: Value,
    /// What AWS answered.
    #[serde(default)]
    pub expect: Option<Expectation>,
    /// Further parts of the answer.
    #[serde(default)]
    pub expect_more: Vec<Expectation>,
}

/// What AWS answered to a call: a response, or an error.
#[derive(Clone, Debug, Deserialize)]
pub struct Expectation {
    /// `true` (some error) or an object with `Code` and `Message`.
    #[serde(default)]
    pub error: Option<Value>,
    /// The response, or the part of it that `path` selects.
    #[serde(default)]
    pub response: Option<Value>,
    /// The part of the server's response to compare, as in `events[0].id`.
    #[serde(default)]
    pub path: Option<String>,
}

/// A state machine to create for a case, and the runs to start on it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Machine {
    /// The name to create it under; the mock configuration knows it by this name.
    pub name: String,
    /// The definition as submitted.
    pub definition: String,
    /// `STANDARD` or `EXPRESS`.
    pub machine_type: String,
    /// Indexes into [`Case::runs`].
    pub runs: Vec<usize>,
}

/// The state machines of an execution case: one for all runs where definition and mocks are the same,
/// otherwise one for each run, since a mock configuration belongs to a state machine.
#[must_use]
pub fn machines_of(case: &Case) -> Vec<Machine> {
    let machine_type = |own: Option<&String>| {
        let named = own.or(case.machine_type.as_ref());
        named.map_or("STANDARD", String::as_str).to_owned()
    };
    let same_mocks = case
        .runs
        .windows(2)
        .all(|pair| pair[0].mocks == pair[1].mocks);
    if let (Some(definition), true) = (&case.definition, same_mocks) {
        return vec![Machine {
            name: case.id.clone(),
            definition: definition.clone(),
            machine_type: machine_type(None),
            runs: (0..case.runs.len()).collect(),
        }];
    }
    let machine = |(index, run): (usize, &Run)| Machine {
        name: match index {
            0 => case.id.clone(),
            _ => format!("{}-r{index}", case.id.chars().take(74).collect::<String>()),
        },
        definition: run
            .definition
            .clone()
            .or_else(|| case.definition.clone())
            .unwrap_or_default(),
        machine_type: machine_type(run.machine_type.as_ref()),
        runs: vec![index],
    };
    case.runs.iter().enumerate().map(machine).collect()
}

/// Everything a suite may want to leave cases out for, in the words of the recordings.
#[must_use]
pub fn flags(case: &Case) -> BTreeSet<&str> {
    let marks = [
        (
            "superseded",
            case.superseded
                .as_ref()
                .is_some_and(|reason| !reason.is_empty()),
        ),
        ("timing", case.timing),
        ("order_sensitive", case.order_sensitive),
        ("nondeterministic", case.nondeterministic),
    ];
    marks
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
        .chain(case.requires.iter().map(String::as_str))
        .chain(case.mock_limits.iter().map(String::as_str))
        .collect()
}

impl Case {
    /// The events that AWS logged, in order: all of them, or the last one alone.
    #[must_use]
    pub fn logged(&self) -> Vec<Value> {
        let all = self.side_effects.get("logged_execution_events");
        match (
            all.and_then(Value::as_array),
            self.side_effects.get("end_event"),
        ) {
            (Some(all), _) => all.clone(),
            (None, Some(last)) => vec![last.clone()],
            (None, None) => Vec::new(),
        }
    }
}

/// The mock configuration of one case, in the file format of Step Functions Local.
///
/// Cases without mocks, and those whose tasks an activity worker answers, give one without state machines.
#[must_use]
pub fn mock_configuration(case: &Case) -> Value {
    mock_configuration_of([case])
}

/// One mock configuration for many cases: state machine names are unique, so they fit into one file.
#[must_use]
pub fn mock_configuration_of<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Value {
    let mut machines = Map::new();
    let mut responses = Map::new();
    for case in cases {
        if case.kind != Kind::Execution {
            continue;
        }
        for machine in machines_of(case) {
            let first = machine.runs.first().map(|index| &case.runs[*index]);
            let Some(mocks) = first.and_then(|run| run.mocks(case)) else {
                continue;
            };
            let mut states = Map::new();
            for (state, attempts) in mocks {
                let name = format!("{}.{}", machine.name, digest_of(state));
                responses.insert(name.clone(), with_causes(attempts));
                states.insert(state.clone(), Value::String(name));
            }
            machines.insert(machine.name, json!({"TestCases": {TEST_CASE: states}}));
        }
    }
    json!({"StateMachines": machines, "MockedResponses": responses})
}

impl Run {
    /// AWS recorded something to compare this run with.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        let Expected {
            history,
            describe_execution,
            start_sync_execution,
        } = &self.expected;
        history.is_some() || describe_execution.is_some() || start_sync_execution.is_some()
    }

    /// The mocks to start this run with: none where an activity worker answers.
    #[must_use]
    pub fn mocks(&self, case: &Case) -> Option<&Map<String, Value>> {
        let by_worker = case.requires.iter().any(|needed| needed == ACTIVITY_WORKER);
        self.mocks
            .as_ref()
            .filter(|mocks| !mocks.is_empty() && !by_worker)
    }

    /// The input to send at the time `now`, with `${now+Nd}` replaced by the time N days on.
    ///
    /// `None`: the execution is started without an input.
    #[must_use]
    pub fn filled_input(&self, now: DateTime<Utc>) -> Option<String> {
        static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"\$\{now\+([0-9]+)d\}").expect("the pattern is a valid expression")
        });
        if self.input_omitted {
            return None;
        }
        let later = |found: &Captures<'_>| {
            let time = found[1]
                .parse()
                .ok()
                .and_then(|days| now.checked_add_days(Days::new(days)));
            match time {
                Some(time) => time.format("%Y-%m-%dT%H:%M:%S").to_string(),
                // Past the end of the calendar: left as it is, so that the server's refusal shows it.
                None => found[0].to_owned(),
            }
        };
        Some(PLACEHOLDER.replace_all(&self.input, later).into_owned())
    }

    /// The name the worker of this run's activity gave itself, where the history has one.
    #[must_use]
    pub fn worker_name(&self) -> Option<&str> {
        let events = self.expected.history.as_ref()?.get("events")?.as_array()?;
        events.iter().find_map(|event| {
            let name = event
                .get("activityStartedEventDetails")?
                .get("workerName")?
                .as_str()?;
            Some(name).filter(|name| !name.is_empty())
        })
    }
}

/// The mock format wants a Cause in every Throw; where AWS gave none, the empty one stands for it.
fn with_causes(attempts: &Value) -> Value {
    let Value::Object(attempts) = attempts else {
        return attempts.clone();
    };
    let filled = |answer: &Value| match answer.get("Throw") {
        Some(Value::Object(members)) => {
            let mut throw = Map::from_iter([("Cause".to_owned(), Value::from(""))]);
            throw.extend(members.clone());
            json!({"Throw": throw})
        }
        _ => answer.clone(),
    };
    attempts
        .iter()
        .map(|(attempt, answer)| (attempt.clone(), filled(answer)))
        .collect()
}

/// Eight hexadecimal digits that stand for `text`: short, and the same in every run of the suite.
pub(super) fn digest_of(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(text: &str) -> Case {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    #[test]
    fn runs_with_the_same_mocks_share_a_machine() {
        let shared = case(
            r#"{"id": "c", "kind": "execution", "definition": "D", "unknown": 1,
                "runs": [{"input": "1"}, {"input": "2"}]}"#,
        );
        let machine = Machine {
            name: "c".into(),
            definition: "D".into(),
            machine_type: "STANDARD".into(),
            runs: vec![0, 1],
        };
        assert_eq!(machines_of(&shared), [machine]);
        let own = case(
            r#"{"id": "c", "kind": "execution", "runs": [
                {"definition": "A", "type": "EXPRESS"}, {"definition": "B"}]}"#,
        );
        let names: Vec<_> = machines_of(&own)
            .into_iter()
            .map(|machine| (machine.name, machine.definition, machine.machine_type))
            .collect();
        let machine = |name: &str, definition: &str, machine_type: &str| {
            (
                name.to_owned(),
                definition.to_owned(),
                machine_type.to_owned(),
            )
        };
        assert_eq!(
            names,
            [
                machine("c", "A", "EXPRESS"),
                machine("c-r1", "B", "STANDARD")
            ]
        );
    }

    #[test]
    fn mocks_are_written_in_the_format_of_step_functions_local() {
        let mocked = case(
            r#"{"id": "c", "kind": "execution", "definition": "{}", "runs": [{"mocks":
                {"S": {"0": {"Throw": {"Error": "E"}}, "1-2": {"Return": {"a": 1}}}}}]}"#,
        );
        let name = "c.8de0b3c4"; // The first eight digits of the SHA-256 of "S".
        let expected = json!({
            "StateMachines": {"c": {"TestCases": {"Case": {"S": name}}}},
            "MockedResponses": {name: {
                "0": {"Throw": {"Cause": "", "Error": "E"}},
                "1-2": {"Return": {"a": 1}},
            }},
        });
        assert_eq!(mock_configuration(&mocked), expected);
        let by_worker = Case {
            requires: vec![ACTIVITY_WORKER.to_owned()],
            ..mocked
        };
        let nothing = json!({"StateMachines": {}, "MockedResponses": {}});
        assert_eq!(mock_configuration(&by_worker), nothing);
    }

    #[test]
    fn a_days_placeholder_becomes_a_time() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("the time is in range");
        let filled = |input: &str| {
            Run {
                input: input.to_owned(),
                ..run()
            }
            .filled_input(now)
        };
        assert_eq!(
            filled(r#"{"t": "${now+2d}Z"}"#).as_deref(),
            Some(r#"{"t": "2023-11-16T22:13:20Z"}"#)
        );
        assert_eq!(
            filled("${now+99999999999999999999d}").as_deref(),
            Some("${now+99999999999999999999d}")
        );
        assert_eq!(
            Run {
                input_omitted: true,
                ..run()
            }
            .filled_input(now),
            None
        );
    }

    #[test]
    fn flags_are_what_a_suite_may_leave_out() {
        let flagged = case(
            r#"{"id": "c", "kind": "api", "timing": true, "superseded": "since then",
                "requires": ["s3"], "mock_limits": ["ambiguous_mapping"]}"#,
        );
        let expected = ["ambiguous_mapping", "s3", "superseded", "timing"];
        assert_eq!(flags(&flagged).into_iter().collect::<Vec<_>>(), expected);
    }

    fn run() -> Run {
        serde_json::from_str("{}").expect("every member of a run has a default")
    }
}

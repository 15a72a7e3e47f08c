//! The reader and judge of recorded AWS cases.
//!
//! A recording says what was sent to AWS Step Functions and what AWS answered.
//! This module reads the recordings ([`case`]), compares a server's answers with them ([`compare`]),
//! turns the comparison into verdicts ([`judge`]), fills in what later calls take from earlier answers
//! ([`references`]) and sums up ([`report`]).
//! It knows nothing of engines, servers and sockets: it is handed JSON values in the form the API sends them.
//!
//! A suite over executions goes like this:
//!
//! 1. [`locate`] the recordings (`None`: [`announce_absence`]) and [`load`] them;
//! 2. for each case create the [`case::machines_of`] it, with [`case::mock_configuration`] as the mocks;
//! 3. for each run with [`case::Run::is_compared`] start it with [`case::Run::filled_input`], and hand the
//!    answers to [`judge::judge_run`], or build a [`judge::Verdict::failed`] when there are none;
//! 4. [`judge::combine`] the runs of a case, and add the verdict to a [`report::Report`].
//!
//! For the kinds `api` and `test_state`, [`references::Calls`] walks through the calls and
//! [`judge::judge_call`] judges each.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

pub mod case;
pub mod compare;
pub mod judge;
pub mod references;
pub mod report;

/// The environment variable that names the folder of recordings.
pub const LOCATION_VARIABLE: &str = "STEPWELL_CONFORMANCE";

/// Where the recordings lie when [`LOCATION_VARIABLE`] is not set, seen from this package.
const LOCATION_DEFAULT: &str = "../../shared/conformance/aws-recorded";

/// Finds the folder of recordings: the one the environment names, else the one beside the workspace.
///
/// `None` means that the recordings are not there; the caller must say loudly that its suite did not run.
#[must_use]
pub fn locate() -> Option<PathBuf> {
    let folder = std::env::var_os(LOCATION_VARIABLE).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(LOCATION_DEFAULT),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}

/// Says loudly that `suite` judged nothing because [`locate`] found no recordings.
///
/// Written past the test harness, which keeps the output of tests that pass to itself.
pub fn announce_absence(suite: &str) {
    let notice = format!(
        "\nNOT RUN: {suite}: there are no recorded AWS cases; set {LOCATION_VARIABLE} to their folder\n"
    );
    // Where standard error is closed, nobody is there to be told.
    let _ = std::io::stderr().write_all(notice.as_bytes());
}

/// Reads every module file of `folder`, in the order of their names.
///
/// # Errors
///
/// [`LoadError`] names the first file that cannot be read.
pub fn load(folder: &Path) -> Result<Vec<case::Module>, LoadError> {
    let failed = |path: &Path, reason: &dyn fmt::Display| LoadError {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
            serde_json::from_str(&text).map_err(|error| failed(path, &error))
        })
        .collect()
}

/// Why the recordings could not be read.
#[derive(Debug)]
pub struct LoadError {
    /// The folder or file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::case::{Case, Kind, Run};
    use super::compare::{diff_history_relaxed, outcome_of};
    use super::judge::{CallError, Verdict, combine, judge_call, judge_run};
    use super::references::Calls;
    use super::*;

    /// The API holds JSON text in these members; the recordings hold the value.
    const TEXT_MEMBERS: [&str; 11] = [
        "input",
        "output",
        "parameters",
        "cause",
        "definition",
        "result",
        "afterArguments",
        "afterInputPath",
        "afterParameters",
        "afterResultPath",
        "afterResultSelector",
    ];

    fn cases() -> Vec<(String, Case)> {
        let Some(folder) = locate() else {
            announce_absence("the comparator against the recordings");
            return Vec::new();
        };
        let modules = load(&folder).unwrap_or_else(|error| panic!("{error}"));
        modules
            .into_iter()
            .flat_map(|module| {
                let case = move |case: Case| (format!("{} {}", module.name, case.id), case);
                module.cases.into_iter().map(case)
            })
            .collect()
    }

    /// A recorded answer in the form in which a server sends it.
    fn as_sent(recorded: &Value) -> Value {
        match recorded {
            Value::Object(members) => members
                .iter()
                .map(|(name, member)| {
                    let sent = match member {
                        Value::Object(_) if TEXT_MEMBERS.contains(&name.as_str()) => {
                            Value::String(member.to_string())
                        }
                        _ => as_sent(member),
                    };
                    (name.clone(), sent)
                })
                .collect(),
            Value::Array(elements) => elements.iter().map(as_sent).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => recorded.clone(),
        }
    }

    fn judge_history(case: &Case, run: &Run, history: Option<Value>) -> Verdict {
        let recorded = &run.expected;
        let describe = match (&recorded.describe_execution, &recorded.history) {
            (Some(describe), _) => Some(as_sent(describe)),
            (None, Some(history)) => Some(as_sent(&outcome_of(history))),
            (None, None) => None,
        };
        let sync = recorded.start_sync_execution.as_ref().map(as_sent);
        judge_run(case, run, describe, history, sync)
    }

    #[test]
    fn every_recorded_execution_matches_itself_exactly() {
        for (name, case) in cases() {
            let verdicts = case
                .runs
                .iter()
                .enumerate()
                .filter(|(_, run)| run.is_compared());
            let verdict = combine(verdicts.map(|(index, run)| {
                let history = run.expected.history.as_ref().map(as_sent);
                (index, judge_history(&case, run, history))
            }));
            assert_eq!(
                verdict.unwrap_or_else(Verdict::exact),
                Verdict::exact(),
                "{name}"
            );
        }
    }

    #[test]
    fn every_recorded_call_matches_itself_exactly() {
        for (name, case) in cases() {
            if case.kind == Kind::Execution {
                continue;
            }
            let mut calls = Calls::new(&case.id);
            for call in &case.calls {
                let expected = call.expect.as_ref();
                let response = expected
                    .and_then(|expected| expected.response.as_ref())
                    .map(as_sent);
                calls.record(&call.operation, response.as_ref());
                let error = expected.and_then(|expected| expected.error.as_ref());
                let part = |part: &str| {
                    let part = error
                        .and_then(|error| error.get(part))
                        .and_then(Value::as_str);
                    part.unwrap_or_default().to_owned()
                };
                let error = CallError {
                    code: part("Code"),
                    message: part("Message"),
                };
                let answer = response.as_ref().ok_or(&error);
                let verdict = match expected {
                    Some(_) => judge_call(&case, call, answer, &known_arns(answer)),
                    None => Verdict::exact(),
                };
                assert_eq!(verdict, Verdict::exact(), "{name} {}", call.operation);
            }
        }
    }

    /// A listing holds what earlier calls created, whose answers were not always recorded.
    fn known_arns(answer: Result<&Value, &CallError>) -> std::collections::BTreeSet<String> {
        let lists = ["stateMachines", "activities"].into_iter();
        let items = lists
            .filter_map(|list| answer.ok()?.get(list)?.as_array())
            .flatten();
        let arns = items.filter_map(|item| {
            item.get("stateMachineArn")
                .or_else(|| item.get("activityArn"))?
                .as_str()
        });
        arns.map(str::to_owned).collect()
    }

    #[test]
    fn a_changed_history_is_told_from_the_recorded_one() {
        for (name, case) in cases() {
            for run in &case.runs {
                let Some(history) = run.expected.history.as_ref().map(as_sent) else {
                    continue;
                };
                let changed = |change: fn(&mut Vec<Value>)| {
                    let mut history = history.clone();
                    change(
                        history["events"]
                            .as_array_mut()
                            .expect("a history has events"),
                    );
                    let verdict = judge_history(&case, run, Some(history.clone()));
                    (verdict.strict, verdict.relaxed)
                };
                let lost = lost_events(&case, run);
                let gone = changed(|events| drop(events.pop()));
                assert_eq!(gone, (false, false), "{name}: an event is gone");
                let renamed = changed(|events| events[0]["type"] = json!("Other"));
                assert_eq!(renamed, (false, false), "{name}: an event has another type");
                let member =
                    changed(|events| events[0]["executionFailedEventDetails"] = json!({"a": 1}));
                assert_eq!(member, (false, false), "{name}: an event has a member more");
                let shifted = changed(|events| events[0]["id"] = json!(1000));
                assert_eq!(shifted, (false, true), "{name}: an event has another id");
                let added = changed(|events| events.push(events[0].clone()));
                assert_eq!(added, (false, lost), "{name}: an event is there twice");
            }
        }
    }

    /// The recording lacks events, so that one more does no harm.
    fn lost_events(case: &Case, run: &Run) -> bool {
        let history = run.expected.history.clone().expect("the run has a history");
        let mut longer = history.clone();
        let events = longer["events"]
            .as_array_mut()
            .expect("a history has events");
        events.push(json!({"id": 0, "type": "Unknown"}));
        let context = compare::Context::new(case, Some(run));
        diff_history_relaxed(&history, &longer, &context).is_none()
    }
}

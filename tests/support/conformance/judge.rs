//! Verdicts: how closely a server's answers match what AWS answered.
//!
//! [`judge_run`] judges an execution, [`judge_call`] one API call; [`combine`] sums up the parts of a case.
//! The main type is [`Verdict`].

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::case::{Call, Case, Expectation, Run};
use super::compare::{
    Context, Difference, diff, diff_history_relaxed, events_of, outcome_of, parse_embedded,
    shortened,
};
use super::references::select;

/// The members that tell how an execution ended.
const END_MEMBERS: [&str; 4] = ["status", "output", "error", "cause"];

/// How closely the answers match, from the closest measure to the loosest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// Every recorded field matches: events in order with ids and details, errors with their messages.
    pub strict: bool,
    /// Events match as a multiset without ids, errors by their code.
    pub relaxed: bool,
    /// An execution ended as recorded; for calls the same as `relaxed`.
    pub outcome: bool,
    /// Where and how the answers differ first, for people.
    pub first_difference: Option<String>,
}

/// An error that a server answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallError {
    /// The error's name, as in `InvalidArn`.
    pub code: String,
    /// Its message.
    pub message: String,
}

/// What a failed comparison takes from a verdict.
#[derive(Clone, Copy)]
enum Level {
    /// `strict` alone.
    Strict,
    /// `relaxed` alone: the strict comparison has its own say.
    RelaxedOnly,
    /// `strict` and `relaxed`.
    Relaxed,
    /// All three.
    Outcome,
}

impl Verdict {
    /// Nothing differs.
    #[must_use]
    pub fn exact() -> Self {
        Self {
            strict: true,
            relaxed: true,
            outcome: true,
            first_difference: None,
        }
    }

    /// There was no answer to compare: a call that had to succeed did not.
    #[must_use]
    pub fn failed(reason: impl Into<String>) -> Self {
        let first_difference = Some(reason.into());
        Self {
            strict: false,
            relaxed: false,
            outcome: false,
            first_difference,
        }
    }

    /// The verdict that counts: strict, but relaxed where the order of events is not fixed.
    #[must_use]
    pub fn passes(&self, order_sensitive: bool) -> bool {
        if order_sensitive {
            self.relaxed
        } else {
            self.strict
        }
    }

    /// Both hold; `part`, such as `run[1] `, says where `other` comes from.
    #[must_use]
    pub fn and(self, part: &str, other: Self) -> Self {
        Self {
            strict: self.strict && other.strict,
            relaxed: self.relaxed && other.relaxed,
            outcome: self.outcome && other.outcome,
            first_difference: self
                .first_difference
                .or_else(|| other.first_difference.map(|text| format!("{part}{text}"))),
        }
    }

    fn lower(&mut self, level: Level, text: impl Into<String>) {
        let (strict, relaxed, outcome) = match level {
            Level::Strict => (true, false, false),
            Level::RelaxedOnly => (false, true, false),
            Level::Relaxed => (true, true, false),
            Level::Outcome => (true, true, true),
        };
        self.strict &= !strict;
        self.relaxed &= !relaxed;
        self.outcome &= !outcome;
        self.first_difference.get_or_insert_with(|| text.into());
    }
}

/// The verdict on a case from those on its runs, each with its index in [`Case::runs`].
///
/// Runs without anything to compare are to be left out; `None` when no run is left.
#[must_use]
pub fn combine(verdicts: impl IntoIterator<Item = (usize, Verdict)>) -> Option<Verdict> {
    verdicts.into_iter().fold(None, |sum, (index, verdict)| {
        Some(
            sum.unwrap_or_else(Verdict::exact)
                .and(&format!("run[{index}] "), verdict),
        )
    })
}

/// Judges one execution by the API's answers: `DescribeExecution` and `GetExecutionHistory` (all its pages as one)
/// once the execution has ended, or `StartSyncExecution` for a run with `sync`.
///
/// Where the recorded history has no end (see [`is_unfinished`]), the answers are to be taken while the execution
/// is running, after it had the time to come to rest.
#[must_use]
pub fn judge_run(
    case: &Case,
    run: &Run,
    describe: Option<Value>,
    history: Option<Value>,
    sync: Option<Value>,
) -> Verdict {
    if !run.is_compared() {
        return Verdict::exact();
    }
    let context = Context::new(case, Some(run));
    if run.sync {
        return judge_sync(run, sync, &context);
    }
    let Some(describe) = describe.filter(|answer| !members_of(answer).is_empty()) else {
        return Verdict::failed("DescribeExecution gave nothing");
    };
    let unfinished = is_unfinished(run);
    let running = describe.get("status").and_then(Value::as_str) == Some("RUNNING");
    if running && !unfinished {
        return Verdict::failed("still RUNNING at the time limit");
    }
    let mut verdict = Verdict::exact();
    if let Some(recorded) = &run.expected.describe_execution {
        judge_description(recorded, &describe, &context, &mut verdict);
    }
    if let Some(recorded) = &run.expected.history {
        let ended = judge_history(case, recorded, history, &context, &mut verdict);
        let ended = ended.unwrap_or_else(|| only(&describe, &END_MEMBERS));
        let wanted = outcome_of(recorded);
        if unfinished {
            if !running {
                let status = describe
                    .get("status")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                verdict.lower(
                    Level::Outcome,
                    format!("expected to be still running, got {status}"),
                );
            }
        } else if wanted["status"] != "RUNNING"
            && let Some(difference) = diff_outcome(&wanted, &ended, &context)
        {
            verdict.lower(Level::Outcome, format!("outcome {difference}"));
        }
    }
    verdict
}

/// The recording ends while the execution is running.
#[must_use]
pub fn is_unfinished(run: &Run) -> bool {
    let history = run.expected.history.as_ref();
    history.is_some_and(|history| outcome_of(history)["status"] == "RUNNING") && !run.reverse_order
}

/// Judges the answer to one API call; `own_arns` are the state machines and activities that this case created,
/// the only ones of a listing that are compared.
#[must_use]
pub fn judge_call(
    case: &Case,
    call: &Call,
    answer: Result<&Value, &CallError>,
    own_arns: &BTreeSet<String>,
) -> Verdict {
    let context = Context::new(case, None);
    let mut verdict = Verdict::exact();
    for expectation in call.expect.iter().chain(&call.expect_more) {
        match (&expectation.error, answer) {
            (Some(recorded), Err(error)) => judge_error(recorded, error, &context, &mut verdict),
            (Some(_), Ok(response)) => {
                let got = shortened(Some(&without_metadata(response)));
                verdict.lower(
                    Level::Outcome,
                    format!("expected an error, got a response: {got}"),
                );
            }
            (None, Err(CallError { code, message })) => {
                verdict.lower(
                    Level::Outcome,
                    format!("expected a response, got {code}: {message}"),
                );
            }
            (None, Ok(response)) => {
                let compared = only_own(without_metadata(response), own_arns);
                judge_response(expectation, &compared, &context, &mut verdict);
            }
        }
    }
    verdict
}

/// Judges what an execution logged, line by line; of an Express execution AWS's last line is known.
#[must_use]
pub fn judge_log(case: &Case, run: &Run, lines: &[Value]) -> Verdict {
    let context = Context::new(case, Some(run));
    let recorded = case.logged();
    let from = if run.express_async {
        lines.len().saturating_sub(recorded.len())
    } else {
        0
    };
    let lines = Value::from(&lines[from..]);
    let mut verdict = Verdict::exact();
    if let Some(difference) = diff(&Value::from(recorded), &parse_embedded(&lines), &context) {
        verdict.lower(Level::Outcome, difference.to_string());
    }
    verdict
}

fn judge_sync(run: &Run, sync: Option<Value>, context: &Context<'_>) -> Verdict {
    let (Some(recorded), Some(answer)) = (&run.expected.start_sync_execution, sync) else {
        return Verdict::failed("StartSyncExecution gave nothing");
    };
    let mut verdict = Verdict::exact();
    let recorded = without_metadata(recorded);
    if let Some(difference) = diff(&recorded, &parse_embedded(&answer), context) {
        verdict.lower(Level::Relaxed, difference.to_string());
        if let Some(difference) = diff_end(&recorded, &answer, context) {
            verdict.lower(Level::Outcome, difference.to_string());
        }
    }
    verdict
}

fn judge_description(
    recorded: &Value,
    describe: &Value,
    context: &Context<'_>,
    verdict: &mut Verdict,
) {
    let recorded = without_metadata(recorded);
    let members = members_of(&recorded);
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    // Three members or fewer were recorded in part: what else the server says is not known to differ.
    let answer = if names.len() > 3 {
        describe.clone()
    } else {
        only(describe, &names)
    };
    if let Some(difference) = diff(&recorded, &parse_embedded(&answer), context) {
        verdict.lower(Level::Relaxed, format!("describe {difference}"));
        if let Some(difference) = diff_end(&recorded, &answer, context) {
            verdict.lower(Level::Outcome, format!("describe {difference}"));
        }
    }
}

/// Returns how the execution ended by the server's history, if there is one.
fn judge_history(
    case: &Case,
    recorded: &Value,
    history: Option<Value>,
    context: &Context<'_>,
    verdict: &mut Verdict,
) -> Option<Value> {
    let Some(history) = history else {
        verdict.lower(Level::Relaxed, "GetExecutionHistory gave nothing");
        return None;
    };
    let history = json!({"events": events_of(&parse_embedded(&history))});
    let recorded = json!({"events": events_of(recorded)});
    let strict = diff(&recorded, &history, context);
    let relaxed = diff_history_relaxed(&recorded, &history, context);
    if let Some(strict) = strict {
        // Where the order is not fixed, the first difference in order says little.
        let of_interest = relaxed
            .as_ref()
            .filter(|_| case.order_sensitive)
            .unwrap_or(&strict);
        verdict.lower(Level::Strict, of_interest.to_string());
    }
    if let Some(difference) = relaxed {
        verdict.lower(Level::RelaxedOnly, difference.to_string());
    }
    Some(outcome_of(&history))
}

fn judge_error(recorded: &Value, error: &CallError, context: &Context<'_>, verdict: &mut Verdict) {
    let recorded_code = recorded.get("Code");
    if recorded_code.is_some_and(|code| code.as_str() != Some(&error.code)) {
        let code = shortened(recorded_code);
        let CallError { code: got, message } = error;
        verdict.lower(
            Level::Outcome,
            format!("error.Code: expected {code}, got {got}: {message}"),
        );
        return;
    }
    let Some(message) = recorded.get("Message") else {
        return;
    };
    if let Some(difference) = diff(message, &Value::from(error.message.as_str()), context) {
        let difference = Difference {
            path: "error.Message".to_owned(),
            ..difference
        };
        verdict.lower(Level::Strict, difference.to_string());
    }
}

/// Compares the response, or the part of it that the expectation names.
fn judge_response(
    expectation: &Expectation,
    response: &Value,
    context: &Context<'_>,
    verdict: &mut Verdict,
) {
    let path = expectation.path.as_deref().unwrap_or_default();
    let Some(part) = select(response, path) else {
        verdict.lower(Level::Outcome, format!("no {path} in the response"));
        return;
    };
    let Some(recorded) = &expectation.response else {
        return;
    };
    let part = parse_embedded(part);
    if let Some(difference) = diff(recorded, &part, context) {
        let same_events = recorded.get("events").is_some()
            && diff_history_relaxed(recorded, &part, context).is_none();
        let level = if same_events {
            Level::Strict
        } else {
            Level::Outcome
        };
        verdict.lower(level, difference.to_string());
    }
}

/// The end of an execution by its history; a volatile output leaves only the status to compare.
fn diff_outcome(wanted: &Value, ended: &Value, context: &Context<'_>) -> Option<Difference> {
    if context.is_volatile_member("output") && wanted.get("status") == ended.get("status") {
        return None;
    }
    diff(wanted, &parse_embedded(ended), context)
}

/// The end of an execution by its description.
fn diff_end(recorded: &Value, answer: &Value, context: &Context<'_>) -> Option<Difference> {
    let answer = parse_embedded(&only(answer, &END_MEMBERS));
    diff(&only(recorded, &END_MEMBERS), &answer, context)
}

/// Others may have state machines and activities on the same server.
fn only_own(mut response: Value, own_arns: &BTreeSet<String>) -> Value {
    for (list, arn) in [
        ("stateMachines", "stateMachineArn"),
        ("activities", "activityArn"),
    ] {
        if let Some(Value::Array(items)) = response.get_mut(list) {
            items.retain(|item| {
                item.get(arn)
                    .and_then(Value::as_str)
                    .is_some_and(|arn| own_arns.contains(arn))
            });
        }
    }
    response
}

fn without_metadata(response: &Value) -> Value {
    let mut response = response.clone();
    if let Value::Object(members) = &mut response {
        members.shift_remove("ResponseMetadata");
    }
    response
}

fn only(value: &Value, names: &[&str]) -> Value {
    let members = members_of(value).into_iter();
    Value::Object(
        members
            .filter(|(name, _)| names.contains(&name.as_str()))
            .collect(),
    )
}

fn members_of(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUCCEEDED: &str = r#"{"events": [
        {"id": 1, "previousEventId": 0, "timestamp": "timestamp", "type": "ExecutionStarted",
            "executionStartedEventDetails": {"input": {"n": 1}, "roleArn": "sfn_role_arn"}},
        {"id": 2, "previousEventId": 1, "timestamp": "timestamp", "type": "ExecutionSucceeded",
            "executionSucceededEventDetails": {"output": {"n": 2}}}]}"#;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// A case with one run, whose recorded history is [`SUCCEEDED`].
    fn case(more: &Value) -> Case {
        let mut case = json!({"id": "c", "kind": "execution", "definition": "{}",
            "runs": [{"input": "{}", "expected": {"history": value(SUCCEEDED)}}]});
        for (name, member) in members_of(more) {
            case[name] = member;
        }
        serde_json::from_value(case).expect("the case is complete")
    }

    /// `letters` as in a report: `s`, `r` and `o` for what holds.
    #[track_caller]
    fn check(case: &Case, describe: Value, history: Option<Value>, letters: &str) -> Verdict {
        let verdict = judge_run(case, &case.runs[0], Some(describe), history, None);
        let Verdict {
            strict,
            relaxed,
            outcome,
            ..
        } = verdict;
        let holds: String = [(strict, 's'), (relaxed, 'r'), (outcome, 'o')]
            .map(|(holds, letter)| if holds { letter } else { '-' })
            .iter()
            .collect();
        assert_eq!(holds, letters, "{:?}", verdict.first_difference);
        assert_eq!(verdict.first_difference.is_none(), letters == "sro");
        verdict
    }

    #[test]
    fn an_execution_is_judged_by_history_and_end() {
        let case = case(&json!({}));
        let done = json!({"status": "SUCCEEDED", "output": "{\"n\": 2}"});
        let changed = |change: fn(&mut Value)| {
            let mut history = value(SUCCEEDED);
            change(&mut history["events"]);
            Some(history)
        };
        check(&case, done.clone(), changed(|_| {}), "sro");
        check(
            &case,
            done.clone(),
            changed(|events| events[1]["id"] = json!(3)),
            "-ro",
        );
        check(
            &case,
            done.clone(),
            changed(|events| events.as_array_mut().unwrap().reverse()),
            "-ro",
        );
        check(
            &case,
            done.clone(),
            changed(|events| events[0]["type"] = json!("X")),
            "--o",
        );
        check(
            &case,
            done.clone(),
            changed(|events| {
                events[1]["executionSucceededEventDetails"]["output"] = json!("{\"n\": 3}");
            }),
            "---",
        );
        check(&case, done, None, "--o");
        check(&case, json!({"status": "FAILED"}), None, "---");
        check(
            &case,
            json!({"status": "RUNNING"}),
            Some(value(SUCCEEDED)),
            "---",
        );
        check(&case, json!({}), Some(value(SUCCEEDED)), "---");
    }

    #[test]
    fn a_description_recorded_in_part_is_compared_in_part() {
        let run = |described: Value| json!({"runs": [{"input": "{}", "expected": {"describe_execution": described}}]});
        let answer = json!({"status": "FAILED", "error": "E", "name": "n"});
        check(
            &case(&run(json!({"status": "FAILED"}))),
            answer.clone(),
            None,
            "sro",
        );
        check(
            &case(&run(json!({"status": "FAILED", "cause": "C"}))),
            answer.clone(),
            None,
            "---",
        );
        let whole =
            json!({"status": "FAILED", "error": "E", "name": "n", "startDate": "timestamp"});
        check(&case(&run(whole)), answer, None, "--o");
    }

    #[test]
    fn an_execution_recorded_while_running_must_be_running() {
        let history = json!({"events": [{"id": 1, "type": "ExecutionStarted"}]});
        let runs = json!({"runs": [{"input": "{}", "expected": {"history": history}}]});
        let case = case(&runs);
        assert!(is_unfinished(&case.runs[0]));
        check(
            &case,
            json!({"status": "RUNNING"}),
            Some(history.clone()),
            "sro",
        );
        let verdict = check(&case, json!({"status": "FAILED"}), Some(history), "---");
        let text = verdict.first_difference.expect("the verdict is not exact");
        assert_eq!(text, "expected to be still running, got FAILED");
    }

    #[test]
    fn where_the_order_is_not_fixed_the_relaxed_verdict_counts() {
        let verdict = Verdict {
            strict: false,
            ..Verdict::exact()
        };
        assert!(verdict.passes(true));
        assert!(!verdict.passes(false));
    }

    #[test]
    fn runs_are_combined_by_what_holds_for_all() {
        assert_eq!(combine([]), None);
        let second = Verdict {
            strict: false,
            first_difference: Some("x".into()),
            ..Verdict::exact()
        };
        let third = Verdict::failed("y");
        let both = combine([(0, Verdict::exact()), (1, second)]).expect("there are runs");
        assert_eq!(
            (both.strict, both.relaxed, both.outcome),
            (false, true, true)
        );
        assert_eq!(both.first_difference.as_deref(), Some("run[1] x"));
        assert_eq!(
            both.and("run[2] ", third).first_difference.as_deref(),
            Some("run[1] x")
        );
    }

    #[track_caller]
    fn check_call(
        expect: &Value,
        answer: Result<Value, (&str, &str)>,
        strict: bool,
        relaxed: bool,
    ) {
        let call = serde_json::from_value(json!({"operation": "Op", "expect": expect}));
        let call: Call = call.expect("the call is complete");
        let error = answer.as_ref().err().map(|(code, message)| CallError {
            code: (*code).to_owned(),
            message: (*message).to_owned(),
        });
        let answer = answer
            .as_ref()
            .map_err(|_| error.as_ref().expect("it is an error"));
        let own = BTreeSet::from(["arn:own".to_owned()]);
        let verdict = judge_call(&case(&json!({})), &call, answer, &own);
        assert_eq!(
            (verdict.strict, verdict.relaxed),
            (strict, relaxed),
            "{verdict:?}"
        );
    }

    #[test]
    fn a_call_is_judged_by_its_response_or_error() {
        let error = json!({"error": {"Code": "InvalidArn", "Message": "Bad: '<arn>'"}});
        check_call(&error, Err(("InvalidArn", "Bad: 'x'")), true, true);
        check_call(&error, Err(("InvalidArn", "bad")), false, true);
        check_call(&error, Err(("InvalidName", "Bad: 'x'")), false, false);
        check_call(&error, Ok(json!({})), false, false);
        check_call(&json!({"error": true}), Err(("Any", "thing")), true, true);
        let response = json!({"response": {"a": 1}});
        check_call(
            &response,
            Ok(json!({"a": 1, "ResponseMetadata": {}})),
            true,
            true,
        );
        check_call(&response, Ok(json!({"a": 1, "b": 2})), false, false);
        check_call(&response, Err(("Any", "thing")), false, false);
        let part = json!({"path": "list[1].a", "response": 2});
        check_call(&part, Ok(json!({"list": [{}, {"a": 2}]})), true, true);
        check_call(&part, Ok(json!({"list": []})), false, false);
        let listing = json!({"response": {"activities": [{"activityArn": "arn:own"}]}});
        let answer = json!({"activities": [{"activityArn": "other"}, {"activityArn": "arn:own"}]});
        check_call(&listing, Ok(answer), true, true);
        let mut shifted = value(SUCCEEDED);
        shifted["events"][1]["id"] = json!(7);
        check_call(
            &json!({"response": value(SUCCEEDED)}),
            Ok(shifted),
            false,
            true,
        );
    }
}

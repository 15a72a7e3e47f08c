//! Compares what AWS answered with what a server answered.
//!
//! The recordings hold placeholders for what differs from one account and one run to the next, and
//! hold JSON text as the value it stands for; the comparison knows about both.
//! Entry points are [`diff`] for any answer and [`diff_history_relaxed`] for a history without its order;
//! a [`Context`] carries what the case says about its placeholders.
//! The rules are those of the README beside the recordings.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Number, Value, json};

use super::case::{Case, Run};

/// Recorded strings that stand for any value, in every case.
const ANY_VALUE: [&str; 5] = [
    "timestamp",
    "datetime",
    "date",
    "snf_role_arn",
    "sfn_role_arn",
];

/// Members that hold a point in time: both sides must have them, their values are not compared.
const TIME_MEMBERS: [&str; 7] = [
    "timestamp",
    "startDate",
    "stopDate",
    "creationDate",
    "updateDate",
    "redriveDate",
    "event_timestamp",
];

/// Members that are not compared at all.
const IGNORED_MEMBERS: [&str; 4] = [
    "ResponseMetadata",
    "billingDetails",
    "roleArn",
    "traceHeader",
];

/// Shorter keys of `bindings` would be found inside ordinary words.
const BINDING_LENGTH_MIN: usize = 5;

/// A placeholder inside a recorded string.
const TOKEN: &str = r"<<[A-Za-z][^<>]{0,60}>(?::\d+)?>|<[A-Za-z][^<>]{0,60}>";

/// What a case says about the comparison: its placeholders and the paths to leave out.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    any_value: BTreeSet<&'a str>,
    /// The longest first: one may begin with another.
    bindings: Vec<&'a str>,
    volatile_paths: BTreeSet<&'a str>,
    volatile_members: BTreeSet<&'a str>,
    lenient_cause: bool,
}

impl<'a> Context<'a> {
    /// The context of one run, or of a case without runs.
    #[must_use]
    pub fn new(case: &'a Case, run: Option<&'a Run>) -> Self {
        let mut bindings: Vec<&str> = case
            .bindings
            .keys()
            .map(String::as_str)
            .filter(|binding| binding.chars().count() >= BINDING_LENGTH_MIN)
            .collect();
        bindings.sort_by_key(|binding| std::cmp::Reverse(binding.chars().count()));
        let mut context = Self {
            any_value: ANY_VALUE.into_iter().collect(),
            bindings,
            volatile_paths: BTreeSet::new(),
            volatile_members: BTreeSet::new(),
            lenient_cause: case.runs.iter().any(throws_without_cause),
        };
        context
            .any_value
            .extend(case.wildcards.iter().map(String::as_str));
        for path in case
            .volatile
            .iter()
            .chain(run.into_iter().flat_map(|run| &run.volatile))
        {
            match path.strip_prefix("$..") {
                Some(member) => context.volatile_members.insert(member),
                None => context.volatile_paths.insert(path),
            };
        }
        context
    }

    /// Members of this name are left out wherever they stand.
    #[must_use]
    pub fn is_volatile_member(&self, name: &str) -> bool {
        self.volatile_members.contains(name)
    }

    fn is_volatile(&self, path: &str) -> bool {
        let member = path.rsplit('.').next().unwrap_or(path);
        self.volatile_paths.contains(path) || self.volatile_members.contains(member)
    }

    /// The first placeholder in `text` at or after `from`.
    fn find_placeholder(&self, text: &str, from: usize) -> Option<Range<usize>> {
        static PATTERN: LazyLock<Regex> = LazyLock::new(|| expression(TOKEN));
        let mut first = PATTERN.find_at(text, from).map(|found| found.range());
        for binding in &self.bindings {
            if let Some(offset) = text[from..].find(binding) {
                let start = from + offset;
                // Where two begin at one place, the pattern wins, then the longer binding.
                if first.as_ref().is_none_or(|found| start < found.start) {
                    first = Some(start..start + binding.len());
                }
            }
        }
        first
    }

    fn has_placeholder(&self, text: &str) -> bool {
        self.find_placeholder(text, 0).is_some()
    }

    /// The whole of `text` is one placeholder.
    fn is_placeholder(&self, text: &str) -> bool {
        static PATTERN: LazyLock<Regex> =
            LazyLock::new(|| expression(&format!(r"\A(?:{TOKEN})\z")));
        self.bindings.contains(&text) || PATTERN.is_match(text)
    }
}

/// Where two answers differ first, in the order of the recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// As in `$.events[3].stateExitedEventDetails.output`.
    pub path: String,
    /// What AWS answered; `None`: nothing there.
    pub expected: Option<Value>,
    /// What the server answered; `None`: nothing there.
    pub actual: Option<Value>,
}

impl Difference {
    fn new(path: &str, expected: Option<&Value>, actual: Option<&Value>) -> Self {
        Self {
            path: path.to_owned(),
            expected: expected.cloned(),
            actual: actual.cloned(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (expected, actual) = (
            shortened(self.expected.as_ref()),
            shortened(self.actual.as_ref()),
        );
        write!(
            formatter,
            "{}: expected {expected}, got {actual}",
            self.path
        )
    }
}

/// `None` when the server's value is what AWS answered, otherwise the first difference.
///
/// `actual` is read by [`parse_embedded`] first; `expected` is as recorded.
#[must_use]
pub fn diff(expected: &Value, actual: &Value, context: &Context<'_>) -> Option<Difference> {
    diff_at(expected, actual, context, "$")
}

/// The histories as multisets of (type, details): ids, time stamps and order are not compared.
///
/// Where the recorder lost events, the recorded ids tell how many, and so many more are allowed.
#[must_use]
pub fn diff_history_relaxed(
    expected: &Value,
    actual: &Value,
    context: &Context<'_>,
) -> Option<Difference> {
    let recorded = events_of(expected);
    let last_id = recorded
        .iter()
        .filter_map(|event| event.get("id")?.as_i64())
        .max()
        .unwrap_or(0);
    let lost = usize::try_from(last_id)
        .unwrap_or(0)
        .saturating_sub(recorded.len());
    let mut left: Vec<&Value> = events_of(actual).iter().collect();
    for (index, event) in recorded.iter().enumerate() {
        let (wanted, path) = (event_content(event), format!("$.events[{index}]"));
        let mut closest = None;
        let found = left.iter().position(|candidate| {
            if candidate.get("type") != event.get("type") {
                return false;
            }
            let difference = diff_at(&wanted, &event_content(candidate), context, &path);
            let equal = difference.is_none();
            closest = closest.take().or(difference);
            equal
        });
        let Some(found) = found else {
            let recorded_type = json!({"type": event.get("type")});
            return closest.or_else(|| Some(Difference::new(&path, Some(&recorded_type), None)));
        };
        left.remove(found);
    }
    let extra = left.first().filter(|_| left.len() > lost)?;
    let path = format!(
        "$.events (extra: {})",
        extra.get("type").and_then(Value::as_str).unwrap_or("None")
    );
    Some(Difference::new(&path, None, Some(&event_content(extra))))
}

/// The server's value in the form of the recordings: a string member that starts with `{` and is JSON
/// becomes the value it stands for. One level: strings inside that value stay strings.
#[must_use]
pub fn parse_embedded(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('{') => {
            serde_json::from_str(text).unwrap_or_else(|_| value.clone())
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), parse_embedded(member)))
            .collect(),
        Value::Array(elements) => elements.iter().map(parse_embedded).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The end of an execution as its history tells it: `status`, and `output`, `error` and `cause` where they are.
#[must_use]
pub fn outcome_of(history: &Value) -> Value {
    let status_of = |event: &Value| match event.get("type").and_then(Value::as_str) {
        Some("ExecutionSucceeded") => Some("SUCCEEDED"),
        Some("ExecutionFailed") => Some("FAILED"),
        Some("ExecutionAborted") => Some("ABORTED"),
        Some("ExecutionTimedOut") => Some("TIMED_OUT"),
        _ => None,
    };
    let last = events_of(history)
        .iter()
        .rev()
        .find_map(|event| Some((status_of(event)?, event)));
    let Some((status, event)) = last else {
        return json!({"status": "RUNNING"});
    };
    let details = event
        .as_object()
        .and_then(|members| {
            members
                .iter()
                .find(|(name, _)| name.ends_with("EventDetails"))
        })
        .and_then(|(_, details)| details.as_object());
    let mut outcome = Map::from_iter([("status".to_owned(), Value::from(status))]);
    for name in ["output", "error", "cause"] {
        if let Some(member) = details.and_then(|details| details.get(name)) {
            outcome.insert(name.to_owned(), member.clone());
        }
    }
    Value::Object(outcome)
}

fn diff_at(
    expected: &Value,
    actual: &Value,
    context: &Context<'_>,
    path: &str,
) -> Option<Difference> {
    let different = || Some(Difference::new(path, Some(expected), Some(actual)));
    if context.is_volatile(path) {
        return None;
    }
    if expected
        .as_str()
        .is_some_and(|text| context.any_value.contains(text))
    {
        return None;
    }
    match (expected, actual) {
        (Value::Object(members), _) => match embedded_object(actual).as_ref() {
            Value::Object(found) => diff_objects(members, found, context, path),
            other => Some(Difference::new(path, Some(expected), Some(other))),
        },
        (Value::Array(elements), _) => match embedded_array(actual).as_ref() {
            Value::Array(found) => diff_arrays(elements, found, context, path),
            other => Some(Difference::new(path, Some(expected), Some(other))),
        },
        // No placeholder stands for a truth value or null.
        (Value::Null | Value::Bool(_), _) | (_, Value::Null | Value::Bool(_)) => {
            if expected == actual {
                None
            } else {
                different()
            }
        }
        (Value::Number(left), Value::Number(right)) => {
            if same_number(left, right) {
                None
            } else {
                different()
            }
        }
        (Value::Number(_), Value::String(_) | Value::Array(_) | Value::Object(_)) => different(),
        (Value::String(left), Value::String(right)) => {
            if same_text(left, right, context) {
                return None;
            }
            match (array_text(left), array_text(right)) {
                (Some(left), Some(right)) => diff_at(&left, &right, context, path),
                _ => different(),
            }
        }
        (Value::String(text), Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            if actual.is_object()
                && text.starts_with('{')
                && let Ok(value) = serde_json::from_str::<Value>(text)
            {
                return diff_at(&value, actual, context, path);
            }
            if context.is_placeholder(text) {
                None
            } else {
                different()
            }
        }
    }
}

fn diff_objects(
    expected: &Map<String, Value>,
    actual: &Map<String, Value>,
    context: &Context<'_>,
    path: &str,
) -> Option<Difference> {
    let names: BTreeSet<&String> = expected.keys().chain(actual.keys()).collect();
    for name in names {
        let member_path = format!("{path}.{name}");
        if IGNORED_MEMBERS.contains(&name.as_str()) || context.is_volatile(&member_path) {
            continue;
        }
        let (left, right) = (expected.get(name), actual.get(name));
        let absence_allowed = name.ends_with("EventDetails")
            || context.lenient_cause && (name == "cause" || name == "Cause");
        if absence_allowed && is_empty(left) && is_empty(right) {
            continue;
        }
        match (left, right) {
            (Some(left), Some(right)) => {
                if TIME_MEMBERS.contains(&name.as_str()) {
                    continue;
                }
                if let Some(difference) = diff_at(left, right, context, &member_path) {
                    return Some(difference);
                }
            }
            // A placeholder used as a name stands for whatever name the server has.
            (None, _) if expected.keys().any(|name| context.is_placeholder(name)) => {}
            (Some(_), None) if context.has_placeholder(name) => {}
            (left, right) => return Some(Difference::new(&member_path, left, right)),
        }
    }
    None
}

fn diff_arrays(
    expected: &[Value],
    actual: &[Value],
    context: &Context<'_>,
    path: &str,
) -> Option<Difference> {
    (0..expected.len().max(actual.len())).find_map(|index| {
        let element_path = format!("{path}[{index}]");
        match (expected.get(index), actual.get(index)) {
            (Some(left), Some(right)) => diff_at(left, right, context, &element_path),
            (left, right) => Some(Difference::new(&element_path, left, right)),
        }
    })
}

/// The texts are the same, up to accounts in ARNs and what the placeholders stand for.
fn same_text(expected: &str, actual: &str, context: &Context<'_>) -> bool {
    if expected == actual {
        return true;
    }
    let (expected, actual) = (without_account(expected), without_account(actual));
    expected == actual || matches_pattern(&expected, &actual, context)
}

/// `text` is `pattern` with each placeholder replaced by one or more characters.
///
/// Each literal part is looked for as early as possible, which leaves the most room for the rest.
fn matches_pattern(pattern: &str, text: &str, context: &Context<'_>) -> bool {
    let Some(first) = context.find_placeholder(pattern, 0) else {
        return false;
    };
    let Some(mut rest) = text.strip_prefix(&pattern[..first.start]) else {
        return false;
    };
    let mut position = first.end;
    loop {
        let mut characters = rest.chars();
        if characters.next().is_none() {
            return false;
        }
        let after_one = characters.as_str();
        let Some(next) = context.find_placeholder(pattern, position) else {
            return after_one.ends_with(&pattern[position..]);
        };
        let literal = &pattern[position..next.start];
        let Some(found) = after_one.find(literal) else {
            return false;
        };
        rest = &after_one[found + literal.len()..];
        position = next.end;
    }
}

/// Partition, region and account of an ARN are where it was recorded, not what is compared.
fn without_account(text: &str) -> Cow<'_, str> {
    static ARN: LazyLock<Regex> = LazyLock::new(|| {
        expression(
            r"arn:(?:aws[a-z-]*|<partition>):([a-z0-9-]+):(?:[a-z0-9-]*|<region>):(?:\d{12}|<[a-z_]*account[a-z_]*>)?:",
        )
    });
    ARN.replace_all(text, "arn:P:${1}:R:A:")
}

/// Integers and floating point numbers by their exact value.
fn same_number(left: &Number, right: &Number) -> bool {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => left == right,
        (None, None) => left.as_f64() == right.as_f64(),
        (None, Some(integer)) => left.as_f64().and_then(integer_of) == Some(integer),
        (Some(integer), None) => right.as_f64().and_then(integer_of) == Some(integer),
    }
}

/// The integer a floating point number stands for, if it does.
fn integer_of(number: f64) -> Option<i128> {
    // Past this bound lie no integers that JSON text is read into as such.
    (number.fract() == 0.0 && number.abs() < 1e30).then_some(number as i128)
}

/// Where AWS answered an object, a server's JSON text is compared as the value it stands for.
fn embedded_object(actual: &Value) -> Cow<'_, Value> {
    match actual {
        Value::String(_) => Cow::Owned(parse_embedded(actual)),
        _ => Cow::Borrowed(actual),
    }
}

/// The same for an array, whose text the server's answer keeps until here.
fn embedded_array(actual: &Value) -> Cow<'_, Value> {
    match actual.as_str().and_then(array_text) {
        Some(value) => Cow::Owned(parse_embedded(&value)),
        None => Cow::Borrowed(actual),
    }
}

fn array_text(text: &str) -> Option<Value> {
    text.starts_with('[')
        .then(|| serde_json::from_str(text).ok())?
}

/// Absent, or a value that says nothing.
fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Bool(value)) => !value,
        Some(Value::Number(value)) => value.as_f64() == Some(0.0),
        Some(Value::String(value)) => value.is_empty(),
        Some(Value::Array(value)) => value.is_empty(),
        Some(Value::Object(value)) => value.is_empty(),
    }
}

pub(super) fn events_of(history: &Value) -> &[Value] {
    history
        .get("events")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn event_content(event: &Value) -> Value {
    let Value::Object(members) = event else {
        return event.clone();
    };
    let compared = |name: &str| !["id", "previousEventId", "timestamp"].contains(&name);
    let kept = members.iter().filter(|(name, _)| compared(name));
    kept.map(|(name, member)| (name.clone(), member.clone()))
        .collect()
}

/// The mock format wants a Cause in every Throw, so a mock cannot give back what AWS answered here.
fn throws_without_cause(run: &Run) -> bool {
    let answers = run
        .mocks
        .iter()
        .flat_map(Map::values)
        .filter_map(Value::as_object);
    answers
        .flat_map(Map::values)
        .filter_map(|answer| answer.get("Throw"))
        .any(|throw| throw.get("Cause").is_none())
}

/// A value for people: one line, cut where it gets long.
pub(super) fn shortened(value: Option<&Value>) -> String {
    const LENGTH_MAX: usize = 160;
    let Some(value) = value else {
        return "<absent>".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(LENGTH_MAX) {
        None => text,
        Some(_) => text
            .chars()
            .take(LENGTH_MAX - 3)
            .chain("...".chars())
            .collect(),
    }
}

fn expression(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a valid expression")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    fn case() -> Case {
        let case = json!({
            "id": "c",
            "kind": "execution",
            "bindings": {"topic-arn": "x", "tiny": "x"},
            "wildcards": ["RandomNumber"],
            "volatile": ["$.gone.here", "$..anywhere"],
        });
        serde_json::from_value(case).expect("the case is complete")
    }

    /// `path`: where the two differ first; `None`: nowhere.
    #[track_caller]
    fn check(expected: &str, actual: &str, path: Option<&str>) {
        let case = case();
        let context = Context::new(&case, None);
        let difference = diff(&value(expected), &parse_embedded(&value(actual)), &context);
        assert_eq!(
            difference.as_ref().map(|found| found.path.as_str()),
            path,
            "{difference:?}"
        );
    }

    #[test]
    fn objects_compare_without_order_and_report_the_first_member() {
        check(r#"{"a": 1, "b": 2}"#, r#"{"b": 2, "a": 1}"#, None);
        check(r#"{"a": 1, "b": 2}"#, r#"{"b": 3, "a": 4}"#, Some("$.a"));
        check(r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#, Some("$.b"));
        check(r#"{"a": 1, "b": null}"#, r#"{"a": 1}"#, Some("$.b"));
        check("[1, [2]]", "[1, [3]]", Some("$[1][0]"));
        check("[1]", "[1, 2]", Some("$[1]"));
        check("{}", "[]", Some("$"));
    }

    #[test]
    fn numbers_compare_by_value() {
        check("1", "1.0", None);
        check("1e3", "1000", None);
        check("-0.0", "0", None);
        check("9007199254740993", "9007199254740992.0", Some("$"));
        check("18446744073709551615", "18446744073709551614", Some("$"));
        check("1", "1.5", Some("$"));
        check("1", "true", Some("$"));
        check("1", r#""1""#, Some("$"));
    }

    #[test]
    fn embedded_objects_are_parsed_one_level_deep() {
        check(r#"{"input": {"a": 1}}"#, r#"{"input": "{\"a\": 1}"}"#, None);
        check(
            r#"{"input": {"a": "{}"}}"#,
            r#"{"input": "{\"a\": \"{}\"}"}"#,
            None,
        );
        check(r#"{"input": "{broken"}"#, r#"{"input": "{broken"}"#, None);
        check(
            r#"{"input": "{\"a\": 1}"}"#,
            r#"{"input": "{\"a\":1}"}"#,
            None,
        );
        check(r#"{"input": "[1, 2]"}"#, r#"{"input": "[1,2.0]"}"#, None);
        check(r#"{"input": [1, 2]}"#, r#"{"input": "[1,2]"}"#, None);
        check(
            r#"{"input": "[1, 2]"}"#,
            r#"{"input": "[1,3]"}"#,
            Some("$.input[1]"),
        );
        check(r#"{"input": "1"}"#, r#"{"input": "1.0"}"#, Some("$.input"));
    }

    #[test]
    fn placeholders_stand_for_one_or_more_characters() {
        check(r#""a <uuid:1> b""#, r#""a 1-2 b""#, None);
        check(r#""a <uuid:1> b""#, r#""a  b""#, Some("$"));
        check(r#""<a><b>""#, r#""xy""#, None);
        check(r#""<a><b>""#, r#""é""#, Some("$"));
        check(r#""<a>-<b>-end""#, r#""1-2-3-end""#, None);
        check(r#""<a>-end""#, r#""1-end-more""#, Some("$"));
        check(r#""<<nested>:1>""#, r#""anything\nat all""#, None);
        check(r#""<1>""#, r#""2""#, Some("$"));
        check(r#""to topic-arn!""#, r#""to arn:x!""#, None);
        check(r#""tiny""#, r#""x""#, Some("$"));
    }

    #[test]
    fn a_placeholder_may_stand_for_a_number_or_a_name() {
        check(r#"{"a": "<n>"}"#, r#"{"a": 7}"#, None);
        check(r#"{"a": "<n>"}"#, r#"{"a": {"b": 1}}"#, None);
        check(r#"{"a": "<n>"}"#, r#"{"a": true}"#, Some("$.a"));
        check(r#"{"<name>": 1}"#, r#"{"some": 1}"#, None);
        check(r#"{"a": "RandomNumber"}"#, r#"{"a": null}"#, None);
        check(r#"{"a": "RandomNumber"}"#, "{}", Some("$.a"));
    }

    #[test]
    fn accounts_in_arns_are_not_compared() {
        let recorded = r#""arn:<partition>:states:<region>:111111111111:stateMachine:a""#;
        check(
            recorded,
            r#""arn:aws:states:us-east-1:123456789012:stateMachine:a""#,
            None,
        );
        check(
            recorded,
            r#""arn:aws:states:us-east-1:123456789012:stateMachine:b""#,
            Some("$"),
        );
        check(
            recorded,
            r#""arn:aws:sqs:us-east-1:123456789012:stateMachine:a""#,
            Some("$"),
        );
    }

    #[test]
    fn times_are_not_compared_but_must_be_there() {
        check(
            r#"{"startDate": "timestamp"}"#,
            r#"{"startDate": 1.5}"#,
            None,
        );
        check(r#"{"startDate": "then"}"#, r#"{"startDate": 1.5}"#, None);
        check(r#"{"startDate": "timestamp"}"#, "{}", Some("$.startDate"));
        check(r#"{"roleArn": "a", "billingDetails": {}}"#, "{}", None);
    }

    #[test]
    fn empty_event_details_are_absent_details() {
        check(r#"{"waitEventDetails": {}}"#, "{}", None);
        check("{}", r#"{"waitEventDetails": null}"#, None);
        check(
            "{}",
            r#"{"waitEventDetails": {"a": 1}}"#,
            Some("$.waitEventDetails"),
        );
        check("{}", r#"{"details": {}}"#, Some("$.details"));
    }

    #[test]
    fn volatile_paths_are_left_out() {
        check(
            r#"{"gone": {"here": 1, "b": 1}}"#,
            r#"{"gone": {"b": 1}}"#,
            None,
        );
        check(
            r#"{"a": {"anywhere": 1}}"#,
            r#"{"a": {"anywhere": 2}}"#,
            None,
        );
        check(r#"{"here": 1}"#, r#"{"here": 2}"#, Some("$.here"));
    }

    #[test]
    fn an_empty_cause_stands_for_none_where_a_mock_threw_without() {
        let mut case = case();
        let (none, empty) = (json!({"cause": ""}), json!({}));
        assert!(diff(&empty, &none, &Context::new(&case, None)).is_some());
        let run = json!({"mocks": {"S": {"0": {"Throw": {"Error": "E"}}}}});
        case.runs
            .push(serde_json::from_value(run).expect("the run is complete"));
        let context = Context::new(&case, None);
        assert_eq!(diff(&empty, &none, &context), None);
        assert!(diff(&empty, &json!({"cause": "c"}), &context).is_some());
    }

    #[test]
    fn a_relaxed_history_allows_as_many_more_events_as_were_lost() {
        let case = case();
        let context = Context::new(&case, None);
        let event = |id: u64, name: &str| json!({"id": id, "previousEventId": 0, "type": name});
        let recorded = json!({"events": [event(1, "A"), event(3, "B")]});
        let answer = |names: &[&str]| {
            let events: Vec<Value> = names.iter().map(|name| event(9, name)).collect();
            diff_history_relaxed(&recorded, &json!({"events": events}), &context)
        };
        assert_eq!(answer(&["B", "A"]), None);
        assert_eq!(answer(&["B", "A", "C"]), None);
        let extra = answer(&["B", "A", "C", "D"]).expect("only one event was lost");
        assert_eq!(extra.path, "$.events (extra: C)");
        assert_eq!(
            answer(&["A", "A"]).expect("B is missing").path,
            "$.events[1]"
        );
    }

    #[test]
    fn a_history_tells_how_the_execution_ended() {
        let history = value(
            r#"{"events": [{"type": "ExecutionStarted"}, {"type": "ExecutionFailed",
                "executionFailedEventDetails": {"error": "E", "cause": "C", "more": 1}}]}"#,
        );
        let ended = json!({"status": "FAILED", "error": "E", "cause": "C"});
        assert_eq!(outcome_of(&history), ended);
        assert_eq!(outcome_of(&json!({})), json!({"status": "RUNNING"}));
    }
}

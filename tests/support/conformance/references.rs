//! Walks through the calls of a case and fills in what a call takes from the answers to earlier ones.
//!
//! The main type is [`Calls`].

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::case::digest_of;

/// The calls of one case so far: the responses they got, and what they created.
///
/// For each call: [`Calls::resolve`] its parameters, send them, and [`Calls::record`] the answer.
/// Every call is recorded, also a failed one and a wait, since references count them all.
#[derive(Clone, Debug)]
pub struct Calls {
    case_id: String,
    responses: Vec<Value>,
    own_arns: BTreeSet<String>,
}

/// A call refers to something that an earlier response does not have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnresolvedReference(
    /// The reference, as in `call[0].stateMachineArn`.
    pub String,
);

impl fmt::Display for UnresolvedReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unresolved reference: {}", self.0)
    }
}

impl std::error::Error for UnresolvedReference {}

impl Calls {
    /// The calls of the case `case_id`, of which none is made.
    #[must_use]
    pub fn new(case_id: &str) -> Self {
        Self {
            case_id: case_id.to_owned(),
            responses: Vec::new(),
            own_arns: BTreeSet::new(),
        }
    }

    /// The parameters to send: `$ref` and `$template` filled in from earlier responses, and each `uidNNNNN`
    /// replaced by eight characters that belong to this case alone.
    ///
    /// # Errors
    ///
    /// [`UnresolvedReference`] when an earlier response lacks what is referred to; the call cannot be made then.
    pub fn resolve(&self, params: &Value) -> Result<Value, UnresolvedReference> {
        match params {
            Value::Object(members) => self.resolve_object(members),
            Value::Array(elements) => elements
                .iter()
                .map(|element| self.resolve(element))
                .collect(),
            Value::String(text) => Ok(Value::String(self.with_unique_names(text))),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(params.clone()),
        }
    }

    /// Remembers the answer to the next call; `None` for an error and for `@await_...`.
    pub fn record(&mut self, operation: &str, response: Option<&Value>) {
        let nothing = Value::Object(Map::new());
        let response = response.unwrap_or(&nothing);
        for name in ["stateMachineArn", "activityArn"] {
            if operation.starts_with("Create")
                && let Some(arn) = response.get(name).and_then(Value::as_str)
            {
                self.own_arns.insert(arn.to_owned());
            }
        }
        self.responses.push(response.clone());
    }

    /// The state machines and activities that the calls so far created.
    #[must_use]
    pub fn own_arns(&self) -> &BTreeSet<String> {
        &self.own_arns
    }

    fn resolve_object(&self, members: &Map<String, Value>) -> Result<Value, UnresolvedReference> {
        if members.len() == 1 {
            if let Some(Value::String(reference)) = members.get("$ref") {
                return self.look_up(reference).cloned();
            }
            if let Some(Value::String(template)) = members.get("$template") {
                return self.fill_in(template).map(Value::String);
            }
        }
        let resolved = members
            .iter()
            .map(|(name, member)| Ok((name.clone(), self.resolve(member)?)));
        resolved.collect()
    }

    fn fill_in(&self, template: &str) -> Result<String, UnresolvedReference> {
        static REFERENCE: LazyLock<Regex> =
            LazyLock::new(|| expression(r"\$\{(call\[[0-9]+\][^}]*)\}"));
        let mut filled = String::new();
        let mut end = 0;
        for found in REFERENCE.captures_iter(template) {
            let whole = found.get_match();
            filled.push_str(&template[end..whole.start()]);
            match self.look_up(&found[1])? {
                Value::String(text) => filled.push_str(text),
                other => filled.push_str(&other.to_string()),
            }
            end = whole.end();
        }
        filled.push_str(&template[end..]);
        Ok(self.with_unique_names(&filled))
    }

    fn look_up(&self, reference: &str) -> Result<&Value, UnresolvedReference> {
        static REFERENCE: LazyLock<Regex> = LazyLock::new(|| expression(r"\Acall\[([0-9]+)\](.*)"));
        let value = REFERENCE.captures(reference).and_then(|found| {
            let response = self.responses.get(found[1].parse::<usize>().ok()?)?;
            let rest = found.get(2).map_or(0, |rest| rest.start());
            select(response, &reference[rest..])
        });
        value.ok_or_else(|| UnresolvedReference(reference.to_owned()))
    }

    fn with_unique_names(&self, text: &str) -> String {
        static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| expression("uid[0-9]{5}"));
        let unique = |found: &Captures<'_>| digest_of(&format!("{} {}", self.case_id, &found[0]));
        PLACEHOLDER.replace_all(text, unique).into_owned()
    }
}

/// The part of a response that a path such as `events[0].id` names; the empty path names the whole.
#[must_use]
pub fn select<'a>(response: &'a Value, path: &str) -> Option<&'a Value> {
    static STEP: LazyLock<Regex> = LazyLock::new(|| expression(r"([A-Za-z0-9_-]+)|\[([0-9]+)\]"));
    STEP.captures_iter(path)
        .try_fold(response, |value, step| match (step.get(1), step.get(2)) {
            (Some(name), _) => value.as_object()?.get(name.as_str()),
            (None, index) => value
                .as_array()?
                .get(index?.as_str().parse::<usize>().ok()?),
        })
}

fn expression(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a valid expression")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn calls() -> Calls {
        let mut calls = Calls::new("c");
        let created = json!({"stateMachineArn": "arn:a", "list": [{"n": 1}]});
        calls.record("CreateStateMachine", Some(&created));
        calls.record(
            "DescribeStateMachine",
            Some(&json!({"stateMachineArn": "arn:b"})),
        );
        calls.record("@await_execution_success", None);
        calls
    }

    #[track_caller]
    fn check(params: &Value, expected: Result<Value, &str>) {
        let expected = expected.map_err(|reference| UnresolvedReference(reference.to_owned()));
        assert_eq!(calls().resolve(params), expected);
    }

    #[test]
    fn references_are_filled_in_from_earlier_responses() {
        check(
            &json!([{"a": {"$ref": "call[0].stateMachineArn"}}]),
            Ok(json!([{"a": "arn:a"}])),
        );
        check(&json!({"$ref": "call[0].list[0].n"}), Ok(json!(1)));
        check(
            &json!({"$template": "<${call[1].stateMachineArn}>${x}"}),
            Ok(json!("<arn:b>${x}")),
        );
        check(
            &json!({"$ref": "call[0].list[1].n"}),
            Err("call[0].list[1].n"),
        );
        check(
            &json!({"$ref": "call[2].executionArn"}),
            Err("call[2].executionArn"),
        );
        check(&json!({"$template": "${call[3].x}"}), Err("call[3].x"));
        check(&json!({"$ref": "call"}), Err("call"));
    }

    #[test]
    fn unique_names_are_the_same_within_a_case_and_differ_between_cases() {
        let params = json!({"name": "a-uid00001", "other": ["uid00002", "uid1"]});
        let first = calls().resolve(&params).expect("there are no references");
        assert_eq!(calls().resolve(&params).as_ref(), Ok(&first));
        assert_eq!(first["name"].as_str().map(str::len), Some("a-".len() + 8));
        assert_ne!(first["name"].as_str(), first["other"][0].as_str());
        assert_eq!(first["other"][1], "uid1");
        assert_ne!(Calls::new("d").resolve(&params), Ok(first));
    }

    #[test]
    fn only_what_was_created_belongs_to_the_case() {
        assert_eq!(calls().own_arns().iter().collect::<Vec<_>>(), ["arn:a"]);
    }
}

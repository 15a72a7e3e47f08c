//! The mock configuration of Step Functions Local: what tasks answer without being run.
//!
//! A file names state machines, their test cases, and for each state of a test case a mocked
//! response; a response says what each attempt at the state gets. This module reads the file and
//! looks answers up; when to ask it is the executor's business. The main type is
//! [`MockConfiguration`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use stepwell_interpreter::Payload;
use stepwell_language::source::Position;

use super::TaskError;

/// Mocked answers, by state machine, test case and state.
///
/// ```
/// use stepwell::integrations::mock::{MockAnswer, MockConfiguration};
///
/// let mocks = MockConfiguration::parse(r#"{
///   "StateMachines": {"shop": {"TestCases": {"happy": {"Charge": "Charged"}}}},
///   "MockedResponses": {"Charged": {"0": {"Return": {"paid": true}}}}
/// }"#)?;
/// assert!(mocks.covers("shop", "happy", "Charge"));
/// let answer = mocks.answer("shop", "happy", "Charge", 0);
/// assert!(matches!(answer, Some(Ok(MockAnswer::Return(_)))));
/// # Ok::<(), stepwell::integrations::mock::MockConfigurationError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MockConfiguration {
    machines: BTreeMap<String, BTreeMap<String, TestCase>>,
}

/// The responses of a test case, by state.
type TestCase = BTreeMap<String, Arc<Response>>;

/// What the attempts at a state get, in ascending order without overlaps.
#[derive(Debug)]
struct Response {
    name: String,
    answers: Vec<(RangeInclusive<u32>, MockAnswer)>,
}

/// What one attempt gets.
#[derive(Clone, Debug, PartialEq)]
pub enum MockAnswer {
    /// The task's raw result.
    Return(Payload),
    /// The task's failure.
    Throw(TaskError),
    /// The attempt times out; written as a `Throw` of `States.Timeout`.
    TimedOut,
}

/// A mocked response has no answer for this attempt.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the mocked response '{response}' has no answer for attempt {attempt} at state '{state}'")]
pub struct MockExhausted {
    /// The response's name.
    pub response: String,
    /// The state.
    pub state: String,
    /// The attempt, from 0 as in the file.
    pub attempt: u32,
}

impl From<MockExhausted> for TaskError {
    fn from(exhausted: MockExhausted) -> Self {
        Self::new("States.Runtime", format!("{exhausted}."))
    }
}

/// Why a mock configuration was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {}, column {}: {message}", position.line, position.column)]
pub struct MockConfigurationError {
    /// Where in the text.
    pub position: Position,
    /// What is wrong.
    pub message: String,
}

impl MockConfiguration {
    /// Reads a mock configuration file.
    ///
    /// # Errors
    ///
    /// [`MockConfigurationError`] when `text` is not JSON, has members that the format does not
    /// know, names a response that is not there, or answers one attempt twice.
    pub fn parse(text: &str) -> Result<Self, MockConfigurationError> {
        let document: &RawValue =
            serde_json::from_str(text).map_err(|error| MockConfigurationError {
                position: Position {
                    line: error.line().max(1),
                    column: error.column().max(1),
                },
                message: without_place(&error),
            })?;
        Reader { text }.document(document.get())
    }

    /// The test cases of a state machine, in alphabetical order.
    pub fn test_cases(&self, state_machine: &str) -> impl Iterator<Item = &str> {
        self.machines
            .get(state_machine)
            .into_iter()
            .flat_map(BTreeMap::keys)
            .map(String::as_str)
    }

    /// Whether the test case mocks the state.
    pub fn covers(&self, state_machine: &str, test_case: &str, state: &str) -> bool {
        self.response(state_machine, test_case, state).is_some()
    }

    /// Whether at least one test case of the state machine mocks the state: when a definition is
    /// created, nobody knows yet which test case it will run in.
    pub fn covers_in_some_case(&self, state_machine: &str, state: &str) -> bool {
        let test_cases = self
            .machines
            .get(state_machine)
            .into_iter()
            .flat_map(BTreeMap::values);
        test_cases
            .into_iter()
            .any(|responses| responses.contains_key(state))
    }

    /// What an attempt at the state gets, when `attempts_before` came before it in the same
    /// execution. `None` where the test case does not mock the state.
    ///
    /// # Errors
    ///
    /// [`MockExhausted`] when the response has no answer for this attempt.
    pub fn answer(
        &self,
        state_machine: &str,
        test_case: &str,
        state: &str,
        attempts_before: u32,
    ) -> Option<Result<MockAnswer, MockExhausted>> {
        let response = self.response(state_machine, test_case, state)?;
        let answer = response
            .answers
            .iter()
            .find(|(range, _)| range.contains(&attempts_before));
        Some(
            answer
                .map(|(_, answer)| answer.clone())
                .ok_or_else(|| MockExhausted {
                    response: response.name.clone(),
                    state: state.to_owned(),
                    attempt: attempts_before,
                }),
        )
    }

    fn response(&self, state_machine: &str, test_case: &str, state: &str) -> Option<&Response> {
        self.machines
            .get(state_machine)?
            .get(test_case)?
            .get(state)
            .map(|response| &**response)
    }
}

/// Reads the parts of a file; each part is a slice of `text`, so its place is known.
struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn document(&self, part: &'a str) -> Result<MockConfiguration, MockConfigurationError> {
        let (mut machines, mut responses) = (None, None);
        for (name, part) in self.members(part, "a mock configuration")? {
            match name.as_str() {
                "StateMachines" => machines = Some(part),
                "MockedResponses" => responses = Some(part),
                _ => {
                    let known = "`StateMachines` or `MockedResponses`";
                    return Err(self.unknown(part, &name, known));
                }
            }
        }
        let Some(machines) = machines else {
            return Err(self.error(part, "`StateMachines` is missing"));
        };
        let mut known = BTreeMap::new();
        if let Some(responses) = responses {
            for (name, part) in self.members(responses, "`MockedResponses`")? {
                let response = self.response(&name, part)?;
                known.insert(name, Arc::new(response));
            }
        }
        let machines = self.members(machines, "`StateMachines`")?.into_iter();
        let machines = machines.map(|(name, part)| Ok((name, self.machine(part, &known)?)));
        Ok(MockConfiguration {
            machines: machines.collect::<Result<_, _>>()?,
        })
    }

    fn machine(
        &self,
        part: &'a str,
        responses: &BTreeMap<String, Arc<Response>>,
    ) -> Result<BTreeMap<String, TestCase>, MockConfigurationError> {
        let mut test_cases = BTreeMap::new();
        for (name, part) in self.members(part, "a state machine")? {
            if name != "TestCases" {
                return Err(self.unknown(part, &name, "`TestCases`"));
            }
            for (name, part) in self.members(part, "`TestCases`")? {
                test_cases.insert(name, self.test_case(part, responses)?);
            }
        }
        Ok(test_cases)
    }

    fn test_case(
        &self,
        part: &'a str,
        responses: &BTreeMap<String, Arc<Response>>,
    ) -> Result<TestCase, MockConfigurationError> {
        let mut states = BTreeMap::new();
        for (state, part) in self.members(part, "a test case")? {
            let name = self.string(part, "the mocked response of a state")?;
            let response = responses.get(&name).ok_or_else(|| {
                self.error(part, format!("`MockedResponses` has no response `{name}`"))
            })?;
            states.insert(state, response.clone());
        }
        Ok(states)
    }

    fn response(&self, name: &str, part: &'a str) -> Result<Response, MockConfigurationError> {
        let mut answers: Vec<(RangeInclusive<u32>, MockAnswer)> = Vec::new();
        for (attempts, part) in self.members(part, "a mocked response")? {
            let range = read_range(&attempts).ok_or_else(|| {
                let expected = "a number from 0 or a range like `1-2`";
                self.error(part, format!("`{attempts}` is not {expected}"))
            })?;
            let place = answers.partition_point(|(other, _)| other.start() <= range.start());
            let overlaps = |(other, _): &(RangeInclusive<u32>, MockAnswer)| {
                range.start() <= other.end() && other.start() <= range.end()
            };
            // Those before do not overlap each other, so the nearest on each side is enough.
            let neighbours = [place.checked_sub(1), Some(place)];
            if neighbours
                .into_iter()
                .flatten()
                .filter_map(|at| answers.get(at))
                .any(overlaps)
            {
                let message = format!("`{attempts}` overlaps other attempts of `{name}`");
                return Err(self.error(part, message));
            }
            answers.insert(place, (range, self.answer(part)?));
        }
        Ok(Response {
            name: name.to_owned(),
            answers,
        })
    }

    fn answer(&self, part: &'a str) -> Result<MockAnswer, MockConfigurationError> {
        let mut answer = None;
        for (name, inner) in self.members(part, "an answer")? {
            let next = match name.as_str() {
                "Return" => MockAnswer::Return(Payload::from_value(self.value(inner)?)),
                "Throw" => self.throw(inner)?,
                _ => return Err(self.unknown(inner, &name, "`Return` or `Throw`")),
            };
            if answer.replace(next).is_some() {
                return Err(self.error(inner, "an answer has `Return` or `Throw`, not both"));
            }
        }
        answer.ok_or_else(|| self.error(part, "an answer needs `Return` or `Throw`"))
    }

    fn throw(&self, part: &'a str) -> Result<MockAnswer, MockConfigurationError> {
        let (mut error, mut cause) = (None, None);
        for (name, part) in self.members(part, "`Throw`")? {
            match name.as_str() {
                "Error" => error = Some(self.string(part, "`Error`")?),
                "Cause" if part == "null" => {}
                "Cause" => cause = Some(self.string(part, "`Cause`")?),
                _ => return Err(self.unknown(part, &name, "`Error` or `Cause`")),
            }
        }
        match error {
            None => Err(self.error(part, "`Throw` needs `Error`")),
            Some(error) if error == "States.Timeout" => Ok(MockAnswer::TimedOut),
            Some(error) => Ok(MockAnswer::Throw(TaskError { error, cause })),
        }
    }

    /// The members of an object, in order, none twice.
    fn members(
        &self,
        part: &'a str,
        what: &str,
    ) -> Result<Vec<(String, &'a str)>, MockConfigurationError> {
        let mut deserializer = serde_json::Deserializer::from_str(part);
        let members = deserializer
            .deserialize_map(MembersVisitor)
            .map_err(|_| self.error(part, format!("{what} must be an object")))?;
        let mut seen = BTreeSet::new();
        for (name, part) in &members {
            if !seen.insert(name) {
                return Err(self.error(part, format!("`{name}` stands there twice")));
            }
        }
        Ok(members)
    }

    fn string(&self, part: &'a str, what: &str) -> Result<String, MockConfigurationError> {
        serde_json::from_str(part).map_err(|_| self.error(part, format!("{what} must be a string")))
    }

    fn value(&self, part: &'a str) -> Result<Value, MockConfigurationError> {
        serde_json::from_str(part).map_err(|error| self.error(part, without_place(&error)))
    }

    fn unknown(&self, part: &str, name: &str, expected: &str) -> MockConfigurationError {
        self.error(
            part,
            format!("unknown member `{name}`, expected {expected}"),
        )
    }

    /// An error at `part`, which is a slice of the text.
    fn error(&self, part: &str, message: impl Into<String>) -> MockConfigurationError {
        let offset = part
            .as_ptr()
            .addr()
            .saturating_sub(self.text.as_ptr().addr());
        MockConfigurationError {
            position: Position::of(self.text, offset),
            message: message.into(),
        }
    }
}

/// What `serde_json` found, without its own words for where.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ")
        .map_or(text.clone(), |(message, _)| message.to_owned())
}

/// Reads `3` or `1-2`.
fn read_range(text: &str) -> Option<RangeInclusive<u32>> {
    let number = |text: &str| -> Option<u32> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_plain)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = number(first)?..=number(last)?;
    (!range.is_empty()).then_some(range)
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, &'de str)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, part)) = map.next_entry::<String, &'de RawValue>()? {
            members.push((name, part.get()));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SHOP: &str = r#"{
  "StateMachines": {
    "shop": {
      "TestCases": {
        "retry": {"Charge": "Flaky", "Ship": "Shipped"},
        "late": {"Charge": "Late"}
      }
    }
  },
  "MockedResponses": {
    "Flaky": {
      "3": {"Return": "paid"},
      "0": {"Throw": {"Error": "Busy", "Cause": ""}},
      "1-2": {"Throw": {"Error": "Down"}}
    },
    "Shipped": {"0": {"Return": null}},
    "Late": {"0": {"Throw": {"Error": "States.Timeout", "Cause": "x"}}},
    "Unused": {}
  }
}"#;

    #[track_caller]
    fn check(state: &str, attempts_before: u32, expected: MockAnswer) {
        let mocks = MockConfiguration::parse(SHOP).unwrap();
        let found = mocks.answer("shop", "retry", state, attempts_before);
        assert_eq!(found, Some(Ok(expected)));
    }

    #[test]
    fn each_attempt_has_its_answer() {
        let throw = |error: &str, cause: Option<&str>| {
            let cause = cause.map(str::to_owned);
            MockAnswer::Throw(TaskError {
                error: error.to_owned(),
                cause,
            })
        };
        check("Charge", 0, throw("Busy", Some("")));
        check("Charge", 1, throw("Down", None));
        check("Charge", 2, throw("Down", None));
        check("Charge", 3, MockAnswer::Return(json!("paid").into()));
        check("Ship", 0, MockAnswer::Return(json!(null).into()));
    }

    #[test]
    fn an_attempt_past_the_last_is_an_error() {
        let mocks = MockConfiguration::parse(SHOP).unwrap();
        let error = mocks
            .answer("shop", "retry", "Charge", 4)
            .unwrap()
            .unwrap_err();
        let cause = "the mocked response 'Flaky' has no answer for attempt 4 at state 'Charge'.";
        assert_eq!(
            TaskError::from(error),
            TaskError::new("States.Runtime", cause)
        );
    }

    #[test]
    fn a_thrown_timeout_is_a_timeout() {
        let mocks = MockConfiguration::parse(SHOP).unwrap();
        let answer = mocks.answer("shop", "late", "Charge", 0);
        assert_eq!(answer, Some(Ok(MockAnswer::TimedOut)));
    }

    #[test]
    fn only_named_states_are_covered() {
        let mocks = MockConfiguration::parse(SHOP).unwrap();
        assert!(mocks.covers("shop", "retry", "Ship"));
        assert!(!mocks.covers("shop", "late", "Ship"));
        assert!(!mocks.covers("shop", "none", "Ship"));
        assert!(!mocks.covers("other", "retry", "Ship"));
        assert!(mocks.covers_in_some_case("shop", "Ship"));
        assert!(!mocks.covers_in_some_case("shop", "Pack"));
        assert_eq!(mocks.answer("shop", "late", "Ship", 0), None);
        assert_eq!(
            mocks.test_cases("shop").collect::<Vec<_>>(),
            ["late", "retry"]
        );
        assert_eq!(mocks.test_cases("other").count(), 0);
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = MockConfiguration::parse(text).expect_err(text).to_string();
        assert!(
            error.contains(expected),
            "{text}\n{error}\nexpected: {expected}"
        );
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        refused("", "line 1, column 1: EOF");
        refused(
            "{\n  \"StateMachines\": oops}",
            "line 2, column 20: expected value",
        );
        refused(
            "[]",
            "line 1, column 1: a mock configuration must be an object",
        );
        refused("{}", "line 1, column 1: `StateMachines` is missing");
        refused(
            "{\"MockedResponse\":\n {}}",
            "line 2, column 2: unknown member `MockedResponse`",
        );
        refused(
            r#"{"StateMachines": {"a": {"TestCases": {"b": {"C": "D"}}}}}"#,
            "column 51: `MockedResponses` has no response `D`",
        );
        refused(
            r#"{"StateMachines": {"a": {"Cases": {}}}}"#,
            "unknown member `Cases`",
        );
        refused(
            r#"{"StateMachines": {"a": {}, "a": {}}}"#,
            "column 34: `a` stands there twice",
        );
    }

    #[test]
    fn mistakes_in_responses_are_named() {
        let with = |response: &str| {
            format!("{{\"StateMachines\": {{}}, \"MockedResponses\": {{\"R\":\n{response}}}}}")
        };
        for range in ["x", "", "-1", "2-1", "1-", "+1", "1 - 2", "99999999999"] {
            let message = format!("`{range}` is not a number from 0 or a range like `1-2`");
            refused(&with(&format!("{{\"{range}\": {{}}}}")), &message);
        }
        let one = r#"{"Return": 1}"#;
        refused(
            &with(&format!(r#"{{"1-3": {one}, "0": {one}, "2": {one}}}"#)),
            "`2` overlaps",
        );
        refused(
            &with(&format!(r#"{{"2": {one}, "0-9": {one}}}"#)),
            "line 2, column 29: `0-9`",
        );
        refused(
            &with(r#"{"0": {}}"#),
            "line 2, column 7: an answer needs `Return` or `Throw`",
        );
        refused(
            &with(r#"{"0": {"Return": 1, "Throw": {"Error": "E"}}}"#),
            "not both",
        );
        refused(
            &with(r#"{"0": {"Throw": {"Cause": "c"}}}"#),
            "`Throw` needs `Error`",
        );
        refused(
            &with(r#"{"0": {"Throw": {"Error": 1}}}"#),
            "`Error` must be a string",
        );
        refused(
            &with(r#"{"0": {"Retrun": 1}}"#),
            "column 18: unknown member `Retrun`",
        );
        let deep = format!(
            r#"{{"0": {{"Return": {}{}}}}}"#,
            "[".repeat(5_000),
            "]".repeat(5_000)
        );
        refused(&with(&deep), "recursion limit exceeded");
    }
}

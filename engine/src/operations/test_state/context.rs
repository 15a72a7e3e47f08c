//! The context object that a test is given: which members it may have.

use stepwell_language::json::{self, Members, Value};
use stepwell_language::model::{State, StateKind};

/// Whether a member may hold a value, and what it must be if not.
type Rule = (&'static str, fn(&Value) -> bool, &'static str);

const EXECUTION: &[Rule] = &[
    ("Id", Value::is_string, "a string"),
    ("Input", is_anything, ""),
    ("Name", Value::is_string, "a string"),
    ("RoleArn", Value::is_string, "a string"),
    ("StartTime", Value::is_string, "a string"),
    ("RedriveCount", Value::is_number, "a number"),
    ("RedriveTime", Value::is_string, "a string"),
];
const STATE: &[Rule] = &[
    ("EnteredTime", Value::is_string, "a string"),
    ("Name", Value::is_string, "a string"),
    ("RetryCount", Value::is_number, "a number"),
];
const STATE_MACHINE: &[Rule] = &[
    ("Id", Value::is_string, "a string"),
    ("Name", Value::is_string, "a string"),
];
const TASK: &[Rule] = &[("Token", Value::is_string, "a string")];

fn is_anything(_: &Value) -> bool {
    true
}

/// Reads the context object for a test of `state`.
///
/// # Errors
///
/// What is wrong with it, in AWS's words where they are known.
pub(super) fn read(text: &str, state: &State) -> Result<Value, String> {
    let context = json::read_value(text).map_err(|error| refused(&error.to_string()))?;
    let Some(members) = context.as_object() else {
        return Err(refused("Context must be a JSON object"));
    };
    for (name, member) in members {
        let rules = match &**name {
            "Execution" => EXECUTION,
            "State" => STATE,
            "StateMachine" => STATE_MACHINE,
            "Task" if has_token(state) => TASK,
            "Task" => {
                return Err(refused(
                    "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern",
                ));
            }
            "Map" => {
                return Err(refused(
                    "'Map' field is not supported when mocking a Context object",
                ));
            }
            _ => return Err(refused(&format!("Field '{name}' is not allowed"))),
        };
        let Some(members) = member.as_object() else {
            return Err(refused(&format!("{name} must be an object")));
        };
        check(name, members, rules)?;
    }
    Ok(context)
}

fn check(name: &str, members: &Members, rules: &[Rule]) -> Result<(), String> {
    for (member, value) in members {
        let rule = rules.iter().find(|(known, ..)| **known == **member);
        let Some((_, holds, kind)) = rule else {
            return Err(refused(&format!("Field '{name}.{member}' is not allowed")));
        };
        if !holds(value) {
            return Err(refused(&format!("{name}.{member} must be {kind}")));
        }
    }
    Ok(())
}

fn has_token(state: &State) -> bool {
    match &state.kind {
        StateKind::Task(task) => task.resource.has_task_token(),
        StateKind::Pass(_)
        | StateKind::Wait(_)
        | StateKind::Choice(_)
        | StateKind::Parallel(_)
        | StateKind::Map(_)
        | StateKind::Succeed
        | StateKind::Fail(_) => false,
    }
}

fn refused(problem: &str) -> String {
    format!("Invalid Context object provided: {problem}")
}

#[cfg(test)]
mod tests {
    use stepwell_language::model::ExecutionType;
    use stepwell_language::parse::parse_state;

    use super::*;

    #[track_caller]
    fn check(resource: &str, text: &str, expected: Option<&str>) {
        let definition = format!(r#"{{"Type": "Task", "Resource": "{resource}", "End": true}}"#);
        let machine = parse_state(&definition, "A", ExecutionType::Standard).machine;
        let machine = machine.expect("the definition is valid");
        let found = read(text, &machine.states[0]).err();
        let expected = expected.map(refused);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn members_are_known_and_of_their_type() {
        let plain = "arn:aws:states:::lambda:invoke";
        let waiting = "arn:aws:states:::lambda:invoke.waitForTaskToken";
        check(plain, "{}", None);
        check(
            plain,
            r#"{"Execution": {"Input": [1]}, "State": {"RetryCount": 2}}"#,
            None,
        );
        check(
            plain,
            r#"{"Execution": {"Id": 1}}"#,
            Some("Execution.Id must be a string"),
        );
        check(
            plain,
            r#"{"Execution": {"X": 1}}"#,
            Some("Field 'Execution.X' is not allowed"),
        );
        check(plain, r#"{"X": {}}"#, Some("Field 'X' is not allowed"));
        check(plain, r#"{"State": []}"#, Some("State must be an object"));
        check(plain, "[]", Some("Context must be a JSON object"));
        check(
            plain,
            r#"{"Map": {}}"#,
            Some("'Map' field is not supported when mocking a Context object"),
        );
        let no_token = "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern";
        check(plain, r#"{"Task": {"Token": "a"}}"#, Some(no_token));
        check(waiting, r#"{"Task": {"Token": "a"}}"#, None);
        check(
            waiting,
            r#"{"Task": {"Token": 1}}"#,
            Some("Task.Token must be a string"),
        );
    }
}

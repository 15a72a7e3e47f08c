//! Transitions: their targets, what they reach, and where they end.

use super::*;

#[track_caller]
fn check_states(start: &str, states: &str, expected: &str) {
    let definition = format!(r#"{{"StartAt": "{start}", "States": {{{states}}}}}"#);
    let expected = expected.replace("{M}", "MISSING_TRANSITION_TARGET");
    check(&definition, &expected);
}

#[test]
fn a_target_that_is_missing_is_called_next_wherever_it_stands() {
    check_states(
        "pass1",
        r#""pass1": {"Type": "Pass", "Next": "pass3"}, "pass2": {"Type": "Pass", "End": true}"#,
        "{M}: Missing 'Next' target: pass3 at /States/pass1/Next, \
         {M}: State \"pass2\" is not reachable. at /States/pass2",
    );
    check_states(
        "A",
        r#""A": {"Type": "Choice", "Default": "D",
            "Choices": [{"Variable": "$", "IsNull": true, "Next": "R"},
                        {"Variable": "$", "IsNull": false, "Next": "E"}]},
          "E": {"Type": "Succeed"}"#,
        "{M}: Missing 'Next' target: R at /States/A/Choices[0]/Next, \
         {M}: Missing 'Next' target: D at /States/A/Default",
    );
    check_states(
        "A",
        r#""A": {"Type": "Task", "Resource": "arn:aws:lambda:::function:f", "End": true,
            "Catch": [{"ErrorEquals": ["E"], "Next": "C"}]}"#,
        "{M}: Missing 'Next' target: C at /States/A/Catch[0]/Next",
    );
    check_states(
        "Not sure",
        r#""Pass One": {"Type": "Pass", "Next": "Success"}, "Success": {"Type": "Succeed"}"#,
        "{M}: Missing 'Next' target: Not sure at /StartAt, \
         {M}: State \"Pass One\" is not reachable. at /States/Pass One",
    );
    check_states(
        "A",
        r#""A": {"Type": "Pass", "Next": 5}, "B": {"Type": "Succeed"}"#,
        "SCHEMA_VALIDATION_FAILED: Expected value of type String at /States/A/Next, \
         {M}: State \"B\" is not reachable. at /States/B",
    );
}

#[test]
fn a_transition_stays_in_its_scope() {
    check_states(
        "A",
        r#""A": {"Type": "Parallel", "Next": "B", "Branches": [
            {"StartAt": "C", "States": {"C": {"Type": "Pass", "Next": "B"}, "D": {"Type": "Succeed"}}}]},
          "B": {"Type": "Pass", "Next": "D"}"#,
        "{M}: Missing 'Next' target: B at /States/A/Branches[0]/States/C/Next, \
         {M}: Missing 'Next' target: D at /States/B/Next, \
         MISSING_END_STATE: Workflow has no terminal state at null, \
         {M}: State \"D\" is not reachable. at /States/A/Branches[0]/States/D",
    );
    check_states(
        "A",
        r#""A": {"Type": "Map", "End": true, "ItemProcessor":
            {"StartAt": "A", "States": {"B": {"Type": "Succeed"}}}}"#,
        "{M}: Missing 'Next' target: A at /States/A/ItemProcessor/StartAt, \
         {M}: State \"B\" is not reachable. at /States/A/ItemProcessor/States/B",
    );
}

#[test]
fn every_scope_needs_an_end() {
    let no_end = "MISSING_END_STATE: Workflow has no terminal state at null";
    // Unreachable states are not mentioned then.
    check_states(
        "A",
        r#""A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"},
           "C": {"Type": "Pass", "Next": "A"}"#,
        no_end,
    );
    check_states(
        "A",
        r#""A": {"Type": "Pass", "Next": "NOPE"}"#,
        &format!("{{M}}: Missing 'Next' target: NOPE at /States/A/Next, {no_end}"),
    );
    check_states(
        "A",
        r#""A": {"Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "B", "States": {"B": {"Type": "Pass", "Next": "B"}}}]}"#,
        no_end,
    );
    // An end that cannot be reached is an end.
    check_states(
        "A",
        r#""A": {"Type": "Pass", "Next": "A"}, "C": {"Type": "Succeed"}"#,
        "{M}: State \"C\" is not reachable. at /States/C",
    );
}

#[test]
fn of_unreachable_states_the_first_ones_are_named() {
    let end = r#""A": {"Type": "Succeed"}"#;
    check_states(
        "A",
        &format!(
            r#"{end}, "B": {{"Type": "Pass", "Next": "C"}}, "C": {{"Type": "Pass", "Next": "D"}},
               "D": {{"Type": "Pass", "Next": "C"}}, "E": {{"Type": "Pass", "Next": "A"}}"#
        ),
        "{M}: State \"B\" is not reachable. at /States/B, \
         {M}: State \"E\" is not reachable. at /States/E",
    );
    // Of a cycle that nothing leads into, the first state stands for all.
    check_states(
        "A",
        &format!(
            r#"{end}, "B": {{"Type": "Pass", "Next": "C"}}, "C": {{"Type": "Pass", "Next": "B"}},
               "D": {{"Type": "Pass", "Next": "D"}}"#
        ),
        "{M}: State \"B\" is not reachable. at /States/B, \
         {M}: State \"D\" is not reachable. at /States/D",
    );
}

#[test]
fn a_state_is_reached_through_rules_and_catchers_even_if_they_are_broken() {
    check_states(
        "A",
        r#""A": {"Type": "Choice", "Choices": [{"Variable": "x", "IsNull": true, "Next": "B"}],
            "Default": "C"},
          "B": {"Type": "Task", "Resource": "arn:aws:lambda:::function:f", "End": true,
            "Catch": [{"ErrorEquals": [], "Next": "D"}]},
          "C": {"Type": "Succeed"}, "D": {"Type": "Succeed"}"#,
        "SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with \
         '$' at /States/A/Choices[0]/Variable, \
         SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/B/Catch[0]/ErrorEquals",
    );
}

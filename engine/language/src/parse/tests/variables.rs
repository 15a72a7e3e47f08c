//! Which variables a scope may assign.

use super::*;

/// A state that assigns one variable.
fn assigns(name: &str, more: &str) -> String {
    format!(r#"{{"Type": "Pass", "Assign": {{"{name}": 1}}, {more}}}"#)
}

/// A Parallel of one branch with one state, which is called like the branch's level.
fn parallel(level: &str, inner: &str, more: &str) -> String {
    format!(
        r#"{{"Type": "Parallel", "Branches": [{{"StartAt": "{level}", "States": {{"{level}": {inner}}}}}], {more}}}"#
    )
}

fn map(kind: &str, level: &str, inner: &str, more: &str) -> String {
    let execution_type = match kind {
        "DISTRIBUTED" => r#", "ExecutionType": "STANDARD""#,
        _ => "",
    };
    format!(
        r#"{{"Type": "Map", "ItemProcessor": {{"ProcessorConfig": {{"Mode": "{kind}"{execution_type}}}, "StartAt": "{level}", "States": {{"{level}": {inner}}}}}, {more}}}"#
    )
}

const END: &str = r#""End": true"#;

/// A machine whose first state assigns `v`, and whose second is this one.
#[track_caller]
fn check_after(state: &str, expected: &str) {
    let first = assigns("v", r#""Next": "X""#);
    let definition = format!(r#"{{"StartAt": "V", "States": {{"V": {first}, "X": {state}}}}}"#);
    check(&definition, &written_out(expected));
}

const BRANCH: &str = "{S}: The variable name 'v' is already used in an outer scope at @/Branches[0]/States/In/Assign";

#[test]
fn an_inner_scope_does_not_assign_what_an_outer_one_uses() {
    check_after(&parallel("In", &assigns("v", END), END), BRANCH);
    let from_path = r#"{"Type": "Pass", "Assign": {"v.$": "$.a"}, "End": true}"#;
    check_after(&parallel("In", from_path, END), BRANCH);
    check_after(
        &map("INLINE", "In", &assigns("v", END), END),
        "{S}: The variable name 'v' is already used in an outer scope at @/ItemProcessor/States/In/Assign",
    );
    check_after(
        &parallel("Mid", &parallel("In", &assigns("v", END), END), END),
        "{S}: The variable name 'v' is already used in an outer scope at @/Branches[0]/States/Mid/Branches[0]/States/In/Assign",
    );
    check_after(&parallel("In", &assigns("w", END), END), "");
}

#[test]
fn rules_and_catchers_assign_too() {
    let choice = r#"{"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": true, "Next": "E", "Assign": {"v": 1}}], "Default": "E"}"#;
    let states = format!(r#"{{"In": {choice}, "E": {{"Type": "Succeed"}}}}"#);
    check_after(
        &format!(
            r#"{{"Type": "Parallel", "Branches": [{{"StartAt": "In", "States": {states}}}], {END}}}"#
        ),
        "{S}: The variable name 'v' is already used in an outer scope at @/Branches[0]/States/In/Choices[0]/Assign",
    );
    // Of the outer scope, even when they come later, and in the other language.
    let definition = |later: &str| {
        let inner = assigns("v", END);
        let parallel = parallel("In", &inner, r#""Next": "L""#);
        format!(
            r#"{{"StartAt": "X", "States": {{"X": {parallel}, "L": {later}, "E": {{"Type": "Succeed"}}}}}}"#
        )
    };
    let expected = written_out(BRANCH);
    check(
        &definition(
            r#"{"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": true, "Next": "E", "Assign": {"v.$": "$.a"}}], "Default": "E"}"#,
        ),
        &expected,
    );
    check(
        &definition(
            r#"{"Type": "Pass", "QueryLanguage": "JSONata", "Assign": {"v": "{% 1 %}"}, "Next": "E"}"#,
        ),
        &expected,
    );
}

/// Recorded for a catcher.
#[test]
fn what_the_surrounding_state_assigns_is_no_obstacle() {
    let inner = assigns("w", END);
    let catch = r#""Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"w": 1}, "Next": "Y"}], "Next": "Y""#;
    check_state(&parallel("In", &inner, catch), "");
    let own = r#""Assign": {"w": 1}, "Next": "Y""#;
    check_state(&parallel("In", &inner, own), "");
    check_state(&map("INLINE", "In", &inner, own), "");
    check_state(
        &parallel(
            "Mid",
            &parallel("In", &inner, own).replace(r#""Next": "Y""#, END),
            END,
        ),
        "",
    );
}

#[test]
fn scopes_that_do_not_see_each_other_share_names() {
    let branch = |name: &str| {
        format!(
            r#"{{"StartAt": "{name}", "States": {{"{name}": {}}}}}"#,
            assigns("w", END)
        )
    };
    check_state(
        &format!(
            r#"{{"Type": "Parallel", "Branches": [{}, {}], {END}}}"#,
            branch("A"),
            branch("B")
        ),
        "",
    );
    check_after(&map("DISTRIBUTED", "In", &assigns("v", END), END), "");
    // A child has inner scopes of its own, which see as far as the child.
    let inside = parallel("In", &assigns("v", END), END);
    check_after(&map("DISTRIBUTED", "Mid", &inside, END), "");
    let before = assigns("v", r#""Next": "Last""#);
    check_after(
        &map(
            "DISTRIBUTED",
            "Mid",
            &format!(r#"{before}, "Last": {inside}"#),
            END,
        ),
        "{S}: The variable name 'v' is already used in an outer scope at @/ItemProcessor/States/Last/Branches[0]/States/In/Assign",
    );
}

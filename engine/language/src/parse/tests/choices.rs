//! Choice states.

use super::*;

fn choice(rule: &str) -> String {
    format!(r#"{{"Type": "Choice", "Choices": [{rule}]}}"#)
}

#[track_caller]
fn check_rule(rule: &str, expected: &str) {
    check_state(&choice(rule), &expected.replace('#', "@/Choices[0]"));
}

#[test]
fn all_39_operators_take_their_operand_and_no_other() {
    let orders = [
        "Equals",
        "LessThan",
        "GreaterThan",
        "LessThanEquals",
        "GreaterThanEquals",
    ];
    let mut operators: Vec<(String, &str, &str)> = Vec::new();
    for (family, good, kind) in [
        ("String", r#""a""#, "String"),
        ("Numeric", "1.5", "Number"),
        ("Timestamp", r#""2016-12-05T21:29:29Z""#, "String"),
    ] {
        operators.extend(orders.map(|order| (format!("{family}{order}"), good, kind)));
    }
    operators.push(("BooleanEquals".into(), "true", "Boolean"));
    let paths: Vec<String> = operators
        .iter()
        .map(|(name, ..)| format!("{name}Path"))
        .collect();
    operators.extend(paths.into_iter().map(|name| (name, r#""$.b""#, "String")));
    operators.push(("StringMatches".into(), r#""a*""#, "String"));
    for name in [
        "IsNull",
        "IsPresent",
        "IsNumeric",
        "IsString",
        "IsBoolean",
        "IsTimestamp",
    ] {
        operators.push((name.into(), "false", "Boolean"));
    }
    assert_eq!(operators.len(), 39);
    for (name, good, kind) in operators {
        let rule =
            |value: &str| format!(r#"{{"Variable": "$.a", "{name}": {value}, "Next": "Y"}}"#);
        check_rule(&rule(good), "");
        check_rule(
            &rule("[]"),
            &format!("{{S}}: Expected value of type {kind} at #/{name}"),
        );
        let other = if kind == "String" { "5" } else { r#""5""# };
        check_rule(
            &rule(other),
            &format!("{{S}}: Expected value of type {kind} at #/{name}"),
        );
        if name.ends_with("Path") {
            check_rule(
                &rule(r#""b""#),
                &format!("{{S}}: Value must be a valid JSONPath. at #/{name}"),
            );
        } else if name.starts_with("Timestamp") {
            check_rule(
                &rule(r#""today""#),
                &format!("{{S}}: String does not match RFC3339 timestamp at #/{name}"),
            );
        }
    }
}

#[test]
fn there_is_at_least_one_rule() {
    check_state(
        r#"{"Type": "Choice"}"#,
        "{S}: These fields are required: [Choices] at @, \
         MISSING_END_STATE: Workflow has no terminal state at null",
    );
    check_state(
        r#"{"Type": "Choice", "Choices": [], "Default": "Y"}"#,
        "{S}: Value cannot be empty at @/Choices",
    );
    check_state(
        r#"{"Type": "Choice", "Choices": {}, "Default": "Y"}"#,
        "{S}: Expected value of type Array at @/Choices",
    );
    check_state(
        r#"{"Type": "Choice", "Choices": [1], "Default": "Y"}"#,
        "{S}: Expected value of type Object at @/Choices[0]",
    );
}

#[test]
fn a_rule_has_a_target_and_one_comparison() {
    check_rule(
        r#"{"Variable": "$.a", "IsNull": true, "Next": "Y", "Comment": "c", "Assign": {"v.$": "$"}}"#,
        "",
    );
    check_state(
        r#"{"Type": "Choice", "Default": "Y", "Choices": [{"Variable": "$.a", "IsNull": true}]}"#,
        "{S}: These fields are required: [Next] at @/Choices[0]",
    );
    check_rule(
        r#"{"IsNull": true, "Next": "Y"}"#,
        "{S}: These fields are required: [Variable] at #",
    );
    check_rule(
        r#"{"Variable": "$.a", "Next": "Y"}"#,
        "{S}: A comparison operator is required at #",
    );
    check_rule(
        r#"{"Variable": "$.a", "StringEquals": "a", "IsNull": true, "Next": "Y"}"#,
        "{S}: There should only be one of the following fields: [StringEquals, IsNull] at #",
    );
    check_rule(
        r#"{"Variable": "$.a", "StringEqual": "a", "IsNull": true, "Next": "Y"}"#,
        "{S}: Field 'StringEqual' is not supported at #",
    );
    check_rule(
        r#"{"Variable": "$.a", "IsNull": true, "And": [{"Variable": "$", "IsNull": true}], "Next": "Y"}"#,
        "{S}: There should only be one of the following fields: [And, Variable] at #, \
         {S}: Field 'IsNull' is not supported at #",
    );
}

#[test]
fn a_variable_is_a_reference_path() {
    let rule =
        |variable: &str| format!(r#"{{"Variable": {variable}, "IsNull": true, "Next": "Y"}}"#);
    for good in [
        "$",
        "$.a[0]",
        "$$.Execution.Input.input-value",
        "$v",
        "$['a b']",
    ] {
        check_rule(&rule(&format!("\"{good}\"")), "");
    }
    check_rule(
        &rule(r#""Test""#),
        "{S}: Value is not a Reference Path: Reference path didn't start with '$' at #/Variable",
    );
    check_rule(
        &rule(r#""$.a[$$.Execution.Id]S""#),
        "{S}: Value is not a Reference Path: '[' must be followed by ' or '[' at #/Variable",
    );
    check_rule(
        &rule("5"),
        "{S}: Expected value of type String at #/Variable",
    );
}

#[test]
fn conditions_nest() {
    let is_null = r#"{"Variable": "$", "IsNull": true}"#;
    for combined in [
        format!(r#""And": [{is_null}, {is_null}]"#),
        format!(r#""Or": [{is_null}]"#),
        format!(r#""Not": {is_null}"#),
        format!(r#""Not": {{"And": [{{"Or": [{is_null}], "Comment": "c"}}]}}"#),
    ] {
        check_rule(&format!(r#"{{{combined}, "Next": "Y"}}"#), "");
    }
    check_rule(
        r#"{"And": [], "Next": "Y"}"#,
        "{S}: Value cannot be empty at #/And",
    );
    check_rule(
        r#"{"Or": {}, "Next": "Y"}"#,
        "{S}: Expected value of type Array at #/Or",
    );
    check_rule(
        r#"{"Not": [], "Next": "Y"}"#,
        "{S}: Expected value of type Object at #/Not",
    );
    check_rule(
        &format!(r#"{{"Not": {is_null}, "Or": [{is_null}], "Next": "Y"}}"#),
        "{S}: There should only be one of the following fields: [Or, Not] at #",
    );
    check_rule(
        r#"{"And": [{"Variable": "$", "IsNull": true, "Next": "Y"}], "Next": "Y"}"#,
        "{S}: Field 'Next' is not supported at #/And[0]",
    );
    check_rule(
        r#"{"Or": [{"Not": {"Variable": "a", "IsNull": 1}}], "Next": "Y"}"#,
        "{S}: Value is not a Reference Path: Reference path didn't start with '$' \
         at #/Or[0]/Not/Variable, {S}: Expected value of type Boolean at #/Or[0]/Not/IsNull",
    );
}

#[test]
fn a_jsonata_rule_has_a_condition() {
    let check_rule = |rule: &str, expected: &str| {
        check_jsonata(&choice(rule), &expected.replace('#', "@/Choices[0]"));
    };
    check_rule(
        r#"{"Condition": "{% $a = 1 %}", "Next": "Y", "Output": "{% 1 %}", "Assign": {"a": "{% 1 %}"}}"#,
        "",
    );
    check_rule(r#"{"Condition": true, "Next": "Y", "Comment": "c"}"#, "");
    check_jsonata(
        r#"{"Type": "Choice", "Choices": [{}], "Default": "Y"}"#,
        "{S}: These fields are required: [Condition, Next] at @/Choices[0]",
    );
    check_rule(
        r#"{"Condition": "true", "Next": "Y"}"#,
        "{S}: Expected value of type Boolean at #/Condition",
    );
    check_rule(
        r#"{"Condition": "{% true", "Next": "Y"}"#,
        "{S}: A JSONata expression starts with '{%' and ends with '%}' at #/Condition",
    );
    check_rule(
        r#"{"Condition": true, "Variable": "$", "Next": "Y"}"#,
        "{S}: The QueryLanguage is set to 'JSONata', but field 'Variable' is only supported for \
         the 'JSONPath' QueryLanguage at #",
    );
}

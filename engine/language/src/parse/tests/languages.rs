//! Query languages and JSONata.

use super::*;

#[test]
fn a_jsonata_machine_has_jsonata_states_only() {
    check_jsonata(
        r#"{"Type": "Pass", "End": true, "QueryLanguage": "JSONPath"}"#,
        "{S}: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at @",
    );
    check_jsonata(
        r#"{"Type": "Pass", "End": true, "QueryLanguage": "JSONata"}"#,
        "",
    );
    check_state(
        r#"{"Type": "Pass", "End": true, "QueryLanguage": "JSONata", "Output": 1}"#,
        "",
    );
}

#[test]
fn inner_states_have_the_language_of_the_machine() {
    let map = |inner: &str| {
        format!(
            r#"{{"Type": "Map", "QueryLanguage": "JSONata", "End": true, "ItemProcessor":
                {{"StartAt": "P", "States": {{"P": {{"Type": "Pass", "End": true, {inner}}}}}}}}}"#
        )
    };
    check_state(&map(r#""QueryLanguage": "JSONPath""#), "");
    check_state(&map(r#""InputPath": "$.a""#), "");
    check_state(
        &map(r#""Output": 1"#),
        "{S}: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the \
         'JSONata' QueryLanguage at @/ItemProcessor/States/P",
    );
}

#[test]
fn an_unknown_language_is_taken_for_jsonata() {
    check_state(
        r#"{"Type": "Pass", "End": true, "QueryLanguage": "JSONPATH", "Output": "{% 1 %}"}"#,
        "{S}: The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata] \
         at @/QueryLanguage",
    );
}

#[test]
fn branches_and_processors_name_a_language_for_their_states() {
    let inner = r#"{"QueryLanguage": "JSONata", "Comment": "c", "StartAt": "P",
                    "States": {"P": {"Type": "Succeed", "Output": "{% 1 %}"}}}"#;
    for field in ["ItemProcessor", "Iterator"] {
        check_state(
            &format!(r#"{{"Type": "Map", "End": true, "{field}": {inner}}}"#),
            "",
        );
    }
    check_state(
        &format!(r#"{{"Type": "Parallel", "End": true, "Branches": [{inner}]}}"#),
        "",
    );
    let unknown = inner.replace("JSONata", "SQL");
    check_state(
        &format!(r#"{{"Type": "Parallel", "End": true, "Branches": [{unknown}]}}"#),
        "{S}: The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata] \
         at @/Branches[0]/QueryLanguage, \
         {S}: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for \
         the 'JSONata' QueryLanguage at @/Branches[0]/States/P",
    );
}

#[test]
fn an_expression_has_both_delimiters() {
    let pass = |output: &str| format!(r#"{{"Type": "Pass", "End": true, "Output": {output}}}"#);
    for good in [
        r#""{% 1 %}""#,
        r#""{%\n1\n%}""#,
        r#""{% '%} {%' %}""#,
        r#"" {% 1 %}x""#,
        r#""100%""#,
        r#""%""#,
        r#"{"{%": ["{% 1 %}", 2, null, {"a": "b"}]}"#,
    ] {
        check_jsonata(&pass(good), "");
    }
    let half = "{S}: A JSONata expression starts with '{%' and ends with '%}' at @/Output";
    for bad in ["{% 1", "1 %}", "{%}", "{%", "%}", " {% 1 %}", "{% 1 %} "] {
        check_jsonata(&pass(&format!("\"{bad}\"")), half);
    }
    let empty = "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at @/Output";
    check_jsonata(&pass(r#""{%%}""#), empty);
    check_jsonata(&pass(r#"{"a": ["x", "{% 1"]}"#), &format!("{half}/a[1]"));
    // In JSONPath it is a text like any other.
    check_state(r#"{"Type": "Pass", "End": true, "Result": "{% 1"}"#, "");
}

#[test]
fn an_expression_reads_what_its_field_has() {
    let refused = |name: &str, place: &str| {
        format!(
            "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '{name}' is not supported in this field. at @/{place}"
        )
    };
    let task = |fields: &str| {
        format!(
            r#"{{"Type": "Task", "Resource": "arn:aws:lambda:::function:f", {fields}, "End": true}}"#
        )
    };
    let caught = |fields: &str| {
        task(&format!(
            r#""Catch": [{{"ErrorEquals": ["States.ALL"], "Next": "X", {fields}}}]"#
        ))
    };
    let (result, error) = ("{% $states.result %}", "{% $states.errorOutput.Cause %}");
    check_jsonata(
        &task(&format!(
            r#""Output": "{result}", "Assign": {{"a": "{result}"}}"#
        )),
        "",
    );
    check_jsonata(
        &caught(&format!(
            r#""Output": "{error}", "Assign": {{"a": "{error}"}}"#
        )),
        "",
    );
    check_jsonata(
        &task(&format!(r#""Arguments": {{"a": "{result}"}}"#)),
        &refused("$states.result", "Arguments/a"),
    );
    check_jsonata(
        &format!(r#"{{"Type": "Pass", "Output": "{result}", "End": true}}"#),
        &refused("$states.result", "Output"),
    );
    check_jsonata(
        &task(&format!(r#""Output": "{error}""#)),
        &refused("$states.errorOutput", "Output"),
    );
    check_jsonata(
        &caught(&format!(r#""Output": "{result}""#)),
        &refused("$states.result", "Catch[0]/Output"),
    );
    check_jsonata(
        &task(r#""Arguments": "{% name & street %}""#),
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'name' at the top level is not supported. at @/Arguments, UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'street' at the top level is not supported. at @/Arguments",
    );
}

#[test]
fn an_expression_may_stand_for_a_number() {
    let task = |fields: &str| {
        format!(
            r#"{{"Type": "Task", "Resource": "arn:aws:lambda:::function:f", {fields}, "End": true}}"#
        )
    };
    check_jsonata(
        &task(r#""TimeoutSeconds": "{% 1 %}", "HeartbeatSeconds": 5"#),
        "",
    );
    check_jsonata(
        &task(r#""TimeoutSeconds": "1""#),
        "{S}: Expected value of type Integer at @/TimeoutSeconds",
    );
    check_jsonata(
        &task(r#""TimeoutSeconds": "{% 1""#),
        "{S}: A JSONata expression starts with '{%' and ends with '%}' at @/TimeoutSeconds",
    );
    check_state(
        &task(r#""TimeoutSeconds": "{% 1 %}""#),
        "{S}: Expected value of type Integer at @/TimeoutSeconds",
    );
}

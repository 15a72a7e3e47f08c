//! Payload templates and `Assign`.

use super::*;

fn pass(parameters: &str) -> String {
    format!(r#"{{"Type": "Pass", "Parameters": {parameters}, "End": true}}"#)
}

#[test]
fn dynamic_values_are_paths_or_intrinsic_calls() {
    for good in [
        r#"{"a.$": "$.b", "c": {"d.$": "$$.Execution.Id"}, "e": [{"f.$": "$v[0]"}, 5, null]}"#,
        r#"{"a.$": "States.Format('{} {}', $.b, States.UUID())"}"#,
        r#"{".$": "$"}"#,
        r#"{"a.$.$": "$"}"#,
        "5",
        r#""text""#,
        "null",
        "[]",
    ] {
        check_state(&pass(good), "");
    }
    let refused = |value: &str| {
        check_state(
            &pass(&format!(r#"{{"x": [{{"parsed.$": {value}}}]}}"#)),
            "{S}: The value for the field 'parsed.$' must be a valid JSONPath or a valid intrinsic \
             function call at @/Parameters/x[0]",
        );
    };
    for bad in [
        r#""foo""#,
        r#""""#,
        "5",
        "null",
        r#"{"a": 1}"#,
        r#""$.a[""#,
        r#""States.format('{}', $.a)""#,
        r#""States.Nothing()""#,
        r#""States.MathAdd($.a)""#,
        r#""States.StringToJson('{\"text\":\"An \\\"escaped double quote\\\" here\"}')""#,
        r#""States.Format('He said, \\\"Hello, {}!\\\"', 'Test \\\"Name\\\" Here')""#,
    ] {
        refused(bad);
    }
    let nested = |depth: usize| {
        let call = "States.Array(".repeat(depth) + "1" + &")".repeat(depth);
        format!("\"{call}\"")
    };
    check_state(&pass(&format!(r#"{{"a.$": {}}}"#, nested(10))), "");
    refused(&nested(11));
}

#[test]
fn the_field_that_is_recorded_names_the_template() {
    check_state(
        &pass(r#"{"parsed.$": "States.StringToJson('{\"a\":\"\\\"\"}')"}"#),
        "{S}: The value for the field 'parsed.$' must be a valid JSONPath or a valid intrinsic \
         function call at @/Parameters",
    );
}

#[test]
fn a_key_stands_for_one_value() {
    check_state(
        &pass(r#"{"a": 1, "a.$": "$.b"}"#),
        "{S}: Duplicate field name: a at @/Parameters",
    );
    check_state(&pass(r#"{"a": 1, "a.$.$": "$.b"}"#), "");
}

#[test]
fn a_path_under_a_plain_key_is_mentioned() {
    let warning = "NO_DOLLAR: The field name must end with '.$' if its value is a JSONPath or an \
                   intrinsic function call at @/Parameters/a";
    for text in ["$.b", "$$.Execution.Id", "States.UUID()"] {
        check_state(&pass(&format!(r#"{{"a": "{text}"}}"#)), warning);
    }
    for text in ["$", "$5", "States.ALL", "b"] {
        check_state(&pass(&format!(r#"{{"a": "{text}"}}"#)), "");
    }
}

#[test]
fn every_template_field_is_read() {
    let refused = "must be a valid JSONPath or a valid intrinsic function call at @";
    for field in ["Parameters", "ResultSelector", "Assign"] {
        check_state(
            &format!(
                r#"{{"Type": "Task", "Resource": "arn:aws:lambda:::function:f", "End": true,
                    "{field}": {{"a.$": "b"}}}}"#
            ),
            &format!("{{S}}: The value for the field 'a.$' {refused}/{field}"),
        );
    }
    check_state(
        r#"{"Type": "Map", "End": true, "ItemSelector": {"a.$": "b"}, "ItemProcessor":
            {"StartAt": "P", "States": {"P": {"Type": "Succeed"}}}}"#,
        &format!("{{S}}: The value for the field 'a.$' {refused}/ItemSelector"),
    );
}

#[test]
fn variables_have_names() {
    let assign =
        |name: &str| format!(r#"{{"Type": "Pass", "Assign": {{"{name}": 1}}, "End": true}}"#);
    let dynamic =
        |name: &str| format!(r#"{{"Type": "Pass", "Assign": {{"{name}.$": "$"}}, "End": true}}"#);
    for name in ["a", "_a1", "größe", "変数", "States", &"v".repeat(80)] {
        check_state(&assign(name), "");
        check_state(&dynamic(name), "");
        check_jsonata(&assign(name), "");
    }
    for name in ["", "1a", "a-b", "a.b", "$a", "a b"] {
        let expected =
            format!("{{S}}: The variable name '{name}' is not a valid identifier at @/Assign");
        check_state(&assign(name), &expected);
        check_state(&dynamic(name), &expected);
        check_jsonata(&assign(name), &expected);
    }
    check_state(
        &dynamic("states"),
        "{S}: The variable name 'states' is reserved at @/Assign",
    );
    let long = "v".repeat(81);
    check_state(
        &assign(&long),
        &format!("{{S}}: The variable name '{long}' is longer than 80 characters at @/Assign"),
    );
    check_jsonata(
        &dynamic("a"),
        "{S}: The variable name 'a.$' is not a valid identifier at @/Assign",
    );
    check_state(
        r#"{"Type": "Pass", "Assign": [], "End": true}"#,
        "{S}: Expected value of type Object at @/Assign",
    );
}

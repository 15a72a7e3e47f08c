//! Definitions that mean no good. Each must be answered, and in no time: whatever takes seconds
//! here grows faster than its definition.

use super::*;

/// Parses on a stack as small as that of a server's worker; what is sound must resolve.
#[track_caller]
fn survive(definition: &str) -> Vec<Diagnostic> {
    let parsed = parse(definition, ExecutionType::Standard);
    assert!(parsed.diagnostics.len() <= 2 * DIAGNOSTICS_MAX);
    if !parsed.diagnostics.iter().any(Diagnostic::is_refused) {
        check_resolved(parsed.machine.as_ref().expect("nothing is wrong with it"));
    }
    parsed.diagnostics
}

#[test]
fn a_long_definition_is_refused_unread() {
    let long = format!(r#"{{"Comment": "{}"}}"#, "a".repeat(2 * 1_048_576));
    let found = survive(&long);
    let message =
        "SCHEMA_VALIDATION_FAILED: Definition must not be longer than 1048576 bytes at null";
    assert_eq!(found[0].to_string(), message);
    let padded = format!(
        "{}{}",
        machine(r#"{"Type": "Succeed"}"#),
        " ".repeat(1_000_000)
    );
    assert_eq!(survive(&padded), []);
}

#[test]
fn deep_json_is_refused() {
    for open in [
        "[",
        r#"{"States":"#,
        r#"{"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":"#,
    ] {
        let found = survive(&open.repeat(10_000));
        assert_eq!(found[0].code, Code::InvalidJsonDescription);
    }
}

#[test]
fn deep_templates_are_read() {
    let deep = |value: &str| {
        let value = format!("{}{value}{}", "[".repeat(900), "]".repeat(900));
        let object = format!("{}1{}", r#"{"k":"#.repeat(900), "}".repeat(900));
        format!(
            r#"{{"QueryLanguage": "JSONata", "StartAt": "A", "States": {{
                "A": {{"Type": "Pass", "Output": {value}, "Next": "B"}},
                "B": {{"Type": "Pass", "Output": {object}, "End": true}}}}}}"#
        )
    };
    let elements = vec!["1"; 300_000].join(",");
    for value in ["1", r#""{% 1 %}""#, &elements] {
        assert_eq!(survive(&deep(value)), []);
    }
    let result = format!("{}{}", "[".repeat(900), "]".repeat(900));
    assert_eq!(
        survive(&machine(&format!(
            r#"{{"Type": "Pass", "Result": {result}, "End": true}}"#
        ))),
        []
    );
}

#[test]
fn deep_choices_are_read() {
    let leaf = r#"{"Variable": "$.a", "IsNull": true}"#;
    for (open, close, depth) in [
        (r#"{"Not":"#, "}", 900),
        (r#"{"And":["#, "]}", 400),
        (r#"{"Or":["#, "]}", 400),
    ] {
        let inner = format!("{}{leaf}{}", open.repeat(depth), close.repeat(depth));
        let rule = format!(r#"{{"Not": {inner}, "Next": "Y"}}"#);
        assert_eq!(
            survive(&machine(&format!(
                r#"{{"Type": "Choice", "Choices": [{rule}]}}"#
            ))),
            []
        );
    }
}

#[test]
fn states_nest_50_deep() {
    let nest = |depth: usize| {
        let mut scope = r#""StartAt": "S", "States": {"S": {"Type": "Succeed"}}"#.to_owned();
        for level in 0..depth {
            scope = format!(
                r#""StartAt": "M{level}", "States": {{"M{level}":
                    {{"Type": "Map", "End": true, "ItemProcessor": {{{scope}}}}}}}"#
            );
        }
        format!("{{{scope}}}")
    };
    assert_eq!(survive(&nest(3)), []);
    assert_eq!(survive(&nest(50)), []);
    let found = survive(&nest(51));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, Code::TooDeeplyNested);
    survive(&nest(200));
}

#[test]
fn ten_thousand_states_are_read() {
    let states: Vec<String> = (0..10_000)
        .map(|number| format!(r#""{number}":{{"Type":"Pass","Next":"{}"}}"#, number + 1))
        .collect();
    let definition = format!(
        r#"{{"StartAt":"0","States":{{{},"10000":{{"Type":"Succeed"}}}}}}"#,
        states.join(",")
    );
    assert_eq!(survive(&definition), []);
}

#[test]
fn of_very_many_findings_the_first_are_kept() {
    let states: Vec<String> = (0..20_000)
        .map(|number| format!(r#""S{number}":{{"Type":"Pass","Next":"T{number}"}}"#))
        .collect();
    let definition = format!(r#"{{"StartAt":"S0","States":{{{}}}}}"#, states.join(","));
    assert_eq!(survive(&definition).len(), DIAGNOSTICS_MAX);
    // However many warnings there are, what the definition is refused for is kept.
    let fields: Vec<String> = (0..5_000)
        .map(|number| format!(r#""k{number}":"$.a""#))
        .collect();
    let state = format!(
        r#"{{"Type": "Pass", "Parameters": {{{}}}, "Foo": 1, "End": true}}"#,
        fields.join(",")
    );
    let found = survive(&machine(&state));
    assert_eq!(found.len(), DIAGNOSTICS_MAX + 1);
    assert_eq!(
        found.iter().filter(|finding| finding.is_refused()).count(),
        1
    );
}

#[test]
fn long_keys_are_not_copied_for_each_value_below() {
    let key = "k".repeat(300_000);
    let plain = vec!["1"; 150_000].join(",");
    let halves = vec![r#""{%""#; 50_000].join(",");
    for elements in [plain, halves] {
        survive(&format!(
            r#"{{"QueryLanguage": "JSONata", "StartAt": "A", "States": {{
                "A": {{"Type": "Pass", "Output": {{"{key}": [{elements}]}}, "End": true}}}}}}"#
        ));
    }
}

#[test]
fn wide_objects_are_read() {
    let fields: Vec<String> = (0..40_000)
        .map(|number| format!(r#""k{number}.$":"$.a""#))
        .collect();
    let fields = fields.join(",");
    assert_eq!(
        survive(&machine(&format!(
            r#"{{"Type":"Pass","Parameters":{{{fields}}},"End":true}}"#
        ))),
        []
    );
    let found = survive(&machine(&format!(
        r#"{{"Type":"Pass","End":true,{fields}}}"#
    )));
    assert_eq!(found.len(), DIAGNOSTICS_MAX);
}

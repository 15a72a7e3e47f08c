//! The document: its JSON, its fields, its names.

use super::*;

#[test]
fn what_is_no_json_object_is_refused() {
    for text in ["", " \n\t", "[]", "5", "null", r#""States""#] {
        check(
            text,
            "SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null",
        );
    }
    let place = r#"[Source: (String)"not a definition"; line: 1, column: 4]"#;
    let message = "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or \
                   token 'null', 'true' or 'false')";
    check(
        "not a definition",
        &format!("INVALID_JSON_DESCRIPTION: {message}\n at {place} at {place}"),
    );
    let parsed = parse("not a definition", ExecutionType::Standard);
    assert_eq!(parsed.diagnostics[0].location.as_deref(), Some(place));
}

#[test]
fn a_document_has_a_start_and_states() {
    let failed = "SCHEMA_VALIDATION_FAILED";
    check(
        "{}",
        &format!("{failed}: These fields are required: [States, StartAt] at /"),
    );
    check(
        r#"{"StartAt": "A"}"#,
        &format!("{failed}: These fields are required: [States] at /"),
    );
    check(
        r#"{"States": {"A": {"Type": "Pass", "End": true}}}"#,
        &format!("{failed}: These fields are required: [StartAt] at /"),
    );
    check(
        r#"{"StartAt": "A", "States": {}}"#,
        &format!("{failed}: Value cannot be empty at /States"),
    );
    check(
        r#"{"StartAt": "A", "States": []}"#,
        &format!("{failed}: Expected value of type Object at /States"),
    );
    check(
        r#"{"StartAt": "A", "States": {"A": 5}}"#,
        &format!("{failed}: Expected value of type Object at /States/A"),
    );
    check(
        r#"{"StartAt": 5, "States": {"A": {"Type": "Succeed"}}}"#,
        &format!("{failed}: Expected value of type String at /StartAt"),
    );
}

#[test]
fn a_document_has_five_more_fields_and_no_others() {
    #[track_caller]
    fn check_field(field: &str, expected: &str) {
        let definition =
            format!(r#"{{{field}, "StartAt": "A", "States": {{"A": {{"Type": "Succeed"}}}}}}"#);
        check(&definition, &written_out(expected));
    }
    check_field(r#""Comment": "c""#, "");
    check_field(r#""Version": "1.0""#, "");
    check_field(r#""TimeoutSeconds": 0"#, "");
    check_field(r#""TimeoutSeconds": 99999999"#, "");
    check_field(r#""QueryLanguage": "JSONPath""#, "");
    check_field(r#""QueryLanguage": "JSONata""#, "");
    check_field(
        r#""Comment": 5"#,
        "{S}: Expected value of type String at /Comment",
    );
    check_field(
        r#""Version": "2.0""#,
        "{S}: The field 'Version' should have one of these values: [1.0] at /Version",
    );
    check_field(
        r#""QueryLanguage": "jsonata""#,
        "{S}: The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata] \
         at /QueryLanguage",
    );
    check_field(
        r#""TimeoutSeconds": -1"#,
        "{S}: Minimum value is 0 at /TimeoutSeconds",
    );
    check_field(
        r#""TimeoutSeconds": 100000000"#,
        "{S}: Maximum value is 99999999 at /TimeoutSeconds",
    );
    check_field(
        r#""TimeoutSeconds": "5""#,
        "{S}: Expected value of type Integer at /TimeoutSeconds",
    );
    check_field(r#""Next": "A""#, "{S}: Field 'Next' is not supported at /");
    check_field(r#""": 1"#, "{S}: Field '' is not supported at /");
}

#[test]
fn numbers_may_be_as_large_as_they_like() {
    #[track_caller]
    fn check_seconds(number: &str, expected: &str) {
        let state = format!(r#"{{"Type": "Wait", "Seconds": {number}, "End": true}}"#);
        check_state(&state, expected);
    }
    let too_large = "{S}: Maximum value is 99999999 at @/Seconds";
    check_seconds("99999999", "");
    check_seconds("10000000000000000", too_large);
    check_seconds("18446744073709551615", too_large);
    check_seconds("18446744073709551616", too_large);
    check_seconds(&"9".repeat(300), too_large);
    check_seconds("1e300", too_large);
    check_seconds("-1e300", "{S}: Minimum value is 0 at @/Seconds");
    check_seconds("1.5", "{S}: Expected value of type Integer at @/Seconds");
    check_seconds("1e2", "{S}: Expected value of type Integer at @/Seconds");
    check_seconds("-0", "");
}

#[test]
fn names_have_1_to_80_characters() {
    let machine = |name: &str| {
        format!(r#"{{"StartAt": "{name}", "States": {{"{name}": {{"Type": "Succeed"}}}}}}"#)
    };
    check(&machine(&"ä".repeat(80)), "");
    let long = "n".repeat(81);
    check(
        &machine(&long),
        &format!(
            "INVALID_STATE_NAME: Invalid State name: State '{long}' exceeds the 80-character limit \
             allowed by the service at /States/{long}"
        ),
    );
    check(
        &machine(""),
        "INVALID_STATE_NAME: Invalid State name: a state name cannot be empty at /States/",
    );
    for name in [
        "日本語 🎉",
        "a/b~c",
        "$.a[0]",
        r"line\nbreak",
        r"\u0000",
        "'",
    ] {
        check(&machine(name), "");
    }
}

#[test]
fn names_are_unique_in_the_whole_document() {
    check(
        r#"{"StartAt": "A", "States": {
            "A": {"Type": "Parallel", "End": true, "Branches": [
                {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}]}}}"#,
        "DUPLICATE_STATE_NAME: Duplicate State name: A at /States/A/Branches[0]/States/A",
    );
    check(
        r#"{"StartAt": "A", "States": {
            "A": {"Type": "Map", "Next": "B", "ItemProcessor":
                {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}},
            "B": {"Type": "Succeed"}}}"#,
        "DUPLICATE_STATE_NAME: Duplicate State name: B at /States/B",
    );
}

#[test]
fn a_repeated_key_is_mentioned_but_the_last_one_counts() {
    check(
        r#"{"StartAt": "A", "StartAt": "B", "States": {"B": {"Type": "Fail", "Type": "Succeed"}}}"#,
        "DUPLICATE_KEY: The key 'StartAt' is given more than once. at /, \
         DUPLICATE_KEY: The key 'Type' is given more than once. at /States/B",
    );
    check(
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true,
            "Result": [0, {"k": 1, "k": 2}]}}}"#,
        "DUPLICATE_KEY: The key 'k' is given more than once. at /States/A/Result[1]",
    );
    // A second `States` replaces the first, and with it every state.
    check(
        r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}, "States": {}}"#,
        "DUPLICATE_KEY: The key 'States' is given more than once. at /, \
         SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States",
    );
}

#[test]
fn a_misspelt_field_gets_help() {
    #[track_caller]
    fn check_help(state: &str, expected: &str) {
        let parsed = parse(&machine(state), ExecutionType::Standard);
        let helps: Vec<&str> = parsed
            .diagnostics
            .iter()
            .filter_map(|finding| finding.help.as_deref())
            .collect();
        assert_eq!(helps, [expected]);
    }
    check_help(
        r#"{"Type": "Pass", "End": true, "Resultpath": "$.a"}"#,
        "Did you mean `ResultPath`?",
    );
    check_help(r#"{"Type": "Pass", "Next": "x"}"#, "Did you mean `X`?");
    check_help(
        r#"{"Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "X", "States": {"Z": {"Type": "Succeed"}}}]}"#,
        "`X` stands in another `States` map; transitions stay inside their own",
    );
}

//! Which state type accepts which field, in both query languages.

use super::*;
use crate::expression::intrinsic::IntrinsicFunction;

/// Everything a type needs besides the field at hand.
fn needed(kind: &str, language: QueryLanguage) -> &'static str {
    match (kind, language) {
        ("Task", _) => r#""Resource": "arn:aws:states:::aws-sdk:s3:getObject", "End": true"#,
        ("Pass", _) => r#""End": true"#,
        ("Wait", _) => r#""Seconds": 1, "End": true"#,
        ("Choice", QueryLanguage::JsonPath) => {
            r#""Choices": [{"Variable": "$", "IsNull": true, "Next": "Y"}]"#
        }
        ("Choice", QueryLanguage::Jsonata) => r#""Choices": [{"Condition": true, "Next": "Y"}]"#,
        ("Parallel", _) => {
            r#""Branches": [{"StartAt": "Z", "States": {"Z": {"Type": "Succeed"}}}], "End": true"#
        }
        ("Map", _) => {
            r#""ItemProcessor": {"StartAt": "Z", "States": {"Z": {"Type": "Succeed"}}}, "End": true"#
        }
        _ => r#""Comment": "ends""#,
    }
}

const KINDS: [&str; 8] = [
    "Task", "Pass", "Wait", "Choice", "Parallel", "Map", "Succeed", "Fail",
];

/// A field with a good value, and the types that have it.
type Accepted = (&'static str, &'static str, &'static [&'static str]);

const DATA: &[&str] = &[
    "Task", "Pass", "Wait", "Choice", "Parallel", "Map", "Succeed",
];
const WORK: &[&str] = &["Task", "Parallel", "Map"];
const RESULT: &[&str] = &["Task", "Pass", "Parallel", "Map"];
const ASSIGN: &[&str] = &["Task", "Pass", "Wait", "Choice", "Parallel", "Map"];

const BOTH: [Accepted; 8] = [
    ("Assign", r#"{"a": 1}"#, ASSIGN),
    ("Retry", "[]", WORK),
    ("Catch", "[]", WORK),
    ("TimeoutSeconds", "5", &["Task"]),
    ("HeartbeatSeconds", "5", &["Task"]),
    ("Credentials", r#"{"RoleArn": "r"}"#, &["Task"]),
    ("Error", r#""e""#, &["Fail"]),
    ("Cause", r#""c""#, &["Fail"]),
];

const MAPS: [Accepted; 4] = [
    ("ItemSelector", r#"{"a": 1}"#, &["Map"]),
    ("MaxConcurrency", "3", &["Map"]),
    ("ToleratedFailureCount", "3", &["Map"]),
    ("ToleratedFailurePercentage", "3.5", &["Map"]),
];

const JSON_PATH: [Accepted; 15] = [
    ("InputPath", r#""$.a""#, DATA),
    ("OutputPath", "null", DATA),
    ("Parameters", r#"{"a.$": "$.b"}"#, RESULT),
    ("ResultSelector", r#"{"a.$": "$.b"}"#, WORK),
    ("ResultPath", r#""$.a""#, RESULT),
    ("Result", "[1]", &["Pass"]),
    ("TimeoutSecondsPath", r#""$.a""#, &["Task"]),
    ("HeartbeatSecondsPath", r#""$.a""#, &["Task"]),
    ("ItemsPath", r#""$$.Execution.Input""#, &["Map"]),
    ("MaxConcurrencyPath", r#""$.a""#, &["Map"]),
    ("ToleratedFailureCountPath", r#""$.a""#, &["Map"]),
    ("ToleratedFailurePercentagePath", r#""$.a""#, &["Map"]),
    ("ErrorPath", r#""$$.State.Name""#, &["Fail"]),
    ("CausePath", r#""States.Format('{}', $.a)""#, &["Fail"]),
    ("Default", r#""Y""#, &["Choice"]),
];

const JSONATA: [Accepted; 4] = [
    (
        "Arguments",
        r#""{% $states.input %}""#,
        &["Task", "Parallel"],
    ),
    ("Output", r#"{"a": ["{% 1 %}"]}"#, DATA),
    ("Items", r#""{% [1] %}""#, &["Map"]),
    ("Default", r#""Y""#, &["Choice"]),
];

#[test]
fn every_field_is_accepted_where_it_belongs_and_refused_elsewhere() {
    let languages = [
        (QueryLanguage::JsonPath, &JSON_PATH[..]),
        (QueryLanguage::Jsonata, &JSONATA[..]),
    ];
    for (language, own) in languages {
        for kind in KINDS {
            for (field, value, kinds) in BOTH.iter().chain(&MAPS).chain(own) {
                let state = format!(
                    r#"{{"Type": "{kind}", "{field}": {value}, {}}}"#,
                    needed(kind, language)
                );
                let expected = if kinds.contains(&kind) {
                    String::new()
                } else {
                    refusal(field)
                };
                match language {
                    QueryLanguage::JsonPath => check_state(&state, &expected),
                    QueryLanguage::Jsonata => check_jsonata(&state, &expected),
                }
            }
        }
    }
}

fn refusal(field: &str) -> String {
    // Only a Choice follows `Y`, so that it is out of reach elsewhere.
    let unreachable = match field {
        "Default" => ", MISSING_TRANSITION_TARGET: State \"Y\" is not reachable. at /States/Y",
        _ => "",
    };
    format!("{{S}}: Field '{field}' is not supported at @{unreachable}")
}

#[test]
fn fields_of_the_other_language_are_named_as_such() {
    for (field, value, kinds) in JSON_PATH.iter().filter(|(field, ..)| *field != "Default") {
        for kind in *kinds {
            let needed = needed(kind, QueryLanguage::Jsonata);
            check_jsonata(
                &format!(r#"{{"Type": "{kind}", "{field}": {value}, {needed}}}"#),
                &format!(
                    "{{S}}: The QueryLanguage is set to 'JSONata', but field '{field}' is only \
                     supported for the 'JSONPath' QueryLanguage at @"
                ),
            );
        }
    }
    for (field, value, kinds) in JSONATA.iter().filter(|(field, ..)| *field != "Default") {
        for kind in *kinds {
            let needed = needed(kind, QueryLanguage::JsonPath);
            check_state(
                &format!(r#"{{"Type": "{kind}", "{field}": {value}, {needed}}}"#),
                &format!(
                    "{{S}}: The QueryLanguage is set to 'JSONPath', but field '{field}' is only \
                     supported for the 'JSONata' QueryLanguage at @"
                ),
            );
        }
    }
}

#[test]
fn every_type_has_a_comment_and_a_language_and_nothing_unknown() {
    for kind in KINDS {
        let needed = needed(kind, QueryLanguage::Jsonata);
        let language = r#""QueryLanguage": "JSONata""#;
        check_state(
            &format!(r#"{{"Type": "{kind}", {language}, {needed}}}"#),
            "",
        );
        check_jsonata(
            &format!(r#"{{"Type": "{kind}", "Comments": "c", {needed}}}"#),
            "{S}: Field 'Comments' is not supported at @",
        );
    }
    check_state(r#"{"Type": "Succeed", "Comment": "c"}"#, "");
    check_state(
        r#"{"Type": "Succeed", "Comment": 5}"#,
        "{S}: Expected value of type String at @/Comment",
    );
}

#[test]
fn the_type_is_one_of_eight() {
    let types = "[Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]";
    for kind in ["TypeThatDoesNotExist", "pass", ""] {
        check_state(
            &format!(r#"{{"Type": "{kind}", "End": true}}"#),
            &format!("{{S}}: The field 'Type' should have one of these values: {types} at @/Type"),
        );
    }
    check_state(
        r#"{"Type": 5}"#,
        "{S}: Expected value of type String at @/Type",
    );
    check_state("{}", "{S}: These fields are required: [Type] at @");
    // Nobody knows where it goes, so that nothing is said about what follows.
    check_state(
        r#"{"Type": "Foo", "Next": "Y"}"#,
        &format!("{{S}}: The field 'Type' should have one of these values: {types} at @/Type"),
    );
}

#[test]
fn a_state_goes_on_or_ends() {
    check_state(
        r#"{"Type": "Pass"}"#,
        "{S}: One of these fields is required: [Next, End] at @",
    );
    check_state(
        r#"{"Type": "Pass", "End": false}"#,
        "{S}: One of these fields is required: [Next, End] at @",
    );
    check_state(
        r#"{"Type": "Pass", "End": true, "Next": "Y"}"#,
        "{S}: There should only be one of the following fields: [Next, End] at @",
    );
    check_state(r#"{"Type": "Pass", "End": false, "Next": "Y"}"#, "");
    check_state(
        r#"{"Type": "Pass", "End": "true"}"#,
        "{S}: Expected value of type Boolean at @/End, \
         {S}: One of these fields is required: [Next, End] at @",
    );
    for kind in ["Choice", "Succeed", "Fail"] {
        let needed = needed(kind, QueryLanguage::JsonPath);
        check_state(
            &format!(r#"{{"Type": "{kind}", "End": true, {needed}}}"#),
            "{S}: Field 'End' is not supported at @",
        );
    }
}

#[test]
fn paths_are_paths() {
    for field in ["InputPath", "OutputPath"] {
        let state = |value: &str| format!(r#"{{"Type": "Pass", "{field}": {value}, "End": true}}"#);
        for good in [
            r#""$""#,
            "null",
            r#""$.a.b[0]""#,
            r#""$..a[?(@.b > 1)]""#,
            r#""$$.State.Name""#,
            r#""$variable.a""#,
            r#""$['a','b']""#,
            r#""$.detail-type""#,
        ] {
            check_state(&state(good), "");
        }
        for bad in [
            r#""abc""#,
            r#""""#,
            r#""$.a[""#,
            r#""States.UUID()""#,
            r#"" $""#,
        ] {
            check_state(
                &state(bad),
                &format!("{{S}}: Value must be a valid JSONPath. at @/{field}"),
            );
        }
        check_state(
            &state("5"),
            &format!("{{S}}: Expected value of type String at @/{field}"),
        );
    }
}

#[test]
fn a_result_path_is_a_reference_path_into_the_input() {
    let state = |value: &str| format!(r#"{{"Type": "Pass", "ResultPath": {value}, "End": true}}"#);
    for good in [r#""$""#, "null", r#""$.a.b[0]['c d']""#] {
        check_state(&state(good), "");
    }
    let refused = |value: &str, reason: &str| {
        check_state(
            &state(value),
            &format!("{{S}}: Value is not a Reference Path: {reason} at @/ResultPath"),
        );
    };
    refused(r#""a""#, "Reference path didn't start with '$'");
    refused(r#""""#, "Reference path didn't start with '$'");
    refused(r#""$.a[*]""#, "'[' must be followed by ' or '['");
    refused(r#""$.a[?(@.b)]""#, "'[' must be followed by ' or '['");
    refused(
        r#""$.*""#,
        "a Reference Path has no wildcard at character 1",
    );
    refused(r#""$..a""#, "a Reference Path has no `..` at character 1");
    refused(r#""$$.a""#, "a result is written into the input only");
    refused(r#""$v.a""#, "a result is written into the input only");
    check_state(
        &state("5"),
        "{S}: Expected value of type String at @/ResultPath",
    );
}

#[test]
fn wait_has_exactly_one_duration() {
    let wait = |fields: &str| format!(r#"{{"Type": "Wait", {fields} "End": true}}"#);
    for good in [
        r#""Seconds": 0,"#,
        r#""SecondsPath": "$.a","#,
        r#""SecondsPath": "$seconds","#,
        r#""Timestamp": "2016-12-05T21:29:29.123+01:00","#,
        r#""TimestampPath": "$.a","#,
    ] {
        check_state(&wait(good), "");
    }
    check_state(
        &wait(""),
        "{S}: One of these fields is required: [Seconds, Timestamp, SecondsPath, TimestampPath] at @",
    );
    check_state(
        &wait(r#""Seconds": 1, "TimestampPath": "$.a","#),
        "{S}: There should only be one of the following fields: [Seconds, TimestampPath] at @",
    );
    check_state(
        &wait(r#""SecondsPath": "$$.a","#),
        "{S}: Value is not a Reference Path: the context object cannot be referred to here \
         at @/SecondsPath",
    );
    check_state(
        &wait(r#""Seconds": "5","#),
        "{S}: Expected value of type Integer at @/Seconds",
    );
    check_jsonata(&wait(r#""Seconds": "{% 5 %}","#), "");
    check_jsonata(&wait(r#""Timestamp": "{% $now() %}","#), "");
    check_jsonata(&wait(r#""Timestamp": "2016-12-05T21:29:29Z","#), "");
    check_jsonata(
        &wait(""),
        "{S}: One of these fields is required: [Seconds, Timestamp] at @",
    );
    check_jsonata(
        &wait(r#""Seconds": "5","#),
        "{S}: Expected value of type Integer at @/Seconds",
    );
}

#[test]
fn timestamps_are_in_rfc_3339() {
    for text in [
        "2016-12-05 21:29:29Z",
        "2016-13-05T21:29:29Z",
        "05-12-2016T21:29:29Z",
        "2016-12-05T21:29:29",
        "2016-12-05t21:29:29Z",
        "2016-12-05T21:29:29z",
        "{% '2016-03-14T01:59:00Z' %}",
        "",
    ] {
        check_state(
            &format!(r#"{{"Type": "Wait", "Timestamp": "{text}", "End": true}}"#),
            "{S}: String does not match RFC3339 timestamp at @/Timestamp",
        );
    }
}

#[test]
fn fail_has_each_field_once() {
    check_state(
        r#"{"Type": "Fail", "Error": "e", "ErrorPath": "$.e", "Cause": "c", "CausePath": "$.c"}"#,
        "{S}: There should only be one of the following fields: [Error, ErrorPath] at @, \
         {S}: There should only be one of the following fields: [Cause, CausePath] at @",
    );
    check_state(
        r#"{"Type": "Fail", "CausePath": "c"}"#,
        "{S}: The value for the field 'CausePath' must be a valid JSONPath or a valid intrinsic \
         function call at @",
    );
    check_state(
        r#"{"Type": "Fail", "Cause": 5}"#,
        "{S}: Expected value of type String at @/Cause",
    );
    check_state(
        r#"{"Type": "Fail", "Cause": "$.cause"}"#,
        "NO_PATH: The field name must end with 'Path' if its value is a JSONPath at @/Cause",
    );
    check_jsonata(
        r#"{"Type": "Fail", "Cause": "{% 'c' %}", "Error": "$.e"}"#,
        "",
    );
}

#[test]
fn fail_calls_only_what_gives_a_text() {
    let calls = [
        ("States.Format('{}', States.MathAdd(1, 2))", true),
        ("States.JsonToString($)", true),
        ("States.ArrayGetItem($.a, 0)", true),
        ("States.Base64Encode($.a)", true),
        ("States.Base64Decode($.a)", true),
        ("States.Hash($.a, 'MD5')", true),
        ("States.UUID()", true),
        ("States.MathAdd(1, 2)", false),
        ("States.MathRandom(1, 2)", false),
        ("States.StringToJson(States.JsonToString($))", false),
        ("States.Array('a')", false),
        ("States.ArrayPartition($.a, 1)", false),
        ("States.ArrayContains($.a, 1)", false),
        ("States.ArrayRange(1, 2, 1)", false),
        ("States.ArrayLength($.a)", false),
        ("States.ArrayUnique($.a)", false),
        ("States.JsonMerge($.a, $.b, false)", false),
        ("States.StringSplit($.a, ' ')", false),
    ];
    assert_eq!(calls.len(), IntrinsicFunction::ALL.len());
    for (call, is_accepted) in calls {
        for field in ["ErrorPath", "CausePath"] {
            let expected = if is_accepted {
                String::new()
            } else {
                format!(
                    "{{S}}: The value for the field '{field}' must be a valid JSONPath or a valid \
                     intrinsic function call at @"
                )
            };
            let state = format!(r#"{{"Type": "Fail", "{field}": "{call}"}}"#);
            check_state(&state, &expected);
        }
    }
}

#[test]
fn a_result_is_literal() {
    let warning = "PASS_RESULT_IS_STATIC: The field 'Result' is literal: a JSONPath or an \
                   intrinsic function call in it is not evaluated at @/Result";
    let pass = |result: &str| format!(r#"{{"Type": "Pass", "Result": {result}, "End": true}}"#);
    check_state(&pass(r#"{"a": [1, null, "b"]}"#), "");
    check_state(&pass(r#"[{"a.$": "$.b"}, {"c.$": "$.d"}]"#), warning);
    check_state(&pass(r#""$.b""#), warning);
    check_state(&pass(r#"{"a": "States.UUID()"}"#), warning);
}

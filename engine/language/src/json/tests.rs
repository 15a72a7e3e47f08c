use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::source::Span;

#[track_caller]
fn check(text: &str, expected: &Value) {
    assert_eq!(&read_value(text).unwrap(), expected, "{text}");
    assert_eq!(&read(text).unwrap().to_value(), expected, "{text}");
}

/// `fault` is the text that the error's span covers.
#[track_caller]
fn refuse(text: &str, message: &str, fault: &str, line: usize, column: usize) {
    let error = read(text).unwrap_err();
    assert_eq!(error.to_string(), message, "{text}");
    assert_eq!(&text[error.span.range()], fault, "{text}");
    let place = format!("; line: {line}, column: {column}]");
    let location = error.location(text);
    assert!(
        location.ends_with(&place),
        "{text}: {location} should end with {place}"
    );
    assert_eq!(read_value(text), Err(error), "{text}");
}

#[test]
fn values_are_read() {
    check(" null\n", &json!(null));
    check("true", &json!(true));
    check("\tfalse\r\n", &json!(false));
    check(r#""ä""#, &json!("ä"));
    check("[]", &json!([]));
    check("{ }", &json!({}));
    check(
        r#"{"a": [1, {"b": {}}, []], "": "x"}"#,
        &json!({"a": [1, {"b": {}}, []], "": "x"}),
    );
}

#[test]
fn numbers_stay_integers_as_long_as_they_fit() {
    check("0", &json!(0));
    check("-0", &json!(0));
    check("-0.0", &json!(-0.0));
    check("18446744073709551615", &json!(u64::MAX));
    check("-9223372036854775808", &json!(i64::MIN));
    check("18446744073709551616", &json!(18_446_744_073_709_551_616.0));
    check("-9223372036854775809", &json!(-9_223_372_036_854_775_809.0));
    check("1.0", &json!(1.0));
    check("1e2", &json!(100.0));
    check("0.1E-2", &json!(0.001));
    check(
        "2.2250738585072011e-308",
        &json!(2.225_073_858_507_201e-308),
    );
    check("1e-400", &json!(0.0));
}

#[test]
fn escapes_are_replaced() {
    check(r#""\"\\\/\b\f\n\r\t""#, &json!("\"\\/\u{8}\u{c}\n\r\t"));
    check(r#""a\u00e4\u20ACb""#, &json!("aä€b"));
    check(
        r#""\ud83D\ude00 and plain text after it""#,
        &json!("😀 and plain text after it"),
    );
    check(r#"{"\u0061": 1}"#, &json!({"a": 1}));
}

#[test]
fn half_a_surrogate_pair_is_refused() {
    let message = r"Unpaired surrogate escape '\uD83D' in string value";
    refuse(r#""\ud83d""#, message, r"\ud83d", 1, 8);
    refuse(r#""\ud83dx""#, message, r"\ud83d", 1, 8);
    refuse(r#""\ud83d\ud83d""#, message, r"\ud83d", 1, 8);
    let message = r"Unpaired surrogate escape '\uDE00' in string value";
    refuse(r#"["\ude00"]"#, message, r"\ude00", 1, 9);
}

#[test]
fn spans_cover_values_and_keys() {
    let text = "{\"a\" : [ 10 , \"ä\" ] }\n";
    let node = read(text).unwrap();
    assert_eq!(node.span, Span::new(0, 22));
    let entry = node.as_object().unwrap().entry("a").unwrap();
    assert_eq!(&text[entry.key_span.range()], "\"a\"");
    assert_eq!(&text[entry.value.span.range()], "[ 10 , \"ä\" ]");
    let items = entry.value.as_array().unwrap();
    assert_eq!(&text[items[0].span.range()], "10");
    assert_eq!(&text[items[1].span.range()], "\"ä\"");
}

#[test]
fn of_duplicate_keys_the_last_wins_and_each_repetition_is_listed() {
    let text = r#"{"a": 1, "b": 2, "a": 3, "\u0061": 4}"#;
    check(text, &json!({"a": 4, "b": 2}));
    let node = read(text).unwrap();
    let object = node.as_object().unwrap();
    let keys: Vec<&str> = object.entries().map(|(key, _)| &**key).collect();
    assert_eq!(keys, ["a", "b"]);
    let spans: Vec<(&str, &str)> = object
        .duplicates()
        .iter()
        .map(|duplicate| {
            (
                &text[duplicate.lost.range()],
                &text[duplicate.again.range()],
            )
        })
        .collect();
    assert_eq!(spans, [("\"a\"", "\"a\""), ("\"a\"", r#""\u0061""#)]);
    assert_eq!(object.len(), 2);
}

#[test]
fn errors_recorded_from_aws_are_worded_the_same() {
    let text = "not a definition";
    let error = read(text).unwrap_err();
    assert_eq!(
        error.message_with_location(text),
        "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token \
         'null', 'true' or 'false')\n at [Source: (String)\"not a definition\"; line: 1, column: 4]"
    );
    refuse(
        "{'not': 'json'",
        "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
        "'",
        1,
        3,
    );
}

#[test]
fn an_empty_text_has_no_content() {
    let message = "No content to map due to end-of-input";
    refuse("", message, "", 1, 0);
    refuse(" \n ", message, "", 1, 0);
    assert_eq!(read("").unwrap_err().kind, JsonErrorKind::Empty);
}

#[test]
fn a_text_that_ends_early_names_what_is_open() {
    refuse(
        "{\n [1",
        "Unexpected character ('[' (code 91)): was expecting double-quote to start field name",
        "[",
        2,
        3,
    );
    refuse(
        "\n {\"a\": 1",
        "Unexpected end-of-input: expected close marker for Object (start marker at [Source: \
         (String)\"\n {\"a\": 1\"; line: 2, column: 2])",
        "",
        2,
        9,
    );
    refuse(
        "[",
        "Unexpected end-of-input: expected close marker for Array (start marker at [Source: \
         (String)\"[\"; line: 1, column: 1])",
        "",
        1,
        2,
    );
    let message = "Unexpected end-of-input within/between Array entries";
    refuse("[1, ", message, "", 1, 5);
    let message = "Unexpected end-of-input within/between Object entries";
    refuse("{\"a\"", message, "", 1, 5);
    refuse("{\"a\":", message, "", 1, 6);
    refuse("{\"a\":1,", message, "", 1, 8);
    refuse("{\"a", "Unexpected end-of-input in field name", "", 1, 4);
    let message = "Unexpected end-of-input: was expecting closing quote for a string value";
    refuse("\"a", message, "", 1, 3);
    let message = "Unexpected end-of-input in character escape sequence";
    refuse("\"\\", message, "", 1, 3);
    refuse("\"\\u12", message, "", 1, 6);
    assert_eq!(read("[").unwrap_err().kind, JsonErrorKind::EndOfInput);
}

#[test]
fn what_json_does_not_have_is_refused() {
    let expectation = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
    let unexpected = |described: &str, expectation: &str| {
        format!("Unexpected character ({described}): {expectation}")
    };
    refuse("[1,]", &unexpected("']' (code 93)", expectation), "]", 1, 5);
    refuse("'a'", &unexpected("''' (code 39)", expectation), "'", 1, 2);
    refuse(".5", &unexpected("'.' (code 46)", expectation), ".", 1, 2);
    refuse(
        "😀",
        &unexpected("'?' (code 55357 / 0xd83d)", expectation),
        "😀",
        1,
        3,
    );
    refuse(
        "\u{feff}1",
        &unexpected("'\u{feff}' (code 65279 / 0xfeff)", expectation),
        "\u{feff}",
        1,
        2,
    );
    refuse(
        "{\"a\":}",
        &unexpected("'}' (code 125)", "expected a value"),
        "}",
        1,
        7,
    );
    let quote = "was expecting double-quote to start field name";
    refuse(
        "{\"a\":1,}",
        &unexpected("'}' (code 125)", quote),
        "}",
        1,
        9,
    );
    refuse("{a: 1}", &unexpected("'a' (code 97)", quote), "a", 1, 3);
    let colon = "was expecting a colon to separate field name and value";
    refuse("{\"a\" 1}", &unexpected("'1' (code 49)", colon), "1", 1, 7);
    let comma = "was expecting comma to separate Object entries";
    refuse(
        "{\"a\": 1 \"b\": 2}",
        &unexpected("'\"' (code 34)", comma),
        "\"",
        1,
        10,
    );
    let comma = "was expecting comma to separate Array entries";
    refuse("[1x]", &unexpected("'x' (code 120)", comma), "x", 1, 4);
    let comment = "maybe a (non-standard) comment? (not recognized as one since Feature \
        'ALLOW_COMMENTS' not enabled for parser)";
    refuse("// a\n1", &unexpected("'/' (code 47)", comment), "/", 1, 2);
    refuse(
        "[1 /* a */]",
        &unexpected("'/' (code 47)", comment),
        "/",
        1,
        5,
    );
    refuse(
        "[\u{b}1]",
        "Illegal character ((CTRL-CHAR, code 11)): only regular white space (\\r, \\n, \\t) is \
         allowed between tokens",
        "\u{b}",
        1,
        3,
    );
}

#[test]
fn strings_hold_no_raw_control_characters_and_no_unknown_escapes() {
    let control = |code: u8, place: &str| {
        format!(
            "Illegal unquoted character ((CTRL-CHAR, code {code})): has to be escaped using \
             backslash to be included in {place}"
        )
    };
    refuse("\"a\tb\"", &control(9, "string value"), "\t", 1, 4);
    refuse("{\"a\nb\": 1}", &control(10, "name"), "\n", 2, 1);
    refuse(
        "\"long enough\0\"",
        &control(0, "string value"),
        "\0",
        1,
        14,
    );
    check("\"\u{7f}\"", &json!("\u{7f}"));
    refuse(
        r#""\x41""#,
        "Unrecognized character escape 'x' (code 120)",
        "x",
        1,
        4,
    );
    refuse(
        r#""\u/001""#,
        "Unexpected character ('/' (code 47)): expected a hex-digit for character escape sequence",
        "/",
        1,
        5,
    );
}

#[test]
fn closing_brackets_must_match() {
    let source = |text: &str, column: usize| {
        format!("[Source: (String)\"{text}\"; line: 1, column: {column}]")
    };
    refuse(
        " {\"a\": 1]",
        &format!(
            "Unexpected close marker ']': expected '}}' (for Object starting at {})",
            source(" {\"a\": 1]", 2)
        ),
        "]",
        1,
        10,
    );
    let message = |text: &str| {
        format!(
            "Unexpected close marker '}}': expected ']' (for root starting at {})",
            source(text, 0)
        )
    };
    refuse("}", &message("}"), "}", 1, 2);
    refuse("{}}", &message("{}}"), "}", 1, 4);
}

#[test]
fn numbers_of_other_notations_are_refused() {
    refuse(
        "01",
        "Invalid numeric value: Leading zeroes not allowed",
        "01",
        1,
        2,
    );
    refuse(
        "-012",
        "Invalid numeric value: Leading zeroes not allowed",
        "01",
        1,
        3,
    );
    let in_number = |described: &str, expectation: &str| {
        format!("Unexpected character ({described}) in numeric value: {expectation}")
    };
    let digit = "expected digit (0-9) to follow minus sign, for valid numeric value";
    refuse("-a", &in_number("'a' (code 97)", digit), "a", 1, 3);
    let point = "Decimal point not followed by a digit";
    refuse("1.e", &in_number("'e' (code 101)", point), "e", 1, 4);
    refuse("1.", &in_number("'.' (code 46)", point), ".", 1, 3);
    let exponent = "Exponent indicator not followed by a digit";
    refuse("1e+x", &in_number("'x' (code 120)", exponent), "x", 1, 5);
    refuse(
        "1e",
        "Unexpected end-of-inputexpected a digit for number exponent",
        "",
        1,
        3,
    );
    refuse(
        "-",
        "Unexpected end-of-inputNo digit following minus sign",
        "",
        1,
        2,
    );
    let plus = "JSON spec does not allow numbers to have plus signs: enable \
        `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow";
    refuse("+1", &in_number("'+' (code 43)", plus), "+", 1, 2);
    let token = |token: &str| {
        format!(
            "Non-standard token '{token}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to \
             allow"
        )
    };
    refuse("NaN", &token("NaN"), "NaN", 1, 4);
    refuse("[-Infinity]", &token("-Infinity"), "-Infinity", 1, 11);
    let message = "Numeric value (-1e309) out of range of `double` (-1.7976931348623157E308 - \
        1.7976931348623157E308)";
    refuse("-1e309", message, "-1e309", 1, 7);
    assert_eq!(
        read(&"9".repeat(2000)).unwrap_err().kind,
        JsonErrorKind::NumberOutOfRange
    );
}

#[test]
fn unknown_words_are_named() {
    let message = |token: &str| {
        format!(
            "Unrecognized token '{token}': was expecting (JSON String, Number, Array, Object or \
             token 'null', 'true' or 'false')"
        )
    };
    refuse("tru", &message("tru"), "tru", 1, 4);
    refuse("[nul]", &message("nul"), "nul", 1, 5);
    refuse("falsey", &message("falsey"), "falsey", 1, 7);
    refuse("undefined", &message("undefined"), "undefined", 1, 10);
    refuse("\r\n$.a", &message("$"), "$", 2, 2);
    let long = "x".repeat(300);
    refuse(
        &long,
        &message(&format!("{}...", &long[..256])),
        &long[..256],
        1,
        257,
    );
}

#[test]
fn nothing_may_follow_the_value() {
    let trailing = |token: &str| {
        format!(
            "Trailing token (of type {token}) found after value (bound as \
             `com.fasterxml.jackson.databind.JsonNode`): not allowed as per \
             `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`"
        )
    };
    refuse("{} {}", &trailing("START_OBJECT"), "{}", 1, 4);
    refuse("1 2.0", &trailing("VALUE_NUMBER_FLOAT"), "2.0", 1, 3);
    refuse("true \"a", &trailing("VALUE_STRING"), "\"a", 1, 6);
    refuse(
        "1x",
        "Unexpected character ('x' (code 120)): Expected space separating root-level values",
        "x",
        1,
        3,
    );
    refuse(
        "{} x",
        "Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token \
         'null', 'true' or 'false')",
        "x",
        1,
        5,
    );
}

#[test]
fn nesting_stops_at_its_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(DEPTH_MAX)).is_ok());
    assert!(read_value(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(
        read(&nested(DEPTH_MAX)).unwrap().to_value(),
        read_value(&nested(DEPTH_MAX)).unwrap()
    );
    for text in [
        nested(DEPTH_MAX + 1),
        nested(10_000),
        "[".repeat(2 << 20),
        "{\"a\":".repeat(10_000),
    ] {
        let error = read(&text).unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::TooDeep);
        assert_eq!(
            error.to_string(),
            "Depth (1001) exceeds the maximum allowed nesting depth (1000)"
        );
        assert_eq!(read_value(&text), Err(error));
    }
}

#[test]
fn a_location_quotes_500_characters_and_escapes_control_characters() {
    let text = format!("x\t\n{}", "ä".repeat(600));
    let location = read(&text).unwrap_err().location(&text);
    let quoted = format!("x\\u0009\n{}", "ä".repeat(497));
    assert_eq!(
        location,
        format!("[Source: (String)\"{quoted}\"[truncated 103 chars]; line: 1, column: 2]")
    );
}

/// Whether a number in `text` is written `-0`, which we read as 0 and `serde_json` as -0.0.
fn has_negative_zero(text: &str) -> bool {
    text.match_indices("-0")
        .any(|(at, _)| !text[at + 2..].starts_with(['.', 'e', 'E']))
}

/// Texts close enough to JSON to get past the first character.
fn nearly_json() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(":"),
        Just(","),
        Just("\"a\""),
        Just("\"b\":"),
        Just("\"\\u00e4\""),
        Just("\"\\n\\ud83d\\ude00\""),
        Just("\""),
        Just("\\"),
        Just("null"),
        Just("true"),
        Just("false"),
        Just("0"),
        Just("-"),
        Just("12"),
        Just("."),
        Just("e"),
        Just("1.5"),
        Just("2e-3"),
        Just("1e999"),
        Just(" "),
        Just("\n"),
        Just("\t"),
        Just("\u{1}"),
        Just("ä"),
        Just("😀"),
        Just("/"),
    ];
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        agree(&text)?;
    }

    #[test]
    fn texts_like_json_are_accepted_exactly_when_serde_json_accepts_them(text in nearly_json()) {
        agree(&text)?;
    }

    #[test]
    fn every_value_comes_back(value in any_json(), pretty in any::<bool>()) {
        let text =
            if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        prop_assert_eq!(read_value(&text.unwrap()).unwrap(), value);
    }

    #[test]
    fn every_prefix_of_json_is_read_without_panic(value in any_json(), cut in any::<prop::sample::Index>()) {
        let text = value.to_string();
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        agree(&text[..ends[cut.index(ends.len())]])?;
    }
}

/// Checks both ways of reading against each other and against `serde_json`.
fn agree(text: &str) -> Result<(), TestCaseError> {
    let plain = read_value(text);
    let node = read(text);
    prop_assert_eq!(
        node.as_ref().map(Node::to_value).map_err(Clone::clone),
        plain.clone()
    );
    if let Err(error) = &plain {
        prop_assert!(text.get(error.span.range()).is_some());
        prop_assert!(!error.message_with_location(text).is_empty());
    }
    let other = serde_json::from_str::<Value>(text);
    if !has_negative_zero(text) {
        prop_assert_eq!(plain.ok(), other.ok().map(Into::into));
    }
    Ok(())
}

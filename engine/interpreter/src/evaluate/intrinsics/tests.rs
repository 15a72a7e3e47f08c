//! The functions, called with literals and with paths.

use proptest::prelude::*;

use super::*;

struct Data {
    input: Value,
    context: Value,
}

impl Bindings for Data {
    fn input(&self) -> &Value {
        &self.input
    }

    fn context(&self) -> &Value {
        &self.context
    }

    fn variable(&self, name: &str) -> Option<&Value> {
        (name == "input").then_some(&self.input)
    }
}

fn run(call: &str, input: Value) -> Result<Value, IntrinsicError> {
    let call = IntrinsicCall::parse(call).unwrap();
    let data = Data {
        input,
        context: tree!({"StateMachine": {"Name": "a-b-c"}}),
    };
    evaluate(&call, &data, &mut Chance::from_number(1))
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without `&`"
)]
fn check(call: &str, expected: Value) {
    assert_eq!(
        run(&format!("States.{call}"), tree!({})).unwrap(),
        expected,
        "{call}"
    );
}

/// Calls `function` with the elements of `arguments`, as paths.
#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without `&`"
)]
fn apply(function: &str, arguments: Value, expected: Value) {
    let count = arguments.as_array().unwrap().len();
    let paths: Vec<String> = (0..count)
        .map(|position| format!("$[{position}]"))
        .collect();
    let call = format!("States.{function}({})", paths.join(", "));
    assert_eq!(run(&call, arguments).unwrap(), expected, "{call}");
}

#[track_caller]
fn fail(call: &str, message: &str) {
    let call = format!("States.{call}");
    let error = run(&call, tree!({"list": [1], "big": 1e300})).unwrap_err();
    let expected = format!("The function '{call}' had the following error: {message}");
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.cause("{}"), expected);
    assert_eq!(error.error_name(), "States.IntrinsicFailure");
}

/// [R], as all tests of recorded results here.
#[test]
fn recorded_sums() {
    check("MathAdd(-9, 3)", tree!(-6));
    check("MathAdd(1.49, 1.5)", tree!(3));
    check("MathAdd(1.5, 1.51)", tree!(4));
    check("MathAdd(-1.49, -1.5)", tree!(-2));
    check("MathAdd(-1.5, -1.51)", tree!(-3));
    check("MathAdd(1.49, 0)", tree!(1));
    check("MathAdd(1.5, 0)", tree!(2));
    check("MathAdd(1.51, 0)", tree!(2));
    check("MathAdd(1.49, -1.49)", tree!(0));
}

#[test]
fn sums_keep_to_32_bits() {
    check("MathAdd(2147483646, 1)", tree!(2_147_483_647));
    check("MathAdd(0.49999999999999994, 0)", tree!(0));
    fail("MathAdd(2147483647, 1)", "The sum is out of range");
    fail(
        "MathAdd(4294967296, 1)",
        "Argument 1 must be an integer of 32 bits, but is 4294967296",
    );
    fail(
        "MathAdd(1, 18446744073709551615)",
        "Argument 2 must be an integer of 64 bits, but is larger",
    );
    fail(
        "MathAdd($.big, 1)",
        "Argument 1 must be an integer of 64 bits, but is larger",
    );
    fail(
        "MathAdd('1', 1)",
        "Argument 1 must be a number, but is a string",
    );
}

#[test]
fn random_numbers_stay_in_range_and_repeat_with_a_seed() {
    let seeded = run("States.MathRandom(0, 999, 3)", tree!({})).unwrap();
    assert_eq!(
        run("States.MathRandom(0, 999, 3)", tree!({})).unwrap(),
        seeded
    );
    assert!((0..999).contains(&seeded.as_i64().unwrap()));
    assert_ne!(
        run("States.MathRandom(0, 999, 4)", tree!({})).unwrap(),
        seeded
    );
    let drawn = run("States.MathRandom(12.5, 44.51)", tree!({})).unwrap();
    assert!((13..45).contains(&drawn.as_i64().unwrap()));
    check("MathRandom(7, 8)", tree!(7));
    fail(
        "MathRandom(8, 8)",
        "The start 8 must be less than the end 8",
    );
    check(
        "MathRandom(9223372036854775806, 9223372036854775807)",
        tree!(i64::MAX - 1),
    );
    fail(
        "MathRandom(-9223372036854775808, 9223372036854775807)",
        "The range is wider than 64 bits",
    );
}

#[test]
fn recorded_splits() {
    apply("StringSplit", tree!([" ", ","]), tree!([" "]));
    apply("StringSplit", tree!([" , ", ","]), tree!([" ", " "]));
    apply("StringSplit", tree!([", , ,", ","]), tree!([" ", " "]));
    apply("StringSplit", tree!([",,,,", ","]), tree!([]));
    apply(
        "StringSplit",
        tree!(["1,2,3,4,5", ","]),
        tree!(["1", "2", "3", "4", "5"]),
    );
    let words = tree!(["This", "is", "a", "test", "string"]);
    apply(
        "StringSplit",
        tree!(["This.is+a,test=string", ".+,="]),
        words,
    );
    let pieces = tree!(["split on ", " and ", "new line"]);
    apply(
        "StringSplit",
        tree!(["split on T and \nnew line", "T\n"]),
        pieces,
    );
    check(
        "StringSplit('Hello\nWorld', '\n')",
        tree!(["Hello", "World"]),
    );
}

#[test]
fn recorded_nested_calls() {
    check(
        "ArrayGetItem(States.StringSplit($$.StateMachine.Name, '-'), 0)",
        tree!("a"),
    );
    check(
        "ArrayGetItem(States.StringSplit($$.StateMachine.Name, '-'), States.MathAdd(\
         States.ArrayLength(States.StringSplit($$.StateMachine.Name, '-')), -1))",
        tree!("c"),
    );
    let merged = run(
        r#"States.JsonMerge(States.StringToJson('{"a": "false"}'), $input.b, false)"#,
        tree!({"b": {"c": 1}}),
    );
    assert_eq!(merged.unwrap(), tree!({"a": "false", "c": 1}));
}

#[test]
fn recorded_arrays() {
    check("Array()", tree!([]));
    check("ArrayRange(0,9,3)", tree!([0, 3, 6, 9]));
    check("ArrayRange(0,10,3)", tree!([0, 3, 6, 9]));
    check("ArrayRange(1,9,9)", tree!([1]));
    check("ArrayRange(1,9,2)", tree!([1, 3, 5, 7, 9]));
    apply("ArrayPartition", tree!([[], 1]), tree!([]));
    apply("ArrayPartition", tree!([[0], 5]), tree!([[0]]));
    apply("ArrayPartition", tree!([[0, 1], 1]), tree!([[0], [1]]));
    apply(
        "ArrayPartition",
        tree!([[0, 1, 2, 3], 3]),
        tree!([[0, 1, 2], [3]]),
    );
    apply(
        "ArrayContains",
        tree!([[[1, 2, 3], 2], [1, 2, 3]]),
        tree!(true),
    );
    apply(
        "ArrayContains",
        tree!([[{"1": 2, "2": []}], {"1": 2, "2": []}]),
        tree!(true),
    );
    apply(
        "ArrayContains",
        tree!([[{"1": 2, "2": []}], []]),
        tree!(false),
    );
    apply("ArrayContains", tree!([[], null]), tree!(false));
    apply(
        "ArrayGetItem",
        tree!([[1, 2, 3, 4, 5, 6, 7, 8, 9], 5]),
        tree!(6),
    );
}

#[test]
fn arrays() {
    check(
        "Array(1, 'a', null, true, -2.5)",
        tree!([1, "a", null, true, -2.5]),
    );
    check("ArrayRange(3, 0, -1)", tree!([3, 2, 1, 0]));
    check("ArrayRange(3, 0, 1)", tree!([]));
    check(
        "ArrayRange(9223372036854775806, 9223372036854775807, 1)",
        tree!([i64::MAX - 1, i64::MAX]),
    );
    check("ArrayLength(States.ArrayRange(1, 1000, 1))", tree!(1000));
    apply(
        "ArrayPartition",
        tree!([[1, 2, 3], 2.9]),
        tree!([[1, 2], [3]]),
    );
    apply(
        "ArrayUnique",
        tree!([[3, 1, 3.0, "1", 1, {"a": 1, "b": 2}, {"b": 2, "a": 1}, [], []]]),
        tree!([3, 1, "1", {"a": 1, "b": 2}, []]),
    );
    fail("ArrayRange(0, 9, 0)", "The step of a range must not be 0");
    fail(
        "ArrayRange(1, 1001, 1)",
        "The range has more than 1000 elements",
    );
    fail(
        "ArrayRange(-9223372036854775808, 9223372036854775807, 1)",
        "The range has more than 1000 elements",
    );
    fail(
        "ArrayPartition($.list, 0)",
        "The size of the pieces must be greater than 0",
    );
    fail(
        "ArrayGetItem($.list, 1)",
        "Index 1 is out of range for an array of length 1",
    );
    fail(
        "ArrayGetItem($.list, -1)",
        "Index -1 is out of range for an array of length 1",
    );
    fail(
        "ArrayLength('a')",
        "Argument 1 must be an array, but is a string",
    );
    fail(
        "ArrayContains(null, 1)",
        "Argument 1 must be an array, but is null",
    );
}

#[test]
fn recorded_formats() {
    #[track_caller]
    fn check(value: Value, shown: &str) {
        let formatted = run("States.Format('Formatting argument {}.', $)", value).unwrap();
        assert_eq!(formatted, tree!(format!("Formatting argument {shown}.")));
    }
    check(tree!(""), "");
    check(tree!(" "), " ");
    check(tree!(null), "null");
    check(tree!(1), "1");
    check(tree!(1.1), "1.1");
    check(
        tree!("{\"Arg1\": 1, \"Arg2\": []}"),
        "{\"Arg1\": 1, \"Arg2\": []}",
    );
    check(tree!({"Arg1": 1, "Arg2": []}), "{Arg1=1, Arg2=[]}");
    // Not recorded: Java's rules, continued.
    check(tree!([1, "a", null, {"b": true}]), "[1, a, null, {b=true}]");
    check(tree!(1e10), "1.0E10");
    check(tree!(1.5e-7), "1.5E-7");
    check(tree!(100.0), "100.0");
    check(tree!(u64::MAX), "18446744073709551615");
}

#[test]
fn templates() {
    check("Format('none')", tree!("none"));
    check("Format('{}{}', 1, 'x')", tree!("1x"));
    check(r"Format('\{\}{}\\ it\'s', 1)", tree!(r"{}1\ it's"));
    check(r"Format('\{{}\}', 1)", tree!("{1}"));
    check(r#"Format('{"a": "{}"}', 'x')"#, tree!(r#"{"a": "x"}"#));
    check("Format('{}', '{}')", tree!("{}"));
    let from_data = run(
        "States.Format($.template, 1)",
        tree!({"template": r"\{}{}\}{ C:\x"}),
    );
    assert_eq!(from_data.unwrap(), tree!(r"{}1}{ C:\x"));
    let message = "The number of {} in the template '{} {}' is not that of the 1 value";
    fail("Format('{} {}', 1)", message);
    fail(
        "Format('', 1)",
        "The number of {} in the template '' is not that of the 1 value",
    );
    fail("Format(1)", "Argument 1 must be a string, but is a number");
}

#[test]
fn recorded_conversions() {
    for (text, value) in [
        ("", tree!(null)),
        (" ", tree!(null)),
        ("null", tree!(null)),
        ("-0", tree!(0)),
        ("1", tree!(1)),
        ("1.1", tree!(1.1)),
        ("true", tree!(true)),
        ("\"HelloWorld\"", tree!("HelloWorld")),
        ("[1, 2, \"HelloWorld\"]", tree!([1, 2, "HelloWorld"])),
        (
            "{\"Arg1\": 1, \"Arg2\": []}",
            tree!({"Arg1": 1, "Arg2": []}),
        ),
    ] {
        apply("StringToJson", tree!([text]), value);
    }
    for (value, text) in [
        (tree!(null), "null"),
        (tree!(0), "0"),
        (tree!(1.1), "1.1"),
        (tree!(true), "true"),
        (tree!("HelloWorld"), "\"HelloWorld\""),
        (tree!([1, 2, "HelloWorld"]), "[1,2,\"HelloWorld\"]"),
        (tree!({"Arg1": 1, "Arg2": []}), "{\"Arg1\":1,\"Arg2\":[]}"),
    ] {
        apply("JsonToString", tree!([value]), tree!(text));
    }
}

#[test]
fn json_that_cannot_be_read_fails() {
    apply(
        "StringToJson",
        tree!(["[-0, -0.0, {\"a\": -0}]"]),
        tree!([0, 0, {"a": 0}]),
    );
    fail(
        "StringToJson('{')",
        "The text is not JSON: EOF while parsing an object at line 1 column 1",
    );
    fail(
        "StringToJson(1)",
        "Argument 1 must be a string, but is a number",
    );
    let nested = "[".repeat(100_000);
    assert!(run("States.StringToJson($)", tree!(nested)).is_err());
}

#[test]
fn recorded_merge() {
    let first = tree!({"a": {"a1": 1, "a2": 2}, "b": 2, "d": 3});
    let second = tree!({"a": {"a3": 1, "a4": 2}, "c": 3, "d": 4});
    let merged = tree!({"a": {"a3": 1, "a4": 2}, "b": 2, "c": 3, "d": 4});
    apply("JsonMerge", tree!([first, second, false]), merged);
    let message = "Deep merging is not supported: the last argument must be false";
    fail("JsonMerge($, $, true)", message);
    fail(
        "JsonMerge($, $.list, false)",
        "Argument 2 must be an object, but is an array",
    );
}

#[test]
fn recorded_hashes() {
    for (algorithm, digits) in [
        ("MD5", "812f45842bc6d66ee14572ce20db8e86"),
        ("SHA-1", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        (
            "SHA-256",
            "b4a697a057313163aee33cd8d40c66e9f0f177e00cac2de32475ffff6169c3e3",
        ),
    ] {
        apply("Hash", tree!(["input data", algorithm]), tree!(digits));
    }
    for (algorithm, length) in [("SHA-384", 96), ("SHA-512", 128)] {
        let digits = run("States.Hash('', $)", tree!(algorithm)).unwrap();
        assert_eq!(digits.as_str().unwrap().len(), length);
    }
    let of_text = run("States.Hash('[1,2]', 'MD5')", tree!({})).unwrap();
    apply("Hash", tree!([[1, 2], "MD5"]), of_text);
    let message = "The algorithm 'md5' is none of MD5, SHA-1, SHA-256, SHA-384, SHA-512";
    fail("Hash('a', 'md5')", message);
}

#[test]
fn recorded_base64() {
    check(
        "Base64Encode('Data to encode')",
        tree!("RGF0YSB0byBlbmNvZGU="),
    );
    check(
        "Base64Decode('RGF0YSB0byBlbmNvZGU=')",
        tree!("Data to encode"),
    );
    check("Base64Encode('')", tree!(""));
    check("Base64Decode('')", tree!(""));
    check(
        "Base64Decode('RGF0YSB0byBlbmNvZGU')",
        tree!("Data to encode"),
    );
    check("Base64Decode('/w==')", tree!("\u{fffd}"));
    assert!(run("States.Base64Decode('%')", tree!({})).is_err());
}

#[test]
fn texts_have_10_000_characters_at_most() {
    let limit = "ä".repeat(10_000);
    let over = format!("{limit}a");
    for call in ["States.Base64Encode($)", "States.Hash($, 'MD5')"] {
        assert!(run(call, tree!(limit)).is_ok());
        assert!(run(call, tree!(over)).is_err());
    }
}

#[test]
fn a_uuid_is_drawn() {
    let uuid = run("States.UUID()", tree!({})).unwrap();
    assert_eq!(uuid.as_str().unwrap().len(), 36);
}

#[test]
fn a_path_that_leads_nowhere_is_an_error_of_its_own() {
    let call = "States.Array(1, States.MathAdd($.a.x, 1))";
    let error = run(call, tree!({"a": {}})).unwrap_err();
    assert_eq!(error.error_name(), "States.Runtime");
    assert_eq!(
        error.cause("{\"a\":{}}"),
        "The function 'States.MathAdd($.a.x, 1)' had the following error: The JsonPath argument \
         for the field '$.a.x' could not be found in the input '{\"a\":{}}'"
    );
    let IntrinsicError::PathNotFound { error, .. } = error else {
        panic!("{error} is no path")
    };
    assert_eq!(error.to_string(), "No results for path: $['a']['x']");
}

#[test]
fn results_stay_small() {
    let input = tree!("x".repeat(200_000));
    let call = |function: &str, template: &str, count: usize| {
        format!(
            "States.{function}({template}{})",
            vec!["$"; count].join(", ")
        )
    };
    let template = format!("'{}', ", "{}".repeat(1000));
    for call in [call("Format", &template, 1000), call("Array", "", 1000)] {
        let error = run(&call, input.clone()).unwrap_err();
        assert!(
            error.to_string().ends_with("The result is too large"),
            "{error}"
        );
    }
    let quotes = tree!("\"".repeat(100_000));
    let nested = format!("{}$[0]{}", "States.JsonToString(".repeat(9), ")".repeat(9));
    assert!(run(&nested, tree!([quotes])).is_err());
}

proptest! {
    #[test]
    fn any_call_is_evaluated_without_panic(
        function in prop::sample::select(IntrinsicFunction::ALL.to_vec()),
        arguments in prop::collection::vec(prop_oneof![
            (-9.0..9.0_f64).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "[{}\\\\a, 0-9\\[\\]\"=]{0,9}".prop_map(Value::from),
            prop::sample::select(vec![
                tree!(null), tree!(true), tree!(false), tree!([]), tree!([1, [2], "a"]), tree!({}),
                tree!({"a": {"b": -0.0}}), tree!("MD5"), tree!(""),
            ]),
        ], 3),
    ) {
        let paths: Vec<String> = (0..3).map(|position| format!("$[{position}]")).collect();
        let (least, most) = function.arity();
        for count in least..=most.unwrap_or(3).min(3) {
            let call = format!("{}({})", function.name(), paths[..count].join(","));
            let _ = run(&call, arguments.clone().into());
        }
    }
}

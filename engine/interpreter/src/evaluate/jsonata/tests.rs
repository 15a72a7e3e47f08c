use std::collections::BTreeMap;

use proptest::prelude::*;
use stepwell_language::expression::JsonataExpression;
use stepwell_language::json::{Members, Value};

use super::library::JsonataCore;
use super::{Answer, Evaluator, JsonataError, Library, States};
use crate::evaluate::Bindings;
use crate::{Chance, Timestamp};

/// 2024-03-04T05:06:07.089Z.
const NOW: i64 = 1_709_528_767_089;

struct Data {
    input: Value,
    context: Value,
    variables: BTreeMap<&'static str, Value>,
}

impl Data {
    fn new(input: Value) -> Self {
        Self {
            input,
            context: tree!({"Execution": {"Name": "run"}, "State": {"Name": "S"}}),
            variables: BTreeMap::from([
                ("list", tree!([3, 1, 2])),
                ("range", tree!("a variable")),
                ("one", tree!([7])),
            ]),
        }
    }

    fn states(&self) -> States<'_> {
        States {
            bindings: self,
            result: None,
            error_output: None,
            now: Timestamp::from_milliseconds(NOW),
        }
    }
}

impl Bindings for Data {
    fn input(&self) -> &Value {
        &self.input
    }

    fn context(&self) -> &Value {
        &self.context
    }

    fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)
    }
}

/// The answer over an input, owned.
fn answer(source: &str, input: Value) -> Result<Answer<'static>, JsonataError> {
    let data = Data::new(input);
    let expression = JsonataExpression::parse(source).unwrap();
    let mut chance = Chance::from_number(1);
    let answer = Evaluator::new(data.states()).evaluate(&expression, &mut chance)?;
    Ok(match answer {
        Answer::Value(value) => Answer::Value(std::borrow::Cow::Owned(value.into_owned())),
        Answer::Undefined => Answer::Undefined,
        Answer::Unsupported => Answer::Unsupported,
    })
}

#[track_caller]
fn check(source: &str, expected: Value) {
    let input = tree!({"a": [{"b": 1}, {"b": 2}], "n": 9_007_199_254_740_993_u64, "t": "x"});
    assert_eq!(
        answer(source, input),
        Ok(Answer::Value(std::borrow::Cow::Owned(expected))),
        "{source}"
    );
}

#[track_caller]
fn check_fails(source: &str, message: &str) {
    let error = answer(source, Value::Null).unwrap_err();
    assert_eq!(error.to_string(), message, "{source}");
}

#[test]
fn data_comes_from_states_and_variables() {
    check("$states.input.a.b", tree!([1, 2]));
    check("$states.input.a[b = 2].b", tree!(2));
    check(
        "$states.context.Execution.Name & '-' & $states.context.State.Name",
        tree!("run-S"),
    );
    check("$sum($list) + $states.input.a[0].b", tree!(7));
    check("$keys($states)", tree!(["input", "context"]));
    check("$one", tree!([7]));
    check("$one[0]", tree!(7));
    check("$map($list, function($v) { $v * 2 })", tree!([6, 2, 4]));
    check("$range & ''", tree!("a variable"));
}

#[test]
fn integers_keep_their_digits_on_the_way_through() {
    check("$states.input.n", tree!(9_007_199_254_740_993_u64));
    check(
        "{'id': $states.input.n}",
        tree!({"id": 9_007_199_254_740_993_u64}),
    );
    check("6 / 2", tree!(3));
    check("1 / 8", tree!(0.125));
    check("-0", tree!(0));
    check("1 / 0", tree!("Infinity"));
}

#[test]
fn nothing_and_functions_are_no_values() {
    for nothing in ["$nothing", "$states.input.x", "$states.result", "$"] {
        assert_eq!(
            answer(nothing, tree!({})),
            Ok(Answer::Undefined),
            "{nothing}"
        );
    }
    for function in [
        "function($x) { $x }",
        "/a/",
        "[$sum]",
        "{'f': $uppercase}",
        "$f := function($x){$x}",
    ] {
        assert_eq!(
            answer(function, tree!({})),
            Ok(Answer::Unsupported),
            "{function}"
        );
    }
}

#[test]
fn recorded_functions() {
    check("$partition([0], 5)", tree!([[0]]));
    check("$partition([0, 1], 1)", tree!([[0], [1]]));
    check("$partition([0, 1, 2], 2.9)", tree!([[0, 1], [2]]));
    check("$range(0, 9, 3)", tree!([0, 3, 6, 9]));
    check("$range(1, 9, 9)", tree!(1));
    check("[$range(1, 9, 9)]", tree!([1]));
    check("$range(3.9, 1, -1.5)", tree!([3, 1]));
    check("$parse('-0')", tree!(0));
    check(
        r#"$parse('{"Arg1": 1, "Arg2": []}')"#,
        tree!({"Arg1": 1, "Arg2": []}),
    );
    check(
        "$hash('input data', 'MD5')",
        tree!("812f45842bc6d66ee14572ce20db8e86"),
    );
    check("$length($uuid())", tree!(36));
    check("$random() < 1 and $random(7) = $random(7)", tree!(true));
    check("$random() = $random()", tree!(false));
    check_fails(
        "$randomSeeded(1)",
        "threw an error during evaluation. T1006: Attempted to invoke a non-function",
    );
}

#[test]
fn functions_may_be_passed_on() {
    check(
        "$map([[1, 2]], function($a) { $partition($a, 1) })",
        tree!([[1], [2]]),
    );
    check("'[1]' ~> $parse", tree!([1]));
    check("$map(['1', '2'], $parse)", tree!([1, 2]));
    check("($f := $millis; $f())", tree!(NOW));
    check("$count($map([1, 2], $uuid))", tree!(2));
}

#[test]
fn time_is_an_argument() {
    check("$millis()", tree!(NOW));
    check("$now()", tree!("2024-03-04T05:06:07.089Z"));
    check("$now('[Y0001]', '+0000')", tree!("2024"));
    check("$toMillis('2024-03-04T05:06:07.089Z')", tree!(NOW));
    check(
        "$fromMillis($toMillis('12:30', '[H01]:[m01]'))",
        tree!("2024-03-04T12:30:00.000Z"),
    );
    check(
        "$fromMillis($toMillis('02-03', '[M01]-[D01]'))",
        tree!("2024-02-03T00:00:00.000Z"),
    );
    check(
        "$fromMillis($toMillis('1999', '[Y0001]'))",
        tree!("1999-01-01T00:00:00.000Z"),
    );
}

#[test]
fn shuffling_keeps_the_elements() {
    check("$sort($shuffle($list))", tree!([1, 2, 3]));
    check("$shuffle(4)", tree!([4]));
}

#[test]
fn errors_are_worded_as_the_language_does() {
    let said = |message: &str| format!("threw an error during evaluation. {message}");
    check_fails(
        "1 + 'a'",
        &said("T2002: The right side of the \"+\" operator must evaluate to a number"),
    );
    check_fails(
        "$abs('x')",
        &said("T0410: Argument 1 of function \"abs\" does not match function signature"),
    );
    check_fails(
        "$sum(['x'])",
        &said("T0412: Argument 1 of function \"sum\" must be an array of \"numbers\""),
    );
    check_fails(
        "$number('a')",
        &said("D3030: Unable to cast value to a number: \"a\""),
    );
    check_fails("$error('boo')", &said("D3137: boo"));
    check_fails(
        "$eval('1')",
        &said("T1006: Attempted to invoke a non-function"),
    );
    check_fails(
        "$partition([1])",
        &said("T0410: Argument 2 of function \"partition\" does not match function signature"),
    );
}

#[test]
fn evaluation_has_limits() {
    let deep = "threw an error during evaluation: Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive.";
    let large = "threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage";
    let recursion = |depth: u32| {
        format!("($f := function($n) {{ $n <= 0 ? 0 : 1 + $f($n - 1) }}; $f({depth}))")
    };
    check(&recursion(98), tree!(98));
    check_fails(&recursion(102), deep);
    check("[1..873782] ~> $count()", tree!(873_782));
    check_fails("[1..873783] ~> $count()", large);
    check_fails("$pad('x', 1e9)", large);
    check_fails("$pad('x', -1e300)", large);
    check("$length($pad('x', -5))", tree!(5));
    // Few values, referred to many times over.
    let doubled = "($d := function($v, $n) { $n = 0 ? $v : $d({'a': $v, 'b': $v}, $n - 1) }; $d('xxxxxxxxxxxxxxxx', 40))";
    check_fails(doubled, large);
    let nested = "$reduce([1..2000], function($inner, $_) { {'a': $inner} }, {})";
    check_fails(nested, large);
}

/// JSON without numbers that a double cannot hold.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3..4_i64).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..4)
                .prop_map(|entries| Members::from_iter(entries).into()),
        ]
    })
}

/// Expressions that are simple, or nearly so.
fn nearly_plain() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        "[a-c]".prop_map(|name| format!(".{name}")),
        (-2..3_i64).prop_map(|index| format!("[{index}]")),
    ];
    let path = (
        prop::sample::select(vec!["$states.input", "$list", "$one", "$states.context"]),
        prop::collection::vec(step, 0..4),
    )
        .prop_map(|(root, steps)| format!("{root}{}", steps.concat()));
    let leaf = prop_oneof![3 => path, 1 => (-9..9_i64).prop_map(|number| number.to_string()), 1 => Just("'t'".to_owned())];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|elements| format!("[{}]", elements.join(", "))),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{{'a': {a}, 'b': {b}}}")),
        ]
    })
}

proptest! {
    #[test]
    fn simple_expressions_mean_what_the_language_says(input in json_value(), source in nearly_plain()) {
        let data = Data::new(input);
        let expression = JsonataExpression::parse(&source).unwrap();
        let mut chance = Chance::from_number(1);
        let simply = Evaluator::new(data.states()).evaluate(&expression, &mut chance);
        let fully = JsonataCore::default().evaluate(&expression, &data.states(), &mut chance);
        prop_assert_eq!(simply, fully, "{}", source);
    }

    #[test]
    fn any_text_is_read_and_evaluated_or_refused(source in "[$a-c.()\\[\\]{}'\"0-9 +*&<>=?:;,|^%@#~/-]{0,24}") {
        if let Ok(expression) = JsonataExpression::parse(&source) {
            let data = Data::new(tree!({"a": [1, "b", {"c": null}]}));
            let mut chance = Chance::from_number(1);
            let _ = Evaluator::new(data.states()).evaluate(&expression, &mut chance);
        }
    }
}

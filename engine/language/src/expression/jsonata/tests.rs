use std::sync::Arc;

use serde_json::json;

use super::{JsonataExpression, Part, Plain, PlainRoot, Step};

fn read(text: &str) -> JsonataExpression {
    JsonataExpression::parse(text).unwrap()
}

#[track_caller]
fn check_refused(text: &str, message: &str) {
    let error = JsonataExpression::parse(text).unwrap_err();
    assert_eq!(error.to_string(), message, "{text}");
}

#[track_caller]
fn check_variables(text: &str, expected: &[&str]) {
    let expression = read(text);
    let variables = expression.reads().workflow_variables();
    let variables: Vec<&str> = variables.map(|name| &**name).collect();
    assert_eq!(variables, expected, "{text}");
}

#[test]
fn broken_expressions_are_explained_as_the_language_does() {
    check_refused("1 +", "Unexpected end of expression");
    check_refused("$x :=", "Unexpected end of expression");
    check_refused("", "Unexpected end of expression");
    check_refused("$x[1,2)", r#"Expected "]", got ",""#);
    check_refused("[1..3", r#"Expected "]" before end of expression"#);
    check_refused(
        "\"unterminated",
        "String literal must be terminated by a matching quote",
    );
    check_refused(
        r#"{"a":}"#,
        r#"The symbol "}" cannot be used as a unary operator"#,
    );
    check_refused("$a $b", r#"Syntax error: "b""#);
    check_refused("1e999", "Number out of range: 1e999");
}

#[test]
fn a_document_is_not_there() {
    let message = |name| format!("Reference to '{name}' at the top level is not supported.");
    check_refused("phone", &message("phone"));
    check_refused("phone.number & 'x'", &message("phone"));
    check_refused("$sum(prices)", &message("prices"));
    check_refused("{'a': $x.{ 'b': b }, 'c': c}", &message("c"));
    check_refused("$$.phone", &message("$$"));
    // A name inside a path, a predicate or a function is a field of the data at hand.
    for text in [
        "$states.input.phone",
        "$states.input.phones[type = 'home'].number",
        "$map($states.input.phones, function($phone) { number })",
        "$states.input.phones^(>number)",
        "$states.input{ type: number }",
        "$states.input ~> |phones|{'a': b}|",
    ] {
        read(text);
    }
}

#[test]
fn what_an_expression_reads_is_known() {
    check_variables("$a + $b.c[$d]", &["a", "b", "d"]);
    check_variables("($a := $b; $a)", &["b"]);
    check_variables("($a := $a; $a)", &["a"]);
    check_variables("(($a := 1; $a); $a)", &["a"]);
    check_variables(
        "$map($list, function($v, $i) { $v * $i + $bias })",
        &["bias", "list"],
    );
    check_variables("($f := function($n) { $f($n - 1) }; $f(3))", &[]);
    check_variables("$states.input.a@$x.b[$x.c = $y]", &["y"]);
    check_variables("$filter($list, $exists)", &["list"]);
    check_variables("$states.context.State.Name & $", &[]);

    let expression = read("$states.result & $states.context.Execution.Id & $now()");
    let reads = expression.reads();
    assert_eq!(reads.result, Part::Whole);
    assert!(reads.input.is_nothing() && reads.error_output.is_nothing() && !reads.states);
    let members = [Arc::from("Execution")].into();
    assert_eq!(reads.context, Part::Members(members));
    assert!(reads.functions.contains("now"));
    assert_eq!(read("$states.context").reads().context, Part::Whole);
    assert!(read("$keys($states)").reads().states);
}

#[test]
fn simple_expressions_are_recognised() {
    let name = |name: &str| Step::Name(name.into());
    let path = |root, steps| Some(Plain::Path(root, steps));
    let check = |text: &str, expected: Option<Plain>| {
        assert_eq!(read(text).plain(), expected.as_ref(), "{text}");
    };
    check(
        "$states.input.`a b`[-1].c",
        path(
            PlainRoot::Input,
            vec![name("a b"), Step::Index(-1), name("c")],
        ),
    );
    check("$states.result", path(PlainRoot::Result, Vec::new()));
    check(
        "$total",
        path(PlainRoot::Variable("total".into()), Vec::new()),
    );
    check("'text'", Some(Plain::Literal(json!("text").into())));
    check("-7", Some(Plain::Literal(json!(-7).into())));
    check(
        "{'a': $x, 'b': [1]}",
        Some(Plain::Object(vec![
            (
                "a".into(),
                Plain::Path(PlainRoot::Variable("x".into()), Vec::new()),
            ),
            (
                "b".into(),
                Plain::Array(vec![Plain::Literal(json!(1).into())]),
            ),
        ])),
    );
    for text in [
        "$sum",
        "$states",
        "$",
        "1.5",
        "$x[]",
        "$x[0][0]",
        "$x[a]",
        "$x.*",
        "$x & ''",
        "{'a': 1, 'a': 2}",
        "{$k: 1}",
        "$x@$y.a",
        "$states[0].input",
    ] {
        check(text, None);
    }
}

#[test]
fn eval_has_a_name_that_nobody_can_spell() {
    let expression = read("$eval('1') & $map(['1'], $eval)");
    assert!(!expression.reads().functions.contains("eval"));
    assert!(!format!("{:?}", expression.tree()).contains("\"eval\""));
}

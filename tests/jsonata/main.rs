//! JSONata as Stepwell evaluates it, beside the reference implementation.
//!
//! The reference is npm's `jsonata`, of the version that AWS documents. `tests/run` puts it into
//! `target/reference` where there is Node; without it the suite says loudly that it did not run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use stepwell::interpreter::evaluate::Bindings;
use stepwell::interpreter::evaluate::jsonata::{Answer, Evaluator, States};
use stepwell::interpreter::{Chance, Timestamp};
use stepwell::language::expression::JsonataExpression;
use stepwell::language::json::Value as Tree;

/// Where the two may differ, and why.
const DEVIATIONS: [(&str, &str); 1] = [(
    "$reduce([], function($a,$b){ $a + $b })",
    "the library makes null of nothing to reduce",
)];

/// What an expression may read: the data, and nothing else.
struct Data(Tree);

impl Bindings for Data {
    fn input(&self) -> &Tree {
        &self.0
    }

    fn context(&self) -> &Tree {
        &Tree::Null
    }

    fn variable(&self, _name: &str) -> Option<&Tree> {
        None
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("jsonata")
}

#[test]
fn expressions_mean_what_the_reference_says() {
    let expressions = std::fs::read_to_string(folder().join("expressions.txt")).unwrap();
    let Some(reference) = reference_answers(&expressions) else {
        println!("JSONATA'S REFERENCE DID NOT RUN: there is no Node, or no target/reference");
        return;
    };
    let data = std::fs::read_to_string(folder().join("data.json")).unwrap();
    let data = Data(serde_json::from_str(&data).unwrap());
    let mut different = Vec::new();
    let mut compared = 0;
    for (source, expected) in expressions.lines().zip(&reference) {
        let answer = our_answer(source, &data);
        let is_known = DEVIATIONS.iter().any(|(known, _)| *known == source);
        if is_same(&answer, expected) == is_known {
            different.push(format!(
                "{source}\n    reference {expected}\n    ours      {answer}"
            ));
        }
        compared += 1;
    }
    assert_eq!(
        compared,
        reference.len(),
        "the reference answers each expression"
    );
    assert!(compared >= 400, "only {compared} expressions");
    println!("{compared} expressions compared with the reference");
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different.join("\n")
    );
}

/// The answers of the reference; `None` where it is not installed.
fn reference_answers(expressions: &str) -> Option<Vec<Value>> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/reference");
    if !installed.join("node_modules/jsonata").is_dir() {
        return None;
    }
    let mut node = Command::new("node")
        .arg(folder().join("reference.mjs"))
        .arg(installed.canonicalize().unwrap())
        .arg(folder().join("data.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = node.stdin.take().unwrap();
    input.write_all(expressions.as_bytes()).unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the reference failed");
    let output = String::from_utf8(output.stdout).unwrap();
    let answers = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    Some(answers.collect())
}

/// Our answer in the form of the reference's.
fn our_answer(source: &str, data: &Data) -> Value {
    let expression = match JsonataExpression::parse(source) {
        Ok(expression) => expression,
        Err(error) => return json!({"error": error.to_string()}),
    };
    let states = States {
        bindings: data,
        result: None,
        error_output: None,
        now: Timestamp::EPOCH,
    };
    match Evaluator::new(states).evaluate(&expression, &mut Chance::from_number(1)) {
        Ok(Answer::Value(value)) => json!({"value": value}),
        Ok(Answer::Undefined) => json!({"undefined": true}),
        Ok(Answer::Unsupported) => json!({"unsupported": true}),
        Err(error) => json!({"error": error.to_string()}),
    }
}

/// Whether both are the same value, or both none. Numbers are doubles in the reference; an error
/// of evaluation has to have the same code.
fn is_same(ours: &Value, reference: &Value) -> bool {
    match (ours["error"].as_str(), reference["error"].as_str()) {
        (Some(ours), Some(code)) => !ours.contains("during evaluation") || ours.contains(code),
        (None, None) => as_doubles(ours) == as_doubles(reference),
        (_, _) => false,
    }
}

fn as_doubles(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(elements) => elements.iter().map(as_doubles).collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, entry)| (key.clone(), as_doubles(entry)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

//! Any text, any JSON, and sound definitions that were tampered with.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Sound definitions with one of everything.
const SEEDS: [&str; 4] = [
    include_str!("mutations/json_path.asl.json"),
    include_str!("mutations/jsonata.asl.json"),
    include_str!("mutations/distributed.asl.json"),
    include_str!("mutations/choices.asl.json"),
];

/// Parses, and holds the parser to what it promises.
fn check_promises(definition: &str) {
    for execution_type in [ExecutionType::Standard, ExecutionType::Express] {
        let parsed = parse(definition, execution_type);
        for finding in &parsed.diagnostics {
            assert!(finding.span.start <= finding.span.end);
            assert!(finding.span.end <= definition.len());
            assert!(!finding.message.is_empty());
        }
        if let Some(machine) = &parsed.machine {
            let graph = crate::graph::StateGraph::new(machine);
            assert!(!graph.mermaid().is_empty() && !graph.dot().is_empty());
        }
        match parsed.into_result() {
            Ok(machine) => check_resolved(&machine),
            Err(refused) => assert!(!refused.is_empty(), "{definition}"),
        }
    }
}

#[test]
fn the_seeds_are_sound() {
    for seed in SEEDS {
        check(seed, "");
        check_promises(seed);
    }
}

#[test]
fn every_node_can_be_taken_away_or_replaced() {
    let replacements = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(0.5),
        json!(1e300),
        json!(""),
        json!("X"),
        json!("$.x[*]"),
        json!("{% 1"),
        json!("\u{0}"),
        json!([]),
        json!([{}]),
        json!({}),
        json!({"": {"": null}}),
        json!([null, 1, "a"]),
    ];
    for seed in SEEDS {
        let value: Value = serde_json::from_str(seed).unwrap();
        for index in 0..count(&value) {
            let mut mutant = value.clone();
            take_away(&mut mutant, index);
            check_promises(&mutant.to_string());
            for replacement in &replacements {
                let mut mutant = value.clone();
                *nth(&mut mutant, &mut index.clone()).unwrap() = replacement.clone();
                check_promises(&mutant.to_string());
            }
        }
    }
}

/// The nodes of a value, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(elements) => elements.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The node with this number in document order.
fn nth<'v>(value: &'v mut Value, index: &mut usize) -> Option<&'v mut Value> {
    if *index == 0 {
        return Some(value);
    }
    *index -= 1;
    match value {
        Value::Array(elements) => elements.iter_mut().find_map(|inner| nth(inner, index)),
        Value::Object(entries) => entries.values_mut().find_map(|inner| nth(inner, index)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Takes the first child of a node away.
fn take_away(value: &mut Value, mut index: usize) {
    match nth(value, &mut index) {
        Some(Value::Array(elements)) if !elements.is_empty() => {
            elements.remove(0);
        }
        Some(Value::Object(entries)) => {
            let first = entries.keys().next().cloned();
            first.and_then(|key| entries.shift_remove(&key));
        }
        Some(other) => *other = Value::Null,
        None => {}
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        "[A-Z]?[a-z.$]{0,4}",
        proptest::sample::select(vec![
            "StartAt",
            "States",
            "Type",
            "Next",
            "End",
            "Choices",
            "Branches",
            "ItemProcessor",
            "ProcessorConfig",
            "Mode",
            "Catch",
            "Retry",
            "ErrorEquals",
            "Parameters",
            "And",
            "Not",
            "Variable",
            "IsNull",
            "Resource",
            "QueryLanguage",
            "A",
            "a.$",
            "Result",
        ])
        .prop_map(str::to_owned),
    ];
    let text = prop_oneof![
        any::<String>(),
        proptest::sample::select(vec![
            "A",
            "B",
            "Pass",
            "Task",
            "Choice",
            "Wait",
            "Map",
            "Parallel",
            "Succeed",
            "Fail",
            "$.a",
            "$",
            "JSONata",
            "{% 1 %}",
            "States.UUID()",
            "States.ALL",
            "DISTRIBUTED",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 80, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        check_promises(&text);
    }

    #[test]
    fn any_json_is_answered(value in any_value()) {
        check_promises(&value.to_string());
    }

    #[test]
    fn any_states_are_answered(states in proptest::collection::vec(any_value(), 1..5)) {
        let names = ["A", "B", "C", "D", "E"];
        let states: serde_json::Map<String, Value> =
            names.iter().map(|name| (*name).to_owned()).zip(states).collect();
        check_promises(&json!({"StartAt": "A", "States": states}).to_string());
    }

    #[test]
    fn a_sound_definition_may_be_tampered_with(
        seed in proptest::sample::select(SEEDS.to_vec()),
        changes in proptest::collection::vec((any::<usize>(), any_value()), 1..4),
    ) {
        let mut value: Value = serde_json::from_str(seed).unwrap();
        for (index, change) in changes {
            let index = index % count(&value);
            *nth(&mut value, &mut index.clone()).unwrap() = change;
        }
        check_promises(&value.to_string());
    }

    #[test]
    fn a_sound_definition_may_be_cut_anywhere(
        seed in proptest::sample::select(SEEDS.to_vec()),
        from in any::<usize>(),
        length in 0_usize..40,
        between in "[\"{}\\[\\],:a1]{0,3}",
    ) {
        let from = from % seed.len();
        let to = (from + length).min(seed.len());
        // The seeds are ASCII.
        check_promises(&format!("{}{between}{}", &seed[..from], &seed[to..]));
    }
}

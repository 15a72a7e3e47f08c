use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::{Members, Value};
use crate::json::tests::any_json;
use crate::json::{Excess, read_value};

fn object(count: usize) -> Members {
    (0..count)
        .map(|number| (format!("member {number}"), number))
        .collect()
}

/// A tree of so many arrays and objects around a number.
fn deep(levels: usize) -> Value {
    (0..levels).fold(Value::from(1), |value, level| {
        if level % 2 == 0 {
            Value::from(vec![value])
        } else {
            Members::from([("a", value)]).into()
        }
    })
}

#[test]
fn a_copy_shares_its_parts_and_a_change_copies_the_way_to_it() {
    let first = Value::from(json!({"a": {"b": 1}, "c": [1, 2]}));
    let mut second = first.clone();
    let (Value::Object(kept), Value::Object(changed)) = (&first, &mut second) else {
        panic!("both are objects");
    };
    assert!(Arc::ptr_eq(kept, changed));
    let Some(Value::Object(inner)) = Arc::make_mut(changed).get_mut("a") else {
        panic!("it has an object");
    };
    Arc::make_mut(inner).insert("b", 2);
    let (Some(Value::Array(before)), Some(Value::Array(after))) = (kept.get("c"), changed.get("c"))
    else {
        panic!("both have an array");
    };
    assert!(Arc::ptr_eq(before, after));
    assert_eq!(first, json!({"a": {"b": 1}, "c": [1, 2]}));
    assert_eq!(second, json!({"a": {"b": 2}, "c": [1, 2]}));
}

#[test]
fn a_value_takes_three_words() {
    assert_eq!(size_of::<Value>(), 3 * size_of::<usize>());
}

#[test]
fn a_repeated_name_keeps_its_place_and_takes_the_last_value() {
    for text in [r#"{"a":1,"b":2,"a":3}"#, r#"{"a":1,"a":2,"b":2,"a":3}"#] {
        let read = read_value(text).unwrap();
        assert_eq!(read.to_string(), r#"{"a":3,"b":2}"#);
        let trusted: Value = serde_json::from_str(text).unwrap();
        assert_eq!(trusted.to_string(), r#"{"a":3,"b":2}"#);
    }
    let mut many = object(100);
    assert_eq!(many.insert("member 7", "new"), Some(7.into()));
    assert_eq!(many.values().nth(7), Some(&"new".into()));
    assert_eq!(many.len(), 100);
}

#[test]
fn members_are_found_whether_few_or_many() {
    for count in [0, 1, 15, 16, 17, 18, 10_000] {
        let mut members = object(count);
        assert_eq!(members.len(), count);
        for number in 0..count {
            assert_eq!(
                members.get(&format!("member {number}")),
                Some(&number.into())
            );
        }
        assert_eq!(members.get("another"), None);
        let values: Vec<Value> = members.values().cloned().collect();
        assert_eq!(Value::from(values), (0..count).collect::<Value>());
        assert!(
            members
                .values()
                .rev()
                .eq((0..count).rev().map(Value::from).collect::<Vec<_>>().iter())
        );
        for value in members.values_mut() {
            *value = Value::Null;
        }
        assert!(members.values().all(Value::is_null));
        if count > 1 {
            assert_eq!(members.remove("member 0"), Some(Value::Null));
            assert_eq!(members.keys().next().map(|name| &**name), Some("member 1"));
        }
        assert_eq!(members.remove("another"), None);
    }
}

#[test]
fn objects_are_equal_whatever_their_order_and_their_history() {
    let forward = object(17);
    let mut backward: Members = forward
        .iter()
        .rev()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    assert_eq!(forward, backward);
    // It has an index still, and the other a list.
    backward.remove("member 16");
    assert_eq!(backward, object(16));
    assert_ne!(backward, object(15));
}

#[test]
fn deep_trees_need_little_stack() {
    let tree = deep(1_000);
    let copy = deep(1_000);
    assert_eq!(tree, copy);
    assert_eq!(tree, tree.clone());
    drop(copy);
    // Below a template, data may nest deeper before anybody counts.
    assert_eq!(deep(4_000), deep(4_000));
    let text = tree.to_string();
    let mut reader = serde_json::Deserializer::from_str(&text);
    reader.disable_recursion_limit();
    let read: Value = serde::Deserialize::deserialize(&mut reader).unwrap();
    assert_eq!(tree, read);
}

#[test]
fn every_character_is_written_as_serde_json_writes_it() {
    let text: String = (0..0x3000).filter_map(char::from_u32).collect();
    assert_eq!(
        Value::from(&*text).to_string(),
        serde_json::Value::from(&*text).to_string()
    );
}

#[test]
fn what_exceeds_a_limit_is_not_written() {
    let mut vast = Value::from("0123456789");
    for _ in 0..60 {
        vast = Value::from(vec![vast.clone(), vast]);
    }
    assert_eq!(vast.to_text(262_144, 1_000), Err(Excess::Size));
    let value = Value::from(json!({"a": [1, {}]}));
    let text = r#"{"a":[1,{}]}"#;
    assert_eq!(value.to_text(text.len(), 3).as_deref(), Ok(text));
    assert_eq!(value.to_text(text.len() - 1, 3), Err(Excess::Size));
    assert_eq!(value.to_text(text.len(), 2), Err(Excess::Depth));
    assert_eq!(Value::from("é").to_text(4, 0).as_deref(), Ok("\"é\""));
    assert_eq!(Value::from("é").to_text(3, 0), Err(Excess::Size));
}

#[test]
fn what_is_not_there_is_null() {
    let value = Value::from(json!({"a": [1]}));
    assert_eq!(value["a"][0], json!(1));
    assert!(value["a"][1].is_null());
    assert!(value["b"]["c"].is_null());
    assert_eq!(value.get("b"), None);
    assert_eq!(Value::from(f64::NAN), Value::Null);
    assert_eq!(Value::from(None::<&str>), Value::Null);
}

#[test]
fn keys_that_serde_json_reads_for_itself_are_names_like_others() {
    let text = r#"{"$serde_json::private::RawValue":"1"}"#;
    let read: Value = serde_json::from_str(text).unwrap();
    assert_eq!(read.to_string(), text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_tree_has_the_text_of_serde_jsons(theirs in any_json()) {
        let ours = Value::from(&theirs);
        let text = theirs.to_string();
        prop_assert_eq!(ours.to_string(), text.clone());
        prop_assert_eq!(serde_json::to_string(&ours).unwrap(), text.clone());
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap().to_string(), text.clone());
        prop_assert_eq!(serde_json::Value::from(&ours).to_string(), text);
        prop_assert_eq!(Value::from(theirs.clone()), ours.clone());
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn two_trees_are_equal_when_serde_jsons_are(left in any_json(), right in any_json()) {
        for (left, right) in [(&left, &right), (&left, &left.clone())] {
            let is_equal = left == right;
            let (ours_left, ours_right) = (Value::from(left), Value::from(right));
            prop_assert_eq!(ours_left == ours_right, is_equal);
            prop_assert_eq!(ours_left == *right, is_equal);
            prop_assert_eq!(*left == ours_right, is_equal);
        }
    }

    #[test]
    fn a_pointer_leads_where_serde_jsons_does(
        tree in any_json(),
        pointer in "(/(0|1|01|a|~0|~1|\\+1|)){0,3}|a",
    ) {
        for tree in [tree, json!({"a": {"": [1, {"a": 2}], "~": [3], "/": 4}, "0": [[5]], "01": 6})] {
            let ours = Value::from(&tree);
            let found = ours.pointer(&pointer).map(serde_json::Value::from);
            prop_assert_eq!(found.as_ref(), tree.pointer(&pointer));
        }
    }

    #[test]
    fn numbers_are_read_as_serde_json_reads_them(text in "-?(0|[1-9][0-9]{0,21})(\\.[0-9]{1,20})?([eE]-?[0-9]{1,2})?") {
        let ours: Value = serde_json::from_str(&text).unwrap();
        let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(ours.to_string(), theirs.to_string());
    }
}

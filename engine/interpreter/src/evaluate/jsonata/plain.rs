//! Simple expressions, evaluated on the data itself.

use std::borrow::Cow;

use stepwell_language::expression::jsonata::{Plain, PlainRoot, Step};
use stepwell_language::json::{Members, Value};

use super::{States, states_member};

/// What a simple expression finds.
pub(super) enum Found<'a> {
    Value(Cow<'a, Value>),
    Undefined,
    /// The data is such that the language has more to say about it.
    NotPlain,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of an answer it only matters whether it is an array"
)]
pub(super) fn find<'a>(plain: &Plain, states: &States<'a>) -> Found<'a> {
    match plain {
        Plain::Literal(value) => Found::Value(Cow::Owned(value.clone())),
        Plain::Path(root, steps) => follow(root, steps, states),
        Plain::Object(entries) => {
            let mut object = Members::with_capacity(entries.len());
            for (key, entry) in entries {
                match find(entry, states) {
                    Found::Value(value) => {
                        object.insert(key.clone(), value.into_owned());
                    }
                    Found::Undefined => {}
                    Found::NotPlain => return Found::NotPlain,
                }
            }
            Found::Value(Cow::Owned(object.into()))
        }
        Plain::Array(elements) => {
            let mut array = Vec::with_capacity(elements.len());
            for element in elements {
                match (find(element, states), element) {
                    (Found::Undefined, _) => {}
                    (Found::NotPlain, _) => return Found::NotPlain,
                    // An array that is written as one stays; one that is found is spread out.
                    (Found::Value(value), Plain::Array(_)) => array.push(value.into_owned()),
                    (Found::Value(value), _) => match value.into_owned() {
                        Value::Array(found) => array.extend(found.iter().cloned()),
                        single => array.push(single),
                    },
                }
            }
            Found::Value(Cow::Owned(array.into()))
        }
    }
}

fn follow<'a>(root: &PlainRoot, steps: &[Step], states: &States<'a>) -> Found<'a> {
    let (start, steps) = match root {
        PlainRoot::Input => (states_member(states, "input"), steps),
        PlainRoot::Result => (states_member(states, "result"), steps),
        PlainRoot::ErrorOutput => (states_member(states, "errorOutput"), steps),
        PlainRoot::Variable(name) => (states.bindings.variable(name), steps),
        PlainRoot::Context => match steps.split_first() {
            None => (Some(states.bindings.context()), steps),
            Some((Step::Name(name), rest)) => (states.bindings.context_member(name), rest),
            Some((Step::Index(_), _)) => return Found::NotPlain,
        },
    };
    let Some(mut value) = start else {
        return Found::Undefined;
    };
    for step in steps {
        let found = match (step, value) {
            (Step::Name(name), Value::Object(object)) => object.get(name),
            // A name is looked up in every element.
            (Step::Name(_), Value::Array(_)) => return Found::NotPlain,
            (Step::Index(index), Value::Array(array)) => {
                let length = i64::try_from(array.len()).unwrap_or(i64::MAX);
                let from_start = if *index < 0 { index + length } else { *index };
                usize::try_from(from_start)
                    .ok()
                    .and_then(|index| array.get(index))
            }
            // What is no array is one of a single element.
            (Step::Index(0 | -1), single) => Some(single),
            (Step::Name(_) | Step::Index(_), _) => None,
        };
        match found {
            Some(found) => value = found,
            None => return Found::Undefined,
        }
    }
    Found::Value(Cow::Borrowed(value))
}

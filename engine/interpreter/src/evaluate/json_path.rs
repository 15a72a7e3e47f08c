//! Paths, evaluated: what they select, and where they write.
//!
//! A path of names and single indexes, which is nearly every one, is followed without allocating.
//! The rest goes through [`select`], which counts its work, since `$..*` within `$..*` would
//! otherwise never end.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use stepwell_language::expression::json_path::Segment;
use stepwell_language::expression::reference_path::Step;
use stepwell_language::expression::{JsonPath, ReferencePath, Root};
use stepwell_language::json::{Members, Value};

use self::work::Work;
use super::Bindings;

pub(super) mod work;
pub(super) mod compare;
mod select;

/// Why a path gave nothing; displayed in the words of AWS, as they follow `Invalid path '$.x' : `.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The last property is missing.
    #[error("No results for path: {path}")]
    NoResults {
        /// All of the path, in brackets: `$['a']['b']`.
        path: String,
    },
    /// A property before the last is missing.
    #[error("Missing property in path {path}")]
    MissingProperty {
        /// The path up to the missing property, this included.
        path: String,
    },
    /// An array is too short; in a payload template this is `null`.
    #[error("No results for path: {path}")]
    IndexPastEnd {
        /// All of the path, in brackets.
        path: String,
    },
    /// A property is asked of something that is not an object.
    #[error("Expected to find an object with property {property} in path {path}")]
    NotAnObject {
        /// The property in brackets.
        property: String,
        /// The path up to what is not an object.
        path: String,
    },
    /// An element is asked of something that is not an array.
    #[error("Filter: {index} can only be applied to arrays")]
    NotAnArray {
        /// The index in brackets.
        index: String,
    },
    /// Evaluation was given up, or its result would not fit into memory.
    #[error("The path selects too many values")]
    TooMuchWork,
}

impl PathError {
    /// Whether an array was too short, for the callers to which this is `null`.
    pub fn is_index_past_end(&self) -> bool {
        match self {
            Self::IndexPastEnd { .. } => true,
            Self::NoResults { .. }
            | Self::MissingProperty { .. }
            | Self::NotAnObject { .. }
            | Self::NotAnArray { .. }
            | Self::TooMuchWork => false,
        }
    }
}

/// Why a value could not be written at a path: `States.ReferencePathConflict`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason} at {path}")]
pub struct WriteError {
    /// What is in the way.
    pub reason: &'static str,
    /// The path up to where it is, in brackets.
    pub path: String,
    /// The step that could not be taken, as AWS names it: a property without quotes, or an index in
    /// brackets.
    pub step: String,
}

/// What `path` selects: one value when the path is definite, otherwise an array of all matches in
/// document order, empty when nothing matches.
///
/// # Errors
///
/// [`PathError`] when a definite path leads nowhere, when nothing was assigned to a variable, or
/// when the work exceeds all bounds.
pub fn evaluate<'a>(
    path: &JsonPath,
    bindings: &'a dyn Bindings,
) -> Result<Cow<'a, Value>, PathError> {
    evaluate_within(path, bindings, &mut Work::new())
}

/// As [`evaluate`], as a part of other work.
pub(super) fn evaluate_within<'a>(
    path: &JsonPath,
    bindings: &'a dyn Bindings,
    work: &mut Work,
) -> Result<Cow<'a, Value>, PathError> {
    if path.is_plain() {
        return follow(path.root(), path.segments(), bindings).map(Cow::Borrowed);
    }
    if let ([before @ .., Segment::Names(names)], true) = (path.segments(), path.is_definite()) {
        let value = follow(path.root(), before, bindings)?;
        let Value::Object(object) = value else {
            let property = spell_names(names);
            let path = spell(path.root(), before);
            return Err(PathError::NotAnObject { property, path });
        };
        return Ok(Cow::Owned(select::pick(object, names)));
    }
    let matches = select::select(path, bindings, work)?;
    Ok(Cow::Owned(matches.into()))
}

/// What `path` names.
///
/// # Errors
///
/// [`PathError`] when it leads nowhere.
pub fn evaluate_reference<'a>(
    path: &ReferencePath,
    bindings: &'a dyn Bindings,
) -> Result<&'a Value, PathError> {
    let path = path.as_json_path();
    follow(path.root(), path.segments(), bindings)
}

/// The first step of a path that leads nowhere, as AWS names it, and the document that the path is
/// looked up in. `None` when there is no such document, or the path fails for another reason.
pub fn conflict<'a>(path: &JsonPath, bindings: &'a dyn Bindings) -> Option<(String, &'a Value)> {
    let (root, segments) = (path.root(), path.segments());
    let document = start(root, bindings)?;
    let mut value = document;
    for segment in segments {
        let next = match segment {
            Segment::Name(name) => value.get(name),
            Segment::Index(index) => value
                .as_array()
                .and_then(|array| array.get(position(*index, array.len())?)),
            Segment::Names(_) => value.is_object().then_some(value),
            Segment::Indexes(_)
            | Segment::Slice(_)
            | Segment::Wildcard
            | Segment::Filter(_)
            | Segment::Descendants(_) => return None,
        };
        match next {
            Some(next) => value = next,
            None => return Some((name_step(segment), document)),
        }
    }
    None
}

/// Writes `value` at `path` below `target`, which stands for the path's root, whatever this is.
///
/// Missing objects are created, what is there is replaced; arrays do not grow.
/// After an error `target` is unchanged.
///
/// # Errors
///
/// [`WriteError`] when the path leads through something that is neither object nor array, asks a
/// property of an array or an element of an object, or has an index out of range.
pub fn write(target: &mut Value, path: &ReferencePath, value: Value) -> Result<(), WriteError> {
    let steps: Vec<Step<'_>> = path.steps().collect();
    let segments = path.as_json_path().segments();
    let fail = |depth: usize, reason| WriteError {
        reason,
        path: spell(path.root(), &segments[..=depth]),
        step: name_step(&segments[depth]),
    };
    let mut place = target;
    for (depth, step) in steps.iter().enumerate() {
        place = match (step, place) {
            (Step::Name(name), Value::Object(object)) => {
                // A lookup whose result decides on the insertion would keep the object borrowed.
                if !object.contains_key(name) {
                    let rest = &steps[depth + 1..];
                    let nested = nest(rest, value).map_err(|index| WriteError {
                        step: name_step(&segments[depth + 1 + index]),
                        ..fail(depth, "no array can be created")
                    })?;
                    Arc::make_mut(object).insert(*name, nested);
                    return Ok(());
                }
                let object = Arc::make_mut(object);
                object.get_mut(name).expect("the key was just seen")
            }
            (Step::Index(index), Value::Array(array)) => position(*index, array.len())
                .filter(|at| *at < array.len())
                .map(|at| &mut Arc::make_mut(array)[at])
                .ok_or_else(|| fail(depth, "the index is out of range"))?,
            (Step::Name(_), _) => return Err(fail(depth, "the parent is not an object")),
            (Step::Index(_), _) => return Err(fail(depth, "the parent is not an array")),
        };
    }
    *place = value;
    Ok(())
}

/// Objects within each other, one per step, around `value`.
///
/// # Errors
///
/// The position of the first step that is an index.
fn nest(steps: &[Step<'_>], value: Value) -> Result<Value, usize> {
    let is_index = |step: &Step<'_>| matches!(step, Step::Index(_));
    if let Some(index) = steps.iter().position(is_index) {
        return Err(index);
    }
    let names = steps.iter().rev().filter_map(|step| match step {
        Step::Name(name) => Some(*name),
        Step::Index(_) => None,
    });
    Ok(names.fold(value, |value, name| Members::from([(name, value)]).into()))
}

/// Follows names and indexes, without allocating unless it fails.
fn follow<'a>(
    root: &Root,
    segments: &[Segment],
    bindings: &'a dyn Bindings,
) -> Result<&'a Value, PathError> {
    let member = match (root, segments) {
        (Root::Context, [Segment::Name(name), ..]) => bindings.context_member(name),
        _ => None,
    };
    let (mut value, followed) = match member {
        Some(member) => (member, 1),
        None => (
            start(root, bindings).ok_or_else(|| missing(root, segments, 0))?,
            0,
        ),
    };
    for (depth, segment) in segments.iter().enumerate().skip(followed) {
        value = match (segment, value) {
            (Segment::Name(name), Value::Object(object)) => object
                .get(name)
                .ok_or_else(|| missing(root, segments, depth + 1))?,
            (Segment::Index(index), Value::Array(array)) => position(*index, array.len())
                .and_then(|at| array.get(at))
                .ok_or_else(|| PathError::IndexPastEnd {
                    path: spell(root, segments),
                })?,
            (Segment::Name(name), _) => {
                let property = spell_names(std::slice::from_ref(name));
                let path = spell(root, &segments[..depth]);
                return Err(PathError::NotAnObject { property, path });
            }
            (Segment::Index(index), _) => {
                return Err(PathError::NotAnArray {
                    index: format!("[{index}]"),
                });
            }
            (
                Segment::Names(_)
                | Segment::Indexes(_)
                | Segment::Slice(_)
                | Segment::Wildcard
                | Segment::Filter(_)
                | Segment::Descendants(_),
                _,
            ) => unreachable!("only names and indexes are followed"),
        };
    }
    Ok(value)
}

fn start<'a>(root: &Root, bindings: &'a dyn Bindings) -> Option<&'a Value> {
    match root {
        Root::Input => Some(bindings.input()),
        Root::Context => Some(bindings.context()),
        Root::Variable(name) => bindings.variable(name),
    }
}

/// The error of a path of which only the first `present` steps, the root aside, lead anywhere but
/// for the last of them.
fn missing(root: &Root, segments: &[Segment], present: usize) -> PathError {
    let path = spell(root, &segments[..present]);
    if present == segments.len() {
        PathError::NoResults { path }
    } else {
        PathError::MissingProperty { path }
    }
}

/// Where `index` points in an array of `length`, which may be past the end but not before the start.
fn position(index: i64, length: usize) -> Option<usize> {
    let index = isize::try_from(index).ok()?;
    if index < 0 {
        length.checked_add_signed(index)
    } else {
        Some(index.unsigned_abs())
    }
}

/// The path in brackets, as AWS shows it: a variable is a property of all variables.
fn spell(root: &Root, segments: &[Segment]) -> String {
    let mut text = String::from("$");
    match root {
        Root::Input | Root::Context => {}
        Root::Variable(name) => text.push_str(&spell_names(std::slice::from_ref(name))),
    }
    for segment in segments {
        match segment {
            Segment::Name(name) => text.push_str(&spell_names(std::slice::from_ref(name))),
            Segment::Index(index) => {
                write!(text, "[{index}]").expect("text can be added to a string");
            }
            Segment::Names(names) => text.push_str(&spell_names(names)),
            Segment::Indexes(_)
            | Segment::Slice(_)
            | Segment::Wildcard
            | Segment::Filter(_)
            | Segment::Descendants(_) => unreachable!("only definite paths can fail"),
        }
    }
    text
}

/// A single step, as AWS names it where it could not be applied.
fn name_step(segment: &Segment) -> String {
    match segment {
        Segment::Name(name) => name.to_string(),
        Segment::Index(index) => format!("[{index}]"),
        Segment::Names(names) => spell_names(names),
        Segment::Indexes(_)
        | Segment::Slice(_)
        | Segment::Wildcard
        | Segment::Filter(_)
        | Segment::Descendants(_) => unreachable!("only definite paths can fail"),
    }
}

fn spell_names(names: &[Arc<str>]) -> String {
    format!("['{}']", names.join("','"))
}

#[cfg(test)]
mod tests;

//! Paths that may select any number of values.
//!
//! They do not fail for want of a value: what is not there is not selected, as recorded from AWS
//! even where a property before the wildcard is missing.

use std::borrow::Cow;
use std::sync::Arc;

use stepwell_language::expression::JsonPath;
use stepwell_language::expression::json_path::filter::{Filter, Operand, Selection};
use stepwell_language::expression::json_path::{Segment, Slice};
use stepwell_language::json::{Members, Value};

use super::super::Bindings;
use super::work::{TooMuchWork, Work};
use super::{PathError, compare, missing, position, start};

impl From<TooMuchWork> for PathError {
    fn from(TooMuchWork: TooMuchWork) -> Self {
        Self::TooMuchWork
    }
}

/// All that `path` selects, in document order.
///
/// # Errors
///
/// [`PathError`] when nothing was assigned to its variable, or when the work exceeds all bounds.
pub(super) fn select(
    path: &JsonPath,
    bindings: &dyn Bindings,
    work: &mut Work,
) -> Result<Vec<Value>, PathError> {
    let mut selector = Selector { bindings, work };
    let start =
        start(path.root(), bindings).ok_or_else(|| missing(path.root(), path.segments(), 0))?;
    let matches = selector.run(vec![start], path.segments())?;
    let mut values = Vec::with_capacity(matches.len());
    for found in matches {
        values.push(match found {
            Cow::Borrowed(value) => selector.work.copy(value)?,
            Cow::Owned(value) => value,
        });
    }
    Ok(values)
}

/// One object with those of the `names` that `object` has.
pub(super) fn pick(object: &Members, names: &[Arc<str>]) -> Value {
    let pair = |name: &Arc<str>| Some((Arc::clone(name), object.get(name)?.clone()));
    names.iter().filter_map(pair).collect::<Members>().into()
}

struct Selector<'a, 'w> {
    bindings: &'a dyn Bindings,
    work: &'w mut Work,
}

impl<'a> Selector<'a, '_> {
    /// Takes each segment for all values before the next segment: paths may be long, the stack not.
    fn run(
        &mut self,
        start: Vec<&'a Value>,
        segments: &'a [Segment],
    ) -> Result<Vec<Cow<'a, Value>>, TooMuchWork> {
        let mut values = start;
        for (at, segment) in segments.iter().enumerate() {
            if at + 1 == segments.len()
                && let Some(names) = merged_names(segment)
            {
                return self.merge(&values, segment, names);
            }
            let mut selected = Vec::new();
            for value in values {
                self.apply(segment, value, &mut selected)?;
            }
            values = selected;
        }
        Ok(values.into_iter().map(Cow::Borrowed).collect())
    }

    /// `['a','b']` at the end of a path: an object from each object.
    fn merge(
        &mut self,
        values: &[&'a Value],
        segment: &Segment,
        names: &[Arc<str>],
    ) -> Result<Vec<Cow<'a, Value>>, TooMuchWork> {
        let mut merged = Vec::new();
        for value in values {
            let owners = match segment {
                Segment::Descendants(_) => self.containers(value)?,
                Segment::Name(_)
                | Segment::Names(_)
                | Segment::Index(_)
                | Segment::Indexes(_)
                | Segment::Slice(_)
                | Segment::Wildcard
                | Segment::Filter(_) => vec![*value],
            };
            for owner in owners {
                if let Value::Object(object) = owner {
                    let picked = pick(object, names);
                    self.work.count(&picked)?;
                    merged.push(Cow::Owned(picked));
                }
            }
        }
        Ok(merged)
    }

    fn apply(
        &mut self,
        segment: &'a Segment,
        value: &'a Value,
        selected: &mut Vec<&'a Value>,
    ) -> Result<(), TooMuchWork> {
        let count_before = selected.len();
        match (segment, value) {
            (Segment::Name(name), Value::Object(object)) => selected.extend(object.get(name)),
            (Segment::Names(names), Value::Object(object)) => {
                selected.extend(names.iter().filter_map(|name| object.get(name)));
            }
            (Segment::Index(index), Value::Array(array)) => selected.extend(element(array, *index)),
            (Segment::Indexes(indexes), Value::Array(array)) => {
                selected.extend(indexes.iter().filter_map(|index| element(array, *index)));
            }
            (Segment::Slice(slice), Value::Array(array)) => {
                selected.extend(positions(*slice, array.len()).map(|at| &array[at]));
            }
            (Segment::Wildcard, Value::Array(array)) => selected.extend(array.iter()),
            (Segment::Wildcard, Value::Object(object)) => selected.extend(object.values()),
            (Segment::Filter(filter), Value::Array(array)) => {
                for element in array.iter() {
                    self.add_if(filter, element, selected)?;
                }
            }
            (Segment::Filter(filter), Value::Object(_)) => self.add_if(filter, value, selected)?,
            (Segment::Descendants(inner), _) => {
                for container in self.containers(value)? {
                    self.apply_below(inner, container, selected)?;
                }
            }
            (
                Segment::Name(_)
                | Segment::Names(_)
                | Segment::Index(_)
                | Segment::Indexes(_)
                | Segment::Slice(_)
                | Segment::Wildcard
                | Segment::Filter(_),
                _,
            ) => {}
        }
        self.work.look(1 + selected.len() - count_before)
    }

    /// As `apply`, for one of the containers that `..` leads to.
    ///
    /// A filter tests each object by itself already, so that in arrays only the rest remains.
    fn apply_below(
        &mut self,
        segment: &'a Segment,
        container: &'a Value,
        selected: &mut Vec<&'a Value>,
    ) -> Result<(), TooMuchWork> {
        if let (Segment::Filter(filter), Value::Array(array)) = (segment, container) {
            for element in array.iter().filter(|element| !element.is_object()) {
                self.add_if(filter, element, selected)?;
            }
            return Ok(());
        }
        self.apply(segment, container, selected)
    }

    fn add_if(
        &mut self,
        filter: &'a Filter,
        value: &'a Value,
        selected: &mut Vec<&'a Value>,
    ) -> Result<(), TooMuchWork> {
        if self.accepts(filter, value)? {
            selected.push(value);
        }
        Ok(())
    }

    /// `value` and all objects and arrays below it, each before what it contains.
    fn containers(&mut self, value: &'a Value) -> Result<Vec<&'a Value>, TooMuchWork> {
        let mut found = Vec::new();
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            self.work.look(1)?;
            match value {
                Value::Array(array) => open.extend(array.iter().rev()),
                Value::Object(object) => open.extend(object.values().rev()),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => continue,
            }
            found.push(value);
        }
        Ok(found)
    }

    fn accepts(&mut self, filter: &'a Filter, value: &'a Value) -> Result<bool, TooMuchWork> {
        self.work.look(1)?;
        match filter {
            Filter::And(filters) => {
                for filter in filters {
                    if !self.accepts(filter, value)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Or(filters) => {
                for filter in filters {
                    if self.accepts(filter, value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::Not(filter) => Ok(!self.accepts(filter, value)?),
            Filter::Exists(selection) => Ok(!self.read(selection, value)?.is_empty()),
            Filter::Compare {
                left,
                comparison,
                right,
            } => {
                let left = self.read_operand(left, value)?;
                let right = self.read_operand(right, value)?;
                compare::holds(left.as_deref(), *comparison, right.as_deref(), self.work)
            }
            Filter::Matches { left, pattern } => {
                let left = self.read_operand(left, value)?;
                let Some(Value::String(text)) = left.as_deref() else {
                    return Ok(false);
                };
                self.work.look(text.len())?;
                Ok(pattern.matches(text))
            }
        }
    }

    fn read_operand(
        &mut self,
        operand: &'a Operand,
        value: &'a Value,
    ) -> Result<Option<Cow<'a, Value>>, TooMuchWork> {
        let selection = match operand {
            Operand::Literal(literal) => return Ok(Some(Cow::Borrowed(literal))),
            Operand::Selection(selection) => selection,
        };
        let mut found = self.read(selection, value)?;
        if selection.is_single() {
            return Ok(found.pop());
        }
        let mut values = Vec::with_capacity(found.len());
        for value in found {
            values.push(self.work.copy(&value)?);
        }
        Ok(Some(Cow::Owned(values.into())))
    }

    fn read(
        &mut self,
        selection: &'a Selection,
        value: &'a Value,
    ) -> Result<Vec<Cow<'a, Value>>, TooMuchWork> {
        let start = match &selection.root {
            None => Some(value),
            Some(root) => start(root, self.bindings),
        };
        self.run(start.into_iter().collect(), &selection.segments)
    }
}

fn merged_names(segment: &Segment) -> Option<&[Arc<str>]> {
    match segment {
        Segment::Names(names) => Some(names),
        Segment::Descendants(inner) => merged_names(inner),
        Segment::Name(_)
        | Segment::Index(_)
        | Segment::Indexes(_)
        | Segment::Slice(_)
        | Segment::Wildcard
        | Segment::Filter(_) => None,
    }
}

fn element(array: &[Value], index: i64) -> Option<&Value> {
    array.get(position(index, array.len())?)
}

/// The positions that `slice` takes from an array of `length`, in its order; RFC 9535, 2.3.4.
fn positions(slice: Slice, length: usize) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).expect("an array fits into memory");
    let (least, most, start, end) = if slice.step > 0 {
        (0, length, 0, length)
    } else {
        (-1, length - 1, length - 1, -1)
    };
    let place = |bound: Option<i64>, default| match bound {
        None => default,
        Some(at) if at < 0 => at.saturating_add(length).clamp(least, most),
        Some(at) => at.clamp(least, most),
    };
    let (start, end) = (place(slice.start, start), place(slice.end, end));
    let next = move |at: &i64| at.checked_add(slice.step);
    std::iter::successors(Some(start), next)
        .take_while(move |at| if slice.step > 0 { *at < end } else { *at > end })
        .filter_map(|at| usize::try_from(at).ok())
}

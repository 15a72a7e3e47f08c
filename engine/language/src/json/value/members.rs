//! The members of an object.

use std::fmt;
use std::slice;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Value;

/// The members of an object, in the order in which their names came first.
///
/// Few are a list that is searched from its start; many have an index besides.
pub struct Members(Entries);

enum Entries {
    Few(Vec<(Arc<str>, Value)>),
    Many(Box<IndexMap<Arc<str>, Value>>),
}

impl Members {
    /// The members that a list may have. More are found quicker with an index.
    const FEW_MAX: usize = 16;

    /// None.
    pub const fn new() -> Self {
        Self(Entries::Few(Vec::new()))
    }

    /// None, with room for as many.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(if capacity <= Self::FEW_MAX {
            Entries::Few(Vec::with_capacity(capacity))
        } else {
            Entries::Many(Box::new(IndexMap::with_capacity(capacity)))
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Entries::Few(list) => list.len(),
            Entries::Many(map) => map.len(),
        }
    }

    /// Whether this is `{}`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The member of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match &self.0 {
            Entries::Few(list) => {
                let found = list.iter().find(|(key, _)| **key == *name);
                found.map(|(_, value)| value)
            }
            Entries::Many(map) => map.get(name),
        }
    }

    /// The member of this name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        match &mut self.0 {
            Entries::Few(list) => {
                let found = list.iter_mut().find(|(key, _)| **key == *name);
                found.map(|(_, value)| value)
            }
            Entries::Many(map) => map.get_mut(name),
        }
    }

    /// Whether there is a member of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Gives a member its value: one of this name is replaced where it stands, another one added
    /// at the end. Returns the value that was replaced.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        match &mut self.0 {
            Entries::Few(list) => {
                if let Some((_, present)) = list.iter_mut().find(|(key, _)| *key == name) {
                    return Some(std::mem::replace(present, value));
                }
                if list.len() < Self::FEW_MAX {
                    list.push((name, value));
                } else {
                    let mut map = IndexMap::with_capacity(2 * list.len());
                    map.extend(list.drain(..));
                    map.insert(name, value);
                    self.0 = Entries::Many(Box::new(map));
                }
                None
            }
            Entries::Many(map) => map.insert(name, value),
        }
    }

    /// Removes a member; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        match &mut self.0 {
            Entries::Few(list) => {
                let at = list.iter().position(|(key, _)| **key == *name)?;
                Some(list.remove(at).1)
            }
            Entries::Many(map) => map.shift_remove(name),
        }
    }

    /// The members with their names.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Entries::Few(list) => Source::Few(list.iter()),
            Entries::Many(map) => Source::Many(map.iter()),
        })
    }

    /// The names.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Arc<str>> + ExactSizeIterator {
        self.iter().map(|(name, _)| name)
    }

    /// The members without their names.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        self.iter().map(|(_, value)| value)
    }

    /// The members without their names, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let (few, many) = match &mut self.0 {
            Entries::Few(list) => (Some(list), None),
            Entries::Many(map) => (None, Some(map)),
        };
        let few = few.into_iter().flatten().map(|(_, value)| value);
        few.chain(many.into_iter().flat_map(|map| map.values_mut()))
    }
}

/// Members that are shared are copied to be changed, so there is room for one more.
impl Clone for Members {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Entries::Few(list) => {
                let mut copy = Vec::with_capacity(list.len() + 1);
                copy.extend_from_slice(list);
                Entries::Few(copy)
            }
            Entries::Many(map) => Entries::Many(map.clone()),
        })
    }
}

impl Default for Members {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(name, value)| other.get(name) == Some(value))
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self).finish()
    }
}

impl<K: Into<Arc<str>>, V: Into<Value>> FromIterator<(K, V)> for Members {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut members = Self::with_capacity(entries.size_hint().0);
        members.extend(entries);
        members
    }
}

impl<K: Into<Arc<str>>, V: Into<Value>> Extend<(K, V)> for Members {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (name, value) in entries {
            self.insert(name, value);
        }
    }
}

impl<K: Into<Arc<str>>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Members {
    fn from(entries: [(K, V); N]) -> Self {
        Self::from_iter(entries)
    }
}

impl<'a> IntoIterator for &'a Members {
    type Item = (&'a Arc<str>, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The members of an object with their names, in order.
#[derive(Clone, Debug)]
pub struct Iter<'a>(Source<'a>);

#[derive(Clone, Debug)]
enum Source<'a> {
    Few(slice::Iter<'a, (Arc<str>, Value)>),
    Many(indexmap::map::Iter<'a, Arc<str>, Value>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Arc<str>, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Few(list) => list.next().map(|(name, value)| (name, value)),
            Source::Many(map) => map.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Source::Few(list) => list.size_hint(),
            Source::Many(map) => map.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Few(list) => list.next_back().map(|(name, value)| (name, value)),
            Source::Many(map) => map.next_back(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

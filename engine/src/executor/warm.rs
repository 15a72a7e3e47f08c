//! The executions that were parked last: kept in memory for a while, in case they go on soon.
//!
//! One that is found here need not be replayed. Nothing depends on it: the journal has all of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use stepwell_interpreter::Execution;

use crate::store::ExecutionKey;

use super::lock;

/// Executions that are kept.
const EXECUTIONS_MAX: usize = 4_096;

/// Bytes that they keep in memory, all together.
const BYTES_MAX: usize = 64 << 20;

/// Parked executions, of which the least recently parked are forgotten first.
#[derive(Debug, Default)]
pub(super) struct Warm(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<ExecutionKey, Entry>,
    /// Their ages: the lowest was parked first.
    by_age: BTreeMap<u64, ExecutionKey>,
    next_age: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    execution: Execution,
    age: u64,
    bytes: usize,
}

impl Warm {
    /// Keeps an execution that was parked.
    pub(super) fn put(&self, key: ExecutionKey, execution: Execution) {
        let bytes = execution.retained_bytes();
        let mut kept = lock(&self.0);
        kept.remove(key);
        let age = kept.next_age;
        kept.next_age += 1;
        kept.bytes += bytes;
        kept.by_age.insert(age, key);
        kept.by_key.insert(
            key,
            Entry {
                execution,
                age,
                bytes,
            },
        );
        while kept.bytes > BYTES_MAX || kept.by_key.len() > EXECUTIONS_MAX {
            let Some((_, oldest)) = kept.by_age.pop_first() else {
                break;
            };
            kept.remove(oldest);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        lock(&self.0).by_key.len()
    }

    /// Gives back an execution, if it is still there.
    pub(super) fn take(&self, key: ExecutionKey) -> Option<Execution> {
        lock(&self.0).remove(key)
    }
}

impl Kept {
    fn remove(&mut self, key: ExecutionKey) -> Option<Execution> {
        let Entry {
            execution,
            age,
            bytes,
        } = self.by_key.remove(&key)?;
        self.by_age.remove(&age);
        self.bytes -= bytes;
        Some(execution)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stepwell_interpreter::execution::Limits;
    use stepwell_language::model::ExecutionType;
    use stepwell_language::parse::parse;

    use super::*;

    #[test]
    fn the_least_recently_parked_are_forgotten_first() {
        let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#;
        let machine = Arc::new(parse(definition, ExecutionType::Standard).machine.unwrap());
        let execution = || Execution::new(Arc::clone(&machine), Limits::default());
        let warm = Warm::default();
        let count = EXECUTIONS_MAX as u64;
        for key in 0..count {
            warm.put(ExecutionKey(key), execution());
        }
        warm.put(ExecutionKey(0), execution());
        warm.put(ExecutionKey(count), execution());
        assert!(warm.take(ExecutionKey(1)).is_none());
        for key in [0, 2, count] {
            assert!(warm.take(ExecutionKey(key)).is_some(), "{key}");
            assert!(warm.take(ExecutionKey(key)).is_none(), "{key}");
        }
        for key in 0..count {
            warm.take(ExecutionKey(key));
        }
        let kept = lock(&warm.0);
        assert_eq!((kept.bytes, kept.by_age.len()), (0, 0));
    }
}

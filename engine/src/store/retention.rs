//! Executions that ended long ago: found and removed in small parts.

use stepwell_interpreter::Timestamp;

use super::{ExecutionCursor, StateMachineKey};

/// One part of a walk through all executions, state machine by state machine and the earliest start
/// first, which removes those that ended long ago. The children of a Map Run are no stations of the
/// walk: they go with the execution that they are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Removal {
    /// An execution goes that ended before this. One that runs, or that a redrive waits for, stays.
    pub ended_before: Timestamp,
    /// Where the part before ended; `None` for the beginning.
    pub after: Option<RemovalCursor>,
    /// Executions and state machines that are looked at, at most.
    pub looks_max: usize,
    /// Bytes of journals that are removed, at most, or those of one execution.
    pub bytes_max: usize,
}

/// A place in the walk: an execution of a state machine that was looked at.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RemovalCursor {
    /// The state machine.
    pub state_machine: StateMachineKey,
    /// The execution.
    pub execution: ExecutionCursor,
}

/// What a part of the walk did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Removed {
    /// Executions that are gone.
    pub executions: u64,
    /// Where the walk goes on; `None` at its end. That is the same place again while it removes the
    /// many children of one execution.
    pub next: Option<RemovalCursor>,
}

impl RemovalCursor {
    /// Before this execution, and behind every one that comes before it.
    pub(super) fn just_before(self) -> Self {
        let ExecutionCursor { started_at, key } = self.execution;
        let key = super::ExecutionKey(key.0.saturating_sub(1));
        Self {
            execution: ExecutionCursor { started_at, key },
            ..self
        }
    }

    /// Before every execution of a state machine.
    pub(super) fn before_all_of(state_machine: StateMachineKey) -> Self {
        Self {
            state_machine,
            execution: ExecutionCursor {
                started_at: Timestamp::BEGINNING,
                key: super::ExecutionKey(0),
            },
        }
    }
}

//! Looking after a database file: is it sound, and does it fit itself? And if not, what can be
//! built anew?
//!
//! The journal is the truth. What else a database knows of an execution, its record, its tasks in
//! the queues of activities, and where its chunks begin and end, is compared with what the journal
//! says, and written again from it. The owner of an execution is in no journal and stays.
//! [`survey`](mod@survey) reads and compares.

mod survey;

use std::path::Path;

use crate::store::StoreError;
use crate::store::sqlite::{Fix, Repair, Snapshot};

use survey::survey;

/// Rounds of a repair: one repair can make way for another, as when two records have each other's
/// names.
const ROUNDS_MAX: usize = 4;

/// What [`check`] found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Checked {
    /// Executions whose journals were read.
    pub executions: u64,
    /// Events in them.
    pub events: u64,
    /// What is wrong, a line each; empty if all is well.
    pub findings: Vec<String>,
}

/// What to do with executions whose records say that they ended and whose journals do not: the
/// last events of these journals are lost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LostEnds {
    /// They are told and left as they are.
    #[default]
    Leave,
    /// They go on where their journals end, once there is an owner again: tasks whose results were
    /// lost run once more.
    Reopen,
}

/// What [`repair`] found and did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Repaired {
    /// What was wrong before, as [`check`] finds it.
    pub before: Checked,
    /// Rows that were written again.
    pub rows: u64,
    /// What is left to be found; without findings if all is well now.
    pub after: Checked,
}

/// Reads all of a database: the file as SQLite sees it, then every journal, which has to be sound,
/// to fit its definition, and to say what the rows around it say. The owner, if there is one, goes
/// on meanwhile. Blocks.
///
/// # Errors
///
/// [`StoreError`] when the file cannot be read as a database of Stepwell.
pub fn check(database: &Path) -> Result<Checked, StoreError> {
    let snapshot = Snapshot::open(database)?;
    survey(&snapshot, LostEnds::Leave, &mut |_| Ok(()))
}

/// Writes again, in batches, what can be rebuilt from the journals: the indexes of SQLite, records
/// that contradict their journals or are gone, where chunks begin and end, and the queues of
/// activities. Then checks all of it. What the journals themselves have lost stays lost, and is left
/// as a finding; so is an execution that would begin to run again, unless it is to be reopened.
/// Blocks.
///
/// # Errors
///
/// [`StoreError`] when the file cannot be read as a database of Stepwell, or written, or has an
/// owner who goes on.
pub fn repair(database: &Path, lost_ends: LostEnds) -> Result<Repaired, StoreError> {
    let repair = Repair::open(database)?;
    let mut repaired = Repaired::default();
    for round in 0..ROUNDS_MAX {
        let mut rows = 0;
        let found = survey(repair.snapshot(), lost_ends, &mut |fixes: Vec<Fix>| {
            rows += fixes.len() as u64;
            repair.apply(&fixes)
        })?;
        if round == 0 {
            if !repair.snapshot().integrity()?.is_empty() {
                repair.rebuild_indexes()?;
            }
            repaired.before = found.clone();
        }
        repaired.after = found;
        repaired.rows += rows;
        repair.refresh()?;
        if rows == 0 && round > 0 {
            break;
        }
    }
    Ok(repaired)
}

/// Copies a database into a new file while its owner goes on. Gives the copy's size in bytes.
/// Blocks.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be read, or the copy exists or cannot be written.
pub fn back_up(database: &Path, copy: &Path) -> Result<u64, StoreError> {
    Snapshot::open(database)?.copy_to(copy)
}

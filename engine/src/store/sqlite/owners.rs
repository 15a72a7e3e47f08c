//! The SQL of leases, claims and inboxes.

use rusqlite::{Connection, OptionalExtension, params};
use stepwell_interpreter::Timestamp;

use super::SqliteStore;
use super::executions::{instant, integer, unsigned};
use super::failure::Failure;
use crate::store::{
    Claim, Conflict, Epoch, ExecutionKey, Lease, Letter, LetterAnswer, LetterKey, OwnerStore,
    StoreError, StoreFuture, Timer, Window,
};
use tokio::sync::watch;

impl OwnerStore for SqliteStore {
    fn join(&self, until: Timestamp) -> StoreFuture<'_, Epoch> {
        self.writer.write(move |connection| join(connection, until))
    }

    fn renew(&self, epoch: Epoch, until: Timestamp) -> StoreFuture<'_, ()> {
        self.writer.write(move |connection| {
            let renewed = connection
                .prepare_cached("UPDATE lease SET until = max(until, ?2) WHERE epoch = ?1")?
                .execute([integer(epoch.0)?, until.milliseconds()])?;
            if renewed == 0 {
                return Err(StoreError::LeaseEnded { epoch: epoch.0 }.into());
            }
            Ok(())
        })
    }

    fn leave(&self, epoch: Epoch) -> StoreFuture<'_, ()> {
        self.writer.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM lease WHERE epoch = ?1")?
                .execute([integer(epoch.0)?])?;
            Ok(())
        })
    }

    fn leases(&self) -> StoreFuture<'_, Vec<Lease>> {
        self.readers.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT epoch, until FROM lease ORDER BY epoch")?;
            let rows = statement.query_map((), |row| {
                Ok(Lease {
                    epoch: Epoch(unsigned(row, 0)?),
                    until: instant(row, 1)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn claim(
        &self,
        epoch: Epoch,
        execution: ExecutionKey,
        now: Timestamp,
    ) -> StoreFuture<'_, Claim> {
        self.writer
            .write(move |connection| claim(connection, epoch, execution, now))
    }

    fn timers(&self, epoch: Epoch, window: Window, now: Timestamp) -> StoreFuture<'_, Vec<Timer>> {
        self.readers
            .read(move |connection| timers(connection, epoch, window, now))
    }

    fn deliver(&self, execution: ExecutionKey, content: Vec<u8>) -> StoreFuture<'_, LetterKey> {
        Box::pin(async move {
            let delivered = self
                .writer
                .write(move |connection| deliver(connection, execution, &content))
                .await;
            self.post.send_replace(());
            delivered
        })
    }

    fn inbox(
        &self,
        epoch: Epoch,
        after: LetterKey,
        now: Timestamp,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Letter>> {
        self.readers
            .read(move |connection| inbox(connection, epoch, after, now, limit))
    }

    fn discard(&self, letter: LetterKey) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.writer
                .write(move |connection| {
                    answer(connection, letter, LetterAnswer::Discarded)?;
                    Ok(())
                })
                .await?;
            self.post.send_replace(());
            Ok(())
        })
    }

    fn collect(&self, letter: LetterKey) -> StoreFuture<'_, Option<LetterAnswer>> {
        self.writer
            .write(move |connection| collect(connection, letter))
    }

    fn post(&self) -> watch::Receiver<()> {
        self.post.subscribe()
    }
}

/// Refuses an owner whose lease was ended.
pub(super) fn check_lease(connection: &Connection, epoch: Epoch) -> Result<(), Failure> {
    let is_there = connection
        .prepare_cached("SELECT 1 FROM lease WHERE epoch = ?1")?
        .exists([integer(epoch.0)?])?;
    if is_there {
        Ok(())
    } else {
        Err(StoreError::LeaseEnded { epoch: epoch.0 }.into())
    }
}

/// Takes a letter out of its inbox, in the transaction of what it led to.
pub(super) fn take_letter(
    connection: &Connection,
    execution: ExecutionKey,
    letter: LetterKey,
) -> Result<(), Failure> {
    if answer(connection, letter, LetterAnswer::Taken)? {
        return Ok(());
    }
    Err(Conflict::LetterTaken {
        execution,
        letter: letter.0,
    }
    .into())
}

/// Whether the letter was still waiting for an answer.
fn answer(
    connection: &Connection,
    letter: LetterKey,
    answer: LetterAnswer,
) -> Result<bool, Failure> {
    let answer = match answer {
        LetterAnswer::Taken => 1,
        LetterAnswer::Discarded => 0,
    };
    let answered = connection
        .prepare_cached("UPDATE letter SET answer = ?2 WHERE key = ?1 AND answer IS NULL")?
        .execute([integer(letter.0)?, answer])?;
    Ok(answered > 0)
}

fn join(connection: &Connection, until: Timestamp) -> Result<Epoch, Failure> {
    let epoch = connection
        .prepare_cached("UPDATE owner SET epoch = epoch + 1 RETURNING epoch")?
        .query_row((), |row| unsigned(row, 0))?;
    connection
        .prepare_cached("INSERT INTO lease (epoch, until) VALUES (?1, ?2)")?
        .execute([integer(epoch)?, until.milliseconds()])?;
    Ok(Epoch(epoch))
}

fn claim(
    connection: &Connection,
    epoch: Epoch,
    execution: ExecutionKey,
    now: Timestamp,
) -> Result<Claim, Failure> {
    check_lease(connection, epoch)?;
    let key = integer(execution.0)?;
    let (owner, is_held) = connection
        .prepare_cached(
            "SELECT owner, stopped_at IS NULL
                 AND EXISTS (SELECT 1 FROM lease WHERE epoch = owner AND until > ?2)
             FROM execution WHERE key = ?1",
        )?
        .query_row([key, now.milliseconds()], |row| {
            Ok((unsigned(row, 0)?, row.get::<_, bool>(1)?))
        })
        .optional()?
        .ok_or(Conflict::UnknownExecution(execution))?;
    if owner == epoch.0 {
        return Ok(Claim::Kept);
    }
    if is_held {
        return Ok(Claim::HeldBy(Epoch(owner)));
    }
    connection
        .prepare_cached("UPDATE execution SET owner = ?2 WHERE key = ?1")?
        .execute([key, integer(epoch.0)?])?;
    Ok(Claim::Claimed)
}

/// What a row of `execution` has to fulfil so that no other owner than `?1` holds it at `?2`.
const FREE: &str = "(owner = ?1
    OR NOT EXISTS (SELECT 1 FROM lease WHERE lease.epoch = owner AND lease.until > ?2))";

fn timers(
    connection: &Connection,
    epoch: Epoch,
    window: Window,
    now: Timestamp,
) -> Result<Vec<Timer>, Failure> {
    let epoch = integer(epoch.0)?;
    let now = now.milliseconds();
    let mut found = Vec::new();
    let mut read = |condition: &str, at: i64, bound: i64| -> Result<(), Failure> {
        let limit = i64::try_from(window.limit - found.len()).unwrap_or(i64::MAX);
        let mut statement = connection.prepare_cached(&format!(
            "SELECT wake_at, key FROM execution INDEXED BY execution_timer
             WHERE wake_at IS NOT NULL AND {condition} AND {FREE}
             ORDER BY wake_at, key LIMIT ?5"
        ))?;
        let rows = statement.query_map([epoch, now, at, bound, limit], |row| {
            Ok(Timer {
                at: instant(row, 0)?,
                execution: ExecutionKey(unsigned(row, 1)?),
            })
        })?;
        for timer in rows {
            found.push(timer?);
        }
        Ok(())
    };
    // In two parts, each of which is one run of the index: of a million timers for the same time,
    // none is looked at twice.
    let until = window.until.milliseconds();
    let mut behind = i64::MIN;
    if let Some(after) = window.after {
        behind = after.at.milliseconds();
        if behind <= until {
            let key = i64::try_from(after.execution.0).unwrap_or(i64::MAX);
            read("wake_at = ?3 AND key > ?4", behind, key)?;
        }
    }
    read("wake_at > ?3 AND wake_at <= ?4", behind, until)?;
    Ok(found)
}

fn deliver(
    connection: &Connection,
    execution: ExecutionKey,
    content: &[u8],
) -> Result<LetterKey, Failure> {
    let key = integer(execution.0)?;
    let is_there = connection
        .prepare_cached("SELECT 1 FROM execution WHERE key = ?1")?
        .exists([key])?;
    if !is_there {
        return Err(Conflict::UnknownExecution(execution).into());
    }
    let letter = connection
        .prepare_cached("INSERT INTO letter (execution, content) VALUES (?1, ?2) RETURNING key")?
        .query_row(params![key, content], |row| unsigned(row, 0))?;
    Ok(LetterKey(letter))
}

fn inbox(
    connection: &Connection,
    epoch: Epoch,
    after: LetterKey,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Letter>, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT letter.key, letter.execution, letter.content
         FROM letter INDEXED BY letter_waiting
         JOIN execution ON execution.key = letter.execution
         WHERE letter.answer IS NULL AND letter.key > ?3 AND {FREE}
         ORDER BY letter.key LIMIT ?4"
    ))?;
    let rows = statement.query_map(
        [integer(epoch.0)?, now.milliseconds(), after, limit],
        |row| {
            Ok(Letter {
                key: LetterKey(unsigned(row, 0)?),
                execution: ExecutionKey(unsigned(row, 1)?),
                content: row.get(2)?,
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn collect(connection: &Connection, letter: LetterKey) -> Result<Option<LetterAnswer>, Failure> {
    let answer = connection
        .prepare_cached(
            "DELETE FROM letter WHERE key = ?1 AND answer IS NOT NULL RETURNING answer",
        )?
        .query_row([integer(letter.0)?], |row| row.get(0))
        .optional()?;
    Ok(answer.map(|was_taken: bool| {
        if was_taken {
            LetterAnswer::Taken
        } else {
            LetterAnswer::Discarded
        }
    }))
}

//! Leases, claims and inboxes in memory.

use std::collections::BTreeMap;

use stepwell_interpreter::Timestamp;
use tokio::sync::watch;

use super::{Contents, MemoryStore};
use crate::store::{
    Claim, Conflict, Epoch, ExecutionKey, Lease, Letter, LetterAnswer, LetterKey, OwnerStore,
    StoreError, StoreFuture, Timer, Window,
};

/// Who there is, and what they have to tell each other.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// The highest epoch that was given.
    last: u64,
    leases: BTreeMap<Epoch, Timestamp>,
    last_letter: u64,
    letters: BTreeMap<LetterKey, (Letter, Option<LetterAnswer>)>,
}

impl Owners {
    pub(super) fn check_lease(&self, epoch: Epoch) -> Result<(), StoreError> {
        if self.leases.contains_key(&epoch) {
            return Ok(());
        }
        Err(StoreError::LeaseEnded { epoch: epoch.0 })
    }

    pub(super) fn check_letter(
        &self,
        execution: ExecutionKey,
        letter: LetterKey,
    ) -> Result<(), StoreError> {
        match self.letters.get(&letter) {
            Some((_, None)) => Ok(()),
            Some((_, Some(_))) | None => Err(Conflict::LetterTaken {
                execution,
                letter: letter.0,
            }
            .into()),
        }
    }

    pub(super) fn answer(&mut self, letter: LetterKey, answer: LetterAnswer) {
        if let Some((_, open @ None)) = self.letters.get_mut(&letter) {
            *open = Some(answer);
        }
    }

    /// Whether no other owner than `epoch` holds what `owner` created or claimed last.
    fn is_free(&self, owner: Epoch, epoch: Epoch, now: Timestamp) -> bool {
        owner == epoch || self.leases.get(&owner).is_none_or(|until| *until <= now)
    }
}

impl OwnerStore for MemoryStore {
    fn join(&self, until: Timestamp) -> StoreFuture<'_, Epoch> {
        self.write(move |contents| {
            let owners = &mut contents.owners;
            owners.last += 1;
            let epoch = Epoch(owners.last);
            owners.leases.insert(epoch, until);
            Ok(epoch)
        })
    }

    fn renew(&self, epoch: Epoch, until: Timestamp) -> StoreFuture<'_, ()> {
        self.write(move |contents| {
            contents.owners.check_lease(epoch)?;
            let lease = contents.owners.leases.entry(epoch).or_insert(until);
            *lease = until.max(*lease);
            Ok(())
        })
    }

    fn leave(&self, epoch: Epoch) -> StoreFuture<'_, ()> {
        self.write(move |contents| {
            contents.owners.leases.remove(&epoch);
            Ok(())
        })
    }

    fn leases(&self) -> StoreFuture<'_, Vec<Lease>> {
        self.read(|contents| {
            let leases = contents.owners.leases.iter();
            leases
                .map(|(&epoch, &until)| Lease { epoch, until })
                .collect()
        })
    }

    fn claim(
        &self,
        epoch: Epoch,
        execution: ExecutionKey,
        now: Timestamp,
    ) -> StoreFuture<'_, Claim> {
        self.write(move |contents| contents.claim(epoch, execution, now))
    }

    fn timers(&self, epoch: Epoch, window: Window, now: Timestamp) -> StoreFuture<'_, Vec<Timer>> {
        self.read(move |contents| {
            let timers = contents.timers.iter();
            timers
                .skip_while(|timer| window.after.is_some_and(|after| **timer <= after))
                .take_while(|timer| timer.at <= window.until)
                .filter(|timer| contents.is_free(timer.execution, epoch, now))
                .take(window.limit)
                .copied()
                .collect()
        })
    }

    fn deliver(&self, execution: ExecutionKey, content: Vec<u8>) -> StoreFuture<'_, LetterKey> {
        let delivered = self.write(move |contents| {
            if !contents.executions.contains_key(&execution) {
                return Err(Conflict::UnknownExecution(execution).into());
            }
            let owners = &mut contents.owners;
            owners.last_letter += 1;
            let key = LetterKey(owners.last_letter);
            let letter = Letter {
                key,
                execution,
                content,
            };
            owners.letters.insert(key, (letter, None));
            Ok(key)
        });
        self.then_post(delivered)
    }

    fn inbox(
        &self,
        epoch: Epoch,
        after: LetterKey,
        now: Timestamp,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Letter>> {
        self.read(move |contents| {
            let letters = contents.owners.letters.values();
            letters
                .filter(|(letter, answer)| {
                    letter.key > after
                        && answer.is_none()
                        && contents.is_free(letter.execution, epoch, now)
                })
                .take(limit)
                .map(|(letter, _)| letter.clone())
                .collect()
        })
    }

    fn discard(&self, letter: LetterKey) -> StoreFuture<'_, ()> {
        let discarded = self.write(move |contents| {
            contents.owners.answer(letter, LetterAnswer::Discarded);
            Ok(())
        });
        self.then_post(discarded)
    }

    fn collect(&self, letter: LetterKey) -> StoreFuture<'_, Option<LetterAnswer>> {
        self.write(move |contents| {
            let letters = &mut contents.owners.letters;
            let answer = letters.get(&letter).and_then(|(_, answer)| *answer);
            if answer.is_some() {
                letters.remove(&letter);
            }
            Ok(answer)
        })
    }

    fn post(&self) -> watch::Receiver<()> {
        self.post.subscribe()
    }
}

impl MemoryStore {
    /// Says that a letter may have come or been answered, once that is so.
    pub(super) fn then_post<'a, T: Send + 'a>(
        &'a self,
        write: StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let answer = write.await;
            self.post.send_replace(());
            answer
        })
    }
}

impl Contents {
    fn claim(
        &mut self,
        epoch: Epoch,
        execution: ExecutionKey,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        self.owners.check_lease(epoch)?;
        let is_free = self.is_free(execution, epoch, now);
        let Some(found) = self.executions.get_mut(&execution) else {
            return Err(Conflict::UnknownExecution(execution).into());
        };
        let has_ended = found.record.stopped_at.is_some();
        let owner = &mut found.record.owner;
        if *owner == epoch {
            Ok(Claim::Kept)
        } else if is_free || has_ended {
            *owner = epoch;
            Ok(Claim::Claimed)
        } else {
            Ok(Claim::HeldBy(*owner))
        }
    }

    fn is_free(&self, execution: ExecutionKey, epoch: Epoch, now: Timestamp) -> bool {
        self.executions
            .get(&execution)
            .is_some_and(|found| self.owners.is_free(found.record.owner, epoch, now))
    }
}

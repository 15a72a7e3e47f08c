//! Leases, claims and inboxes on the disk.

use std::sync::atomic::Ordering;

use stepwell::interpreter::Timestamp;
use stepwell::store::{
    Claim, Epoch, ExecutionKey, Lease, Letter, LetterAnswer, LetterKey, OwnerStore, Store,
    StoreFuture, Timer, Window,
};
use tokio::sync::watch;

use super::Mounted;

impl Mounted {
    fn inner(&self) -> &dyn OwnerStore {
        self.disk.contents.owners()
    }
}

impl OwnerStore for Mounted {
    fn join(&self, until: Timestamp) -> StoreFuture<'_, Epoch> {
        self.write(self.inner().join(until))
    }

    fn renew(&self, epoch: Epoch, until: Timestamp) -> StoreFuture<'_, ()> {
        self.write(self.inner().renew(epoch, until))
    }

    fn leave(&self, epoch: Epoch) -> StoreFuture<'_, ()> {
        self.write(self.inner().leave(epoch))
    }

    fn leases(&self) -> StoreFuture<'_, Vec<Lease>> {
        self.inner().leases()
    }

    fn claim(
        &self,
        epoch: Epoch,
        execution: ExecutionKey,
        now: Timestamp,
    ) -> StoreFuture<'_, Claim> {
        let claim = self.write(self.inner().claim(epoch, execution, now));
        Box::pin(async move {
            let claim = claim.await?;
            if claim == Claim::Claimed {
                self.disk.claims.fetch_add(1, Ordering::SeqCst);
            }
            Ok(claim)
        })
    }

    fn timers(&self, epoch: Epoch, window: Window, now: Timestamp) -> StoreFuture<'_, Vec<Timer>> {
        self.inner().timers(epoch, window, now)
    }

    fn deliver(&self, execution: ExecutionKey, content: Vec<u8>) -> StoreFuture<'_, LetterKey> {
        self.write(self.inner().deliver(execution, content))
    }

    fn inbox(
        &self,
        epoch: Epoch,
        after: LetterKey,
        now: Timestamp,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Letter>> {
        self.inner().inbox(epoch, after, now, limit)
    }

    fn discard(&self, letter: LetterKey) -> StoreFuture<'_, ()> {
        self.write(self.inner().discard(letter))
    }

    fn collect(&self, letter: LetterKey) -> StoreFuture<'_, Option<LetterAnswer>> {
        self.write(self.inner().collect(letter))
    }

    fn post(&self) -> watch::Receiver<()> {
        self.inner().post()
    }
}

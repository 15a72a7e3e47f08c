//! Staying an owner, and taking up what another one has left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use stepwell_interpreter::Timestamp;

use crate::store::{Epoch, ExecutionKey, Remedy, StoreError};

use super::Executor;

/// Signs of life in the time of one lease: two may get lost.
const RENEWALS: u32 = 3;

/// How often the store is asked for the end of an execution that another owner holds.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Until when a lease lasts that begins now.
pub(super) fn until(now: Timestamp, lease: Option<Duration>) -> Timestamp {
    lease.map_or(Timestamp::MAX, |lease| now.after(lease))
}

impl Executor {
    /// Renews the lease for as long as the executor lives, and notices when that of another owner
    /// has run out. Without a lease that ends there is nothing to do.
    pub(crate) async fn run_lease(self) {
        let Some(lease) = self.0.lease else {
            return;
        };
        let mut others = BTreeSet::new();
        loop {
            match self.renew(lease, &mut others).await {
                Ok(()) => {}
                Err(error) if error.remedy() == Remedy::StepDown => {
                    self.step_down(&error);
                    return;
                }
                Err(error) => tracing::warn!(%error, "the lease could not be renewed"),
            }
            let next = self.now().after(lease / RENEWALS);
            self.0.clock.sleep_until(next).await;
        }
    }

    /// Renews the lease; `others` are the owners whose leases had not run out when last seen.
    async fn renew(&self, lease: Duration, others: &mut BTreeSet<Epoch>) -> Result<(), StoreError> {
        let owners = self.store().owners();
        let now = self.now();
        owners.renew(self.0.epoch, until(now, Some(lease))).await?;
        let leases = owners.leases().await?;
        let alive: BTreeSet<Epoch> = leases
            .into_iter()
            .filter(|other| other.epoch != self.0.epoch && other.until > now)
            .map(|other| other.epoch)
            .collect();
        if !others.is_subset(&alive) {
            tracing::info!("another owner is gone; its executions are taken over");
            self.0.timers.rescan();
            self.0.freed.notify_one();
        }
        *others = alive;
        Ok(())
    }

    /// Ends the lease, so that others need not wait until it has run out.
    pub(crate) async fn leave(&self) {
        if let Err(error) = self.store().owners().leave(self.0.epoch).await {
            tracing::warn!(%error, "the lease could not be ended and will run out");
        }
    }

    /// The lease was ended: everything here belongs to others now.
    fn step_down(&self, error: &StoreError) {
        self.fail(error);
        self.stop();
    }

    /// Completes when an execution has ended that another owner may hold: `false` when that cannot
    /// be found out.
    pub(super) async fn ends_elsewhere(&self, key: ExecutionKey) -> bool {
        loop {
            self.0.clock.sleep_until(self.now().after(LOOK_AGAIN)).await;
            match self.store().execution(key).await {
                Ok(Some(record)) if record.stopped_at.is_none() => {}
                Ok(found) => return found.is_some(),
                Err(error) if error.remedy() == Remedy::Retry => {}
                Err(_) => return false,
            }
        }
    }
}

//! Forgetting executions some time after their end.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::{Remedy, Removal, StoreError};

use super::Executor;

/// How long an engine runs before it looks for the first time.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// Pause between two walks through all executions.
const PAUSE: Duration = Duration::from_hours(1);

/// Executions that are looked at in one go.
const LOOKS_MAX: usize = 256;

/// Bytes of journals that one transaction removes.
const BYTES_MAX: usize = 4 << 20;

impl Executor {
    /// Removes executions when they have been closed for as long as `keep`, for as long as the
    /// executor lives. The engine's clock says how long that is. When to look is not its business:
    /// a test's clock jumps to whatever somebody waits for, and nobody waits for this.
    pub(crate) async fn run_retention(self, keep: Duration) {
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            pause = PAUSE;
            match self.remove_expired(keep).await {
                Ok(0) => {}
                Ok(executions) => tracing::info!(executions, "closed executions were removed"),
                Err(error) => match error.remedy() {
                    Remedy::Retry | Remedy::ReadAgain => {
                        tracing::warn!(%error, "closed executions are removed later");
                    }
                    Remedy::StepDown | Remedy::GiveUp => return,
                },
            }
        }
    }

    /// Removes every execution that has been closed for as long as `keep`, in small parts that leave
    /// the store half of the time to others. Says how many these were.
    pub(crate) async fn remove_expired(&self, keep: Duration) -> Result<u64, StoreError> {
        let mut removal = Removal {
            ended_before: self.now().before(keep),
            after: None,
            looks_max: LOOKS_MAX,
            bytes_max: BYTES_MAX,
        };
        let mut count = 0;
        loop {
            let begun = Instant::now();
            let removed = self.store().remove_ended(removal).await?;
            count += removed.executions;
            if removed.next.is_none() {
                return Ok(count);
            }
            removal.after = removed.next;
            tokio::time::sleep(begun.elapsed()).await;
        }
    }
}

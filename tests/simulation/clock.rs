//! The runtime's own clock, which stands still while anybody works and jumps when nobody does.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use stepwell::clock::Clock;
use stepwell::interpreter::Timestamp;
use tokio::time::Instant;

/// What all clocks of a run begin with: 2024-01-01.
const BEGIN: i64 = 1_704_067_200_000;

/// A clock that may be set, as an operator or a time server does.
#[derive(Clone)]
pub(crate) struct PausedClock {
    begun: Instant,
    offset: Arc<AtomicI64>,
}

impl PausedClock {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            offset: Arc::new(AtomicI64::new(0)),
        }
    }

    /// Sets the clock: so far before or behind the true time.
    pub(crate) fn set_off(&self, milliseconds: i64) {
        self.offset.store(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.begun.elapsed().as_millis()).expect("a run is short");
        Timestamp::from_milliseconds(BEGIN + passed + self.offset.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            // The clock may be set while somebody sleeps.
            loop {
                let left = at.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(Duration::from_secs(60))).await;
            }
        })
    }
}

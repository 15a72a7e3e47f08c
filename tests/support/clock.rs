//! A clock that nobody has to wait for.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use stepwell::clock::Clock;
use stepwell::interpreter::Timestamp;
use tokio::sync::watch;

/// Yields that sleepers grant others before the clock jumps to their time.
const YIELDS: usize = 32;

/// A clock that stands still until somebody sleeps, and then jumps to when they want to wake.
/// Meant for one execution at a time: with several, the first to sleep moves the clock for all.
#[derive(Debug)]
pub struct SkippingClock(AtomicI64);

impl SkippingClock {
    /// A clock that shows `now`.
    pub fn starting_at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.milliseconds()))
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
            self.0.fetch_max(at.milliseconds(), Ordering::SeqCst);
        })
    }
}

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<Timestamp>);

/// It begins with 2023-11-14.
impl Default for ManualClock {
    fn default() -> Self {
        Self::starting_at(Timestamp::from_milliseconds(1_700_000_000_000))
    }
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn starting_at(now: Timestamp) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Time passes, for whoever sleeps too.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.after(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            // The sender lives as long as the clock.
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}

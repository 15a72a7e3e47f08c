//! A clock that nobody has to wait for.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};

use stepwell::clock::Clock;
use stepwell::interpreter::Timestamp;

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

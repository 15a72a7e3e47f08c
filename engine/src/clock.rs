//! The time, as an interface: the system's clock in production, a test's own in tests.

use std::pin::Pin;
use std::time::Duration;

use stepwell_interpreter::Timestamp;

/// Tells the time and waits for it.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Completes when the clock shows `at` or later.
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Longest time that is slept at once. The system's clock may be set meanwhile.
const NAP_MAX: Duration = Duration::from_mins(1);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(chrono::Utc::now().timestamp_millis())
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let left = at.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(NAP_MAX)).await;
            }
        })
    }
}

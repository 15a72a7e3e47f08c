//! Retriers and catchers.

use std::sync::Arc;

use super::{ResultPath, StateId, Template};

/// One element of `Retry`.
#[derive(Clone, Debug, PartialEq)]
pub struct Retrier {
    /// Error names it answers to; never empty.
    pub error_equals: Vec<Arc<str>>,
    /// Seconds before the first retry, 1 to 99,999,999.
    pub interval_seconds: u64,
    /// Retries before it gives up, 0 to 99,999,999.
    pub max_attempts: u64,
    /// Factor between one delay and the next, at least 1.
    pub backoff_rate: f64,
    /// Upper bound of a delay in seconds, above the interval, at most 31,622,400.
    pub max_delay_seconds: Option<u64>,
    /// Whether delays are drawn at random.
    pub jitter: Jitter,
}

/// `JitterStrategy`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Jitter {
    /// The delay as computed.
    #[default]
    None,
    /// Uniformly from zero to the delay.
    Full,
}

/// One element of `Catch`.
#[derive(Clone, Debug, PartialEq)]
pub struct Catcher {
    /// Error names it answers to; never empty.
    pub error_equals: Vec<Arc<str>>,
    /// The state that handles the error.
    pub next: StateId,
    /// Where the error object goes in the raw input (JSONPath).
    pub result_path: ResultPath,
    /// `Output` (JSONata).
    pub output: Option<Template>,
    /// `Assign` (both).
    pub assign: Option<Template>,
    /// Its `Comment`.
    pub comment: Option<String>,
}

impl Retrier {
    /// Longest delay of a retrier without `MaxDelaySeconds`: the bound of every duration.
    pub const DELAY_SECONDS_MAX: u64 = 99_999_999;
}

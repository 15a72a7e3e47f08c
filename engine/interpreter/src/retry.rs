//! Which retrier or catcher answers to an error, and how long a retry waits.
//!
//! Source: Amazon States Language, "Errors"; what AWS was recorded to do goes before it.

use std::sync::Arc;
use std::time::Duration;

use stepwell_language::model::{Catcher, Jitter, Retrier};

use crate::chance::Chance;
use crate::failure::{Failure, FailureClass, name};

/// A failure with what decides who may handle it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failed {
    /// Error and cause.
    pub(crate) failure: Failure,
    /// What kind of failure it is.
    pub(crate) class: FailureClass,
}

impl Failed {
    /// A failure that is matched by its name.
    pub(crate) fn by_name(failure: Failure) -> Self {
        Self {
            failure,
            class: FailureClass::ByName,
        }
    }

    /// Whether any retrier or catcher can answer to it, in its own state or around it.
    pub(crate) fn may_be_caught(&self) -> bool {
        let is_runtime = self.failure.error.as_deref() == Some(name::RUNTIME);
        !is_runtime && self.class != FailureClass::OwnOutput
    }

    fn is_matched_by(&self, error_equals: &[Arc<str>]) -> bool {
        let error = self.failure.error.as_deref();
        if !self.may_be_caught() {
            return false;
        }
        error_equals.iter().any(|matcher| match &**matcher {
            name::ALL => true,
            name::TASK_FAILED => error != Some(name::TIMEOUT),
            name::HEARTBEAT_TIMEOUT if self.class == FailureClass::Heartbeat => true,
            matcher => Some(matcher) == error,
        })
    }
}

/// The retrier that answers to a failure, if it has attempts left. `used` counts the retries that
/// each retrier made already. When the first that matches has none left, no other is tried.
pub(crate) fn choose_retrier<'a>(
    retriers: &'a [Retrier],
    failed: &Failed,
    used: &[u64],
) -> Option<(usize, &'a Retrier)> {
    let (index, retrier) = matching_retrier(retriers, failed)?;
    let attempts = used.get(index).copied().unwrap_or(0);
    (attempts < retrier.max_attempts).then_some((index, retrier))
}

/// The first retrier that answers to a failure, whether it has attempts left or not.
pub(crate) fn matching_retrier<'a>(
    retriers: &'a [Retrier],
    failed: &Failed,
) -> Option<(usize, &'a Retrier)> {
    retriers
        .iter()
        .enumerate()
        .find(|(_, retrier)| failed.is_matched_by(&retrier.error_equals))
}

/// The first catcher that answers to a failure.
pub(crate) fn choose_catcher<'a>(
    catchers: &'a [Catcher],
    failed: &Failed,
) -> Option<(usize, &'a Catcher)> {
    catchers
        .iter()
        .enumerate()
        .find(|(_, catcher)| failed.is_matched_by(&catcher.error_equals))
}

/// How long to wait before the next attempt, after `attempts` retries by this retrier.
pub(crate) fn delay(retrier: &Retrier, attempts: u64, chance: &mut Chance) -> Duration {
    let exponent = i32::try_from(attempts).unwrap_or(i32::MAX);
    #[expect(
        clippy::cast_precision_loss,
        reason = "an interval is below 10^8 seconds"
    )]
    let grown = retrier.interval_seconds as f64 * retrier.backoff_rate.powi(exponent);
    #[expect(clippy::cast_precision_loss, reason = "a delay is below 10^8 seconds")]
    let bound = retrier
        .max_delay_seconds
        .unwrap_or(Retrier::DELAY_SECONDS_MAX) as f64;
    let seconds = grown.min(bound);
    Duration::from_secs_f64(match retrier.jitter {
        Jitter::None => seconds,
        Jitter::Full => seconds * chance.fraction(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retrier(error_equals: &[&str]) -> Retrier {
        Retrier {
            error_equals: error_equals.iter().map(|&text| text.into()).collect(),
            interval_seconds: 3,
            max_attempts: 2,
            backoff_rate: 2.0,
            max_delay_seconds: None,
            jitter: Jitter::None,
        }
    }

    #[track_caller]
    fn check(error: Option<&str>, matcher: &str, expected: bool) {
        let failure = Failure {
            error: error.map(Into::into),
            cause: None,
        };
        let failed = Failed::by_name(failure);
        assert_eq!(
            failed.is_matched_by(&[matcher.into()]),
            expected,
            "{error:?} by {matcher}"
        );
    }

    #[test]
    fn wildcards_match_what_aws_says_they_do() {
        check(Some("Custom"), "States.ALL", true);
        check(Some("Custom"), "States.TaskFailed", true);
        check(Some("Custom"), "Custom", true);
        check(Some("Custom"), "custom", false);
        check(Some("States.Timeout"), "States.ALL", true);
        check(Some("States.Timeout"), "States.TaskFailed", false);
        check(Some("States.Timeout"), "States.HeartbeatTimeout", false);
        check(Some("States.Runtime"), "States.ALL", false);
        check(Some("States.Runtime"), "States.Runtime", false);
        check(None, "States.ALL", true);
    }

    #[test]
    fn a_missed_heartbeat_answers_to_both_names() {
        let failed = Failed {
            failure: Failure::without_cause(name::TIMEOUT),
            class: FailureClass::Heartbeat,
        };
        assert!(failed.is_matched_by(&["States.HeartbeatTimeout".into()]));
        assert!(failed.is_matched_by(&["States.Timeout".into()]));
        assert!(!failed.is_matched_by(&["States.TaskFailed".into()]));
    }

    #[test]
    fn nothing_catches_an_output_that_is_too_large() {
        let failed = Failed {
            failure: Failure::without_cause(name::DATA_LIMIT_EXCEEDED),
            class: FailureClass::OwnOutput,
        };
        assert!(!failed.is_matched_by(&["States.ALL".into()]));
    }

    #[test]
    fn a_used_up_retrier_keeps_later_ones_from_being_tried() {
        let retriers = [retrier(&["A"]), retrier(&["States.ALL"])];
        let failed = Failed::by_name(Failure::without_cause("A"));
        assert_eq!(
            choose_retrier(&retriers, &failed, &[]).map(|(index, _)| index),
            Some(0)
        );
        assert_eq!(choose_retrier(&retriers, &failed, &[2]), None);
    }

    #[test]
    fn delays_grow_to_their_bound() {
        let mut chance = Chance::from_number(0);
        let mut retrier = retrier(&["A"]);
        let mut seconds = |retrier: &Retrier, attempts| delay(retrier, attempts, &mut chance);
        assert_eq!(
            [0, 1, 2].map(|attempts| seconds(&retrier, attempts).as_secs()),
            [3, 6, 12]
        );
        assert!(seconds(&retrier, u64::MAX).as_secs() < 100_000_000);
        retrier.max_delay_seconds = Some(5);
        assert_eq!(seconds(&retrier, 1), Duration::from_secs(5));
        retrier.jitter = Jitter::Full;
        assert!((0..50).all(|_| seconds(&retrier, 1) <= Duration::from_secs(5)));
    }
}

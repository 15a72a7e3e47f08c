//! Instants, to the millisecond.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use stepwell_language::timestamp;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The last instant that can be named; nothing is due then.
    pub const MAX: Self = Self(i64::MAX);

    /// The first instant that can be named; nothing was due then.
    pub const BEGINNING: Self = Self(i64::MIN);

    /// The instant so many milliseconds after the epoch.
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the epoch.
    pub fn milliseconds(self) -> i64 {
        self.0
    }

    /// The instant `duration` later, or [`Self::MAX`].
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }

    /// The instant `duration` earlier, or [`Self::BEGINNING`].
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(milliseconds))
    }

    /// The time from `earlier` to this instant; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads a timestamp; see [`timestamp::parse`]. Fractions beyond milliseconds round up, so that
    /// nothing fires before its time.
    pub fn parse(text: &str) -> Option<Self> {
        let instant = timestamp::parse(text)?;
        let partial = instant.timestamp_subsec_nanos() % 1_000_000 != 0;
        Some(Self(instant.timestamp_millis() + i64::from(partial)))
    }
}

/// `2026-01-31T12:00:00.000Z`, as the context object shows it.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_millis(self.0) {
            Some(instant) => {
                formatter.write_str(&instant.to_rfc3339_opts(SecondsFormat::Millis, true))
            }
            None => write!(formatter, "{} ms after the epoch", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_prints_as_it_reads() {
        let text = "2026-01-31T12:00:00.007Z";
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn offsets_and_fractions_are_read() {
        let base = Timestamp::parse("2026-01-31T12:00:00Z").unwrap();
        assert_eq!(Timestamp::parse("2026-01-31T13:00:00+01:00"), Some(base));
        assert_eq!(
            Timestamp::parse("2026-01-31T12:00:00.000000001Z"),
            Some(base.after(Duration::from_millis(1)))
        );
    }
}

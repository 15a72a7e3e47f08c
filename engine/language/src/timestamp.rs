//! Timestamps, as definitions and data have them.

use chrono::{DateTime, FixedOffset, Timelike};

/// Digits behind the decimal point.
const FRACTION_DIGITS_MAX: usize = 9;

/// Seconds between local time and UTC, either way.
const OFFSET_SECONDS_MAX: i32 = 18 * 60 * 60;

/// Reads a timestamp of RFC 3339 in the profile that AWS reads: an upper-case `T`, and `Z` or an
/// offset. AWS reads it with Java's `ISO_OFFSET_DATE_TIME`, which knows no leap second, nothing
/// below a nanosecond, and no offset beyond 18 hours.
///
/// ```
/// use stepwell_language::timestamp;
///
/// assert!(timestamp::parse("2026-01-31T12:00:00.5+01:00").is_some());
/// assert!(timestamp::parse("2026-01-31 12:00:00Z").is_none());
/// ```
pub fn parse(text: &str) -> Option<DateTime<FixedOffset>> {
    // The reader would take other spellings of `T`, `Z` and the minus sign too.
    if !text.is_ascii() || text.contains(['t', 'z', ' ']) {
        return None;
    }
    let timestamp = DateTime::parse_from_rfc3339(text).ok()?;
    let is_leap_second = timestamp.nanosecond() >= 1_000_000_000;
    let has_offset = timestamp.offset().local_minus_utc().abs() <= OFFSET_SECONDS_MAX;
    (!is_leap_second && has_offset && fraction_digits(text) <= FRACTION_DIGITS_MAX)
        .then_some(timestamp)
}

fn fraction_digits(text: &str) -> usize {
    let (_, fraction) = text.split_once('.').unwrap_or_default();
    fraction.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(parse(text).is_some(), expected, "{text}");
    }

    #[test]
    fn what_java_reads_is_read() {
        check("2026-01-31T12:00:00Z", true);
        check("2026-01-31T23:59:59.999999999Z", true);
        check("2026-01-31T12:00:00+18:00", true);
        check("2026-01-31T12:00:00-18:00", true);
        check("2026-01-31T12:00:00.5-00:00", true);
    }

    #[test]
    fn what_java_does_not_read_is_refused() {
        check("", false);
        check("2026-01-31", false);
        check("2026-01-31 12:00:00Z", false);
        check("2026-01-31T12:00:00", false);
        check("2026-01-31t12:00:00z", false);
        check("2026-01-31T12:00:00\u{2212}01:00", false);
        check("2026-02-30T12:00:00Z", false);
        check("2026-01-31T23:59:60Z", false);
        check("2026-06-30T23:59:60.5Z", false);
        check("2026-01-31T24:00:00Z", false);
        check("2026-01-31T12:00:00.0000000000Z", false);
        check("2026-01-31T12:00:00+18:01", false);
        check("2026-01-31T12:00:00-19:00", false);
    }
}

//! The Wait state.

use crate::model::{QueryLanguage, Wait, WaitDuration};

use super::fields::{Fields, Range};
use super::state::Setting;
use super::{Parser, wording};

impl Parser<'_> {
    pub(super) fn wait(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Wait {
        let duration = match setting.language {
            QueryLanguage::JsonPath => self.wait_json_path(fields),
            QueryLanguage::Jsonata => self.wait_jsonata(fields),
        };
        Wait {
            duration: duration.unwrap_or(WaitDuration::Seconds(0)),
            transition: self.transition(fields, setting.scope),
        }
    }

    fn wait_json_path(&mut self, fields: &mut Fields<'_>) -> Option<WaitDuration> {
        self.one_duration(
            fields,
            &["Seconds", "Timestamp", "SecondsPath", "TimestampPath"],
        );
        if let Some(path) = fields.reference_path(self, "SecondsPath") {
            return Some(WaitDuration::SecondsPath(path));
        }
        if let Some(path) = fields.reference_path(self, "TimestampPath") {
            return Some(WaitDuration::TimestampPath(path));
        }
        if fields.has("Seconds") {
            return fields
                .integer(self, "Seconds", 0, 99_999_999)
                .map(WaitDuration::Seconds);
        }
        self.timestamp(fields)
    }

    fn wait_jsonata(&mut self, fields: &mut Fields<'_>) -> Option<WaitDuration> {
        self.one_duration(fields, &["Seconds", "Timestamp"]);
        if let Some(node) = fields.node("Seconds") {
            if let Some(expression) = fields.expression(self, "Seconds", node) {
                return Some(WaitDuration::SecondsExpression(expression));
            }
            let range = Range {
                minimum: 0,
                maximum: 99_999_999,
                is_integer: true,
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it lies in the range and has no fraction"
            )]
            return fields
                .number(self, "Seconds", node, range)
                .map(|seconds| WaitDuration::Seconds(seconds as u64));
        }
        let node = fields.node("Timestamp")?;
        if let Some(expression) = fields.expression(self, "Timestamp", node) {
            return Some(WaitDuration::TimestampExpression(expression));
        }
        self.timestamp(fields)
    }

    fn timestamp(&mut self, fields: &mut Fields<'_>) -> Option<WaitDuration> {
        let text = fields.text(self, "Timestamp")?;
        if !is_timestamp(&text) {
            let (location, span) = (fields.at("Timestamp"), fields.span);
            self.schema(wording::NO_TIMESTAMP, &location, span);
        }
        Some(WaitDuration::Timestamp(text))
    }

    fn one_duration(&mut self, fields: &Fields<'_>, durations: &[&str]) {
        let given = durations.iter().filter(|field| fields.has(field)).count();
        let message = match given {
            0 => wording::exactly_one(durations),
            1 => return,
            _ => wording::at_most_one(durations),
        };
        self.schema(message, &fields.location, fields.span);
    }
}

/// Whether a text is a timestamp in the profile of RFC 3339 that AWS reads: an upper-case `T`, and
/// `Z` or an offset.
pub(super) fn is_timestamp(text: &str) -> bool {
    !text.contains(['t', 'z', ' ']) && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

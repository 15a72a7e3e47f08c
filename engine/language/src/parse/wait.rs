//! The Wait state.

use crate::model::{QueryLanguage, Wait, WaitDuration};
use crate::timestamp;

use super::fields::Fields;
use super::state::Setting;
use super::template::Written;
use super::{Parser, wording};

impl Parser<'_> {
    pub(super) fn wait(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Wait {
        let duration = match setting.language {
            QueryLanguage::JsonPath => self.wait_json_path(fields),
            QueryLanguage::Jsonata => self.wait_jsonata(fields),
        };
        Wait {
            duration: duration.unwrap_or(WaitDuration::Seconds(0)),
            transition: self.transition(fields, setting),
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
            return self.seconds(fields);
        }
        self.timestamp(fields)
    }

    fn wait_jsonata(&mut self, fields: &mut Fields<'_>) -> Option<WaitDuration> {
        self.one_duration(fields, &["Seconds", "Timestamp"]);
        let language = QueryLanguage::Jsonata;
        if let Some(node) = fields.node("Seconds") {
            return match fields.written(self, "Seconds", node, language) {
                Written::Expression(expression) => {
                    Some(WaitDuration::SecondsExpression(expression))
                }
                Written::Literal => self.seconds(fields),
                Written::Broken => None,
            };
        }
        let node = fields.node("Timestamp")?;
        match fields.written(self, "Timestamp", node, language) {
            Written::Expression(expression) => Some(WaitDuration::TimestampExpression(expression)),
            Written::Literal => self.timestamp(fields),
            Written::Broken => None,
        }
    }

    fn seconds(&mut self, fields: &mut Fields<'_>) -> Option<WaitDuration> {
        fields
            .integer(self, "Seconds", 0, 99_999_999)
            .map(WaitDuration::Seconds)
    }

    fn timestamp(&mut self, fields: &mut Fields<'_>) -> Option<WaitDuration> {
        let text = fields.text(self, "Timestamp")?;
        if timestamp::parse(&text).is_none() {
            let given = fields.object.get("Timestamp");
            let span = given.map_or(fields.span, |node| node.span);
            self.schema(wording::NO_TIMESTAMP, fields.at("Timestamp"), span);
        }
        Some(WaitDuration::Timestamp(text))
    }

    fn one_duration(&mut self, fields: &mut Fields<'_>, durations: &[&'static str]) {
        let given = durations.iter().filter(|field| fields.has(field)).count();
        let message = match given {
            0 => wording::exactly_one(durations),
            1 => return,
            _ => return fields.at_most_one(self, durations),
        };
        self.schema(message, &fields.location, fields.span);
    }
}

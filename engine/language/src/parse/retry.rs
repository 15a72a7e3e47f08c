//! `Retry` and `Catch`.

use std::sync::Arc;

use crate::json::Node;
use crate::model::{Catcher, Jitter, QueryLanguage, ResultPath, Retrier};

use super::fields::{Fields, Range};
use super::state::Setting;
use super::{Parser, wording};

/// Longest `MaxDelaySeconds`: a year and a day.
const DELAY_SECONDS_MAX: u64 = 31_622_400;

impl Parser<'_> {
    pub(super) fn retry(&mut self, fields: &mut Fields<'_>) -> Vec<Retrier> {
        let location = fields.at("Retry");
        let nodes = self.handlers(fields, "Retry");
        let last = nodes.len().saturating_sub(1);
        let read = |parser: &mut Self, (index, node): (usize, &Node)| {
            let location = format!("{location}[{index}]");
            parser.retrier(node, &location, index == last)
        };
        nodes
            .iter()
            .enumerate()
            .filter_map(|element| read(self, element))
            .collect()
    }

    pub(super) fn catch(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Vec<Catcher> {
        let location = fields.at("Catch");
        let nodes = self.handlers(fields, "Catch");
        let last = nodes.len().saturating_sub(1);
        let read = |parser: &mut Self, (index, node): (usize, &Node)| {
            let location = format!("{location}[{index}]");
            parser.catcher(node, &location, index == last, setting)
        };
        nodes
            .iter()
            .enumerate()
            .filter_map(|element| read(self, element))
            .collect()
    }

    /// The elements of `Retry` or `Catch`; an empty list is fine.
    fn handlers<'a>(&mut self, fields: &mut Fields<'a>, field: &'static str) -> &'a [Node] {
        let Some(node) = fields.node(field) else {
            return &[];
        };
        node.as_array().unwrap_or_else(|| {
            self.schema(wording::expected("Array"), fields.at(field), node.span);
            &[]
        })
    }

    fn retrier(&mut self, node: &Node, location: &str, is_last: bool) -> Option<Retrier> {
        let mut fields = Fields::of(self, node, location)?;
        fields.require(self, &["ErrorEquals"]);
        let error_equals = self.error_equals(&mut fields, is_last);
        let interval = fields.integer(self, "IntervalSeconds", 1, 99_999_999);
        let max_attempts = fields.integer(self, "MaxAttempts", 0, 99_999_999);
        let backoff_rate = fields.node("BackoffRate").and_then(|node| {
            let range = Range {
                minimum: 1,
                maximum: 99_999_999,
                is_integer: false,
            };
            fields.number(self, "BackoffRate", node, range)
        });
        let max_delay_seconds = fields.integer(self, "MaxDelaySeconds", 1, DELAY_SECONDS_MAX);
        let jitter = fields.one_of(self, "JitterStrategy", &["FULL", "NONE"]);
        fields.text(self, "Comment");
        let interval_seconds = interval.unwrap_or(1);
        if max_delay_seconds.is_some_and(|longest| longest <= interval_seconds) {
            self.schema(wording::DELAY_TOO_SHORT, location, node.span);
        }
        fields.finish(self);
        Some(Retrier {
            error_equals,
            interval_seconds,
            max_attempts: max_attempts.unwrap_or(3),
            backoff_rate: backoff_rate.unwrap_or(2.0),
            max_delay_seconds,
            jitter: if jitter == Some("FULL") {
                Jitter::Full
            } else {
                Jitter::None
            },
        })
    }

    fn catcher(
        &mut self,
        node: &Node,
        location: &str,
        is_last: bool,
        setting: Setting,
    ) -> Option<Catcher> {
        let mut fields = Fields::of(self, node, location)?;
        fields.language = Some(setting.language);
        fields.require(self, &["ErrorEquals", "Next"]);
        let error_equals = self.error_equals(&mut fields, is_last);
        let next = fields
            .node("Next")
            .and_then(|node| self.target(setting, node, &format!("{location}/Next")));
        self.available.error_output = true;
        let (result_path, output) = match setting.language {
            QueryLanguage::JsonPath => (self.result_path(&mut fields), None),
            QueryLanguage::Jsonata => (
                ResultPath::Replace,
                self.template(&mut fields, "Output", setting.language),
            ),
        };
        let assign = self.assign(&mut fields, setting);
        self.available.error_output = false;
        let comment = fields.text(self, "Comment");
        fields.finish(self);
        Some(Catcher {
            error_equals,
            next: next?,
            result_path,
            output,
            assign,
            comment,
        })
    }

    /// `ErrorEquals`: `States.ALL` stands alone, and in the last element only.
    fn error_equals(&mut self, fields: &mut Fields<'_>, is_last: bool) -> Vec<Arc<str>> {
        let names = fields.texts(self, "ErrorEquals");
        let has_wildcard = names.iter().any(|name| &**name == "States.ALL");
        if has_wildcard && (names.len() > 1 || !is_last) {
            let given = fields.object.get("ErrorEquals");
            let span = given.map_or(fields.span, |node| node.span);
            let location = format!("{}[0]", fields.at("ErrorEquals"));
            self.schema(wording::ALL_STANDS_ALONE, location, span);
        }
        names
    }
}

//! The rules of the API's model: lengths, ranges and patterns of the members of a request. What a
//! request breaks is told together, in AWS's words.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::error::OperationError;

use super::model::Rule;

/// Characters of an ARN.
pub(super) const ARN: RangeInclusive<usize> = 1..=256;

/// Characters of an ARN of a version that is to be deleted.
pub(super) const LONG_ARN: RangeInclusive<usize> = 1..=2_000;

/// Characters of a description.
pub(super) const DESCRIPTION: RangeInclusive<usize> = 0..=256;

/// The rules that a request breaks.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<String>);

impl Violations {
    /// Notes that a value breaks a rule.
    pub(super) fn add(&mut self, value: impl Display, member: &str, rule: impl Display) {
        self.0.push(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"
        ));
    }

    /// Notes that a member is not there.
    pub(super) fn missing(&mut self, member: &str) {
        self.0.push(format!(
            "Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// A text follows rules.
    pub(super) fn text(&mut self, text: &str, member: &str, rules: &[Rule]) {
        for rule in rules.iter().filter_map(|rule| rule.broken(text)) {
            self.add(text, member, rule);
        }
    }

    /// A text has so many characters.
    pub(super) fn length(&mut self, text: &str, member: &str, length: RangeInclusive<usize>) {
        if let Some(rule) = broken_length(text.chars().count(), &length) {
            self.add(text, member, rule);
        }
    }

    /// A text that may hold what is nobody's business has so many characters.
    pub(super) fn hidden_length(
        &mut self,
        text: Option<&str>,
        member: &str,
        length: RangeInclusive<usize>,
    ) {
        let found = text.map(|text| text.chars().count());
        if let Some(rule) = found.and_then(|found| broken_length(found, &length)) {
            self.hidden(member, rule);
        }
    }

    /// A text that may hold what is nobody's business has so many bytes at most.
    pub(super) fn hidden_size(&mut self, text: Option<&str>, member: &str, most: usize) {
        if let Some(rule) = text.and_then(|text| broken_length(text.len(), &(0..=most))) {
            self.hidden(member, rule);
        }
    }

    /// Notes that a value that may hold what is nobody's business breaks a rule.
    pub(super) fn hidden(&mut self, member: &str, rule: impl Display) {
        self.0.push(format!(
            "Value at '{member}' failed to satisfy constraint: Member must {rule}"
        ));
    }

    /// A list has so many elements.
    pub(super) fn count(
        &mut self,
        elements: &[impl Display],
        member: &str,
        count: RangeInclusive<usize>,
    ) {
        if let Some(rule) = broken_length(elements.len(), &count) {
            self.add(format_args!("[{}]", joined(elements)), member, rule);
        }
    }

    /// A number lies in a range.
    pub(super) fn range<N: Copy + Display + PartialOrd>(
        &mut self,
        number: N,
        member: &str,
        range: &RangeInclusive<N>,
    ) {
        if number < *range.start() {
            let least = range.start();
            self.add(
                number,
                member,
                format_args!("have value greater than or equal to {least}"),
            );
        } else if number > *range.end() {
            let most = range.end();
            self.add(
                number,
                member,
                format_args!("have value less than or equal to {most}"),
            );
        }
    }

    /// A page has so many entries, and its token so many characters.
    pub(super) fn page(&mut self, max_results: Option<i64>, next_token: Option<&str>) {
        if let Some(size) = max_results {
            self.range(size, "maxResults", &(0..=1_000));
        }
        if let Some(token) = next_token {
            self.length(token, "nextToken", 1..=1_024);
        }
    }

    /// Refuses a request that breaks any.
    pub(super) fn finish(self) -> Result<(), OperationError> {
        let plural = match self.0.len() {
            0 => return Ok(()),
            1 => "",
            _ => "s",
        };
        Err(OperationError::Validation(format!(
            "{} validation error{plural} detected: {}",
            self.0.len(),
            self.0.join("; ")
        )))
    }
}

/// Things in a list, as AWS prints one.
pub(super) fn joined(elements: &[impl Display]) -> String {
    let texts: Vec<String> = elements.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// What something of this length would do, if it does not.
pub(super) fn broken_length(found: usize, length: &RangeInclusive<usize>) -> Option<String> {
    let (least, most) = (length.start(), length.end());
    if found < *least {
        Some(format!("have length greater than or equal to {least}"))
    } else if found > *most {
        Some(format!("have length less than or equal to {most}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_told_together() {
        assert!(Violations::default().finish().is_ok());
        let mut violations = Violations::default();
        violations.length("arn", "arn", ARN);
        violations.length("", "name", 1..=80);
        let message = "1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1";
        assert_eq!(violations.finish().unwrap_err().to_string(), message);

        let mut violations = Violations::default();
        violations.range(101, "weight", &(0..=100));
        violations.hidden_length(Some("secret"), "description", 0..=3);
        violations.count(&["a", "b"], "list", 1..=1);
        let message = "3 validation errors detected: Value '101' at 'weight' failed to satisfy constraint: Member must have value less than or equal to 100; Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 3; Value '[a, b]' at 'list' failed to satisfy constraint: Member must have length less than or equal to 1";
        assert_eq!(violations.finish().unwrap_err().to_string(), message);
    }
}

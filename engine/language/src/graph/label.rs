//! Short texts for edges.

use std::sync::Arc;

use crate::model::{Comparison, Condition, Operand, Order};

/// Characters of a label at most, the ellipsis aside.
const LENGTH_MAX: usize = 60;

/// A condition as a reader would write it: `$.total >= 100 and not $.vip is present`.
pub(super) fn condition(condition: &Condition) -> String {
    let mut label = Label::default();
    label.condition(condition);
    label.finish()
}

/// The error names of a catcher.
pub(super) fn catch(error_equals: &[Arc<str>]) -> String {
    let mut label = Label::default();
    label.push("Catch ");
    for (index, name) in error_equals.iter().enumerate() {
        label.push(if index == 0 { "" } else { ", " });
        label.push(name);
        if label.is_full() {
            break;
        }
    }
    label.finish()
}

/// A text that stops growing when it is too long to read, whatever it is given.
#[derive(Default)]
struct Label {
    text: String,
    length: usize,
}

impl Label {
    fn condition(&mut self, condition: &Condition) {
        if self.is_full() {
            return;
        }
        match condition {
            Condition::And(conditions) => self.all(conditions, " and "),
            Condition::Or(conditions) => self.all(conditions, " or "),
            Condition::Not(condition) => {
                self.push("not ");
                self.nested(condition);
            }
            Condition::Compare {
                variable,
                comparison,
            } => {
                self.push(variable.text());
                self.comparison(comparison);
            }
            Condition::Constant(value) => self.push(if *value { "true" } else { "false" }),
            Condition::Jsonata(expression) => self.push(expression.source()),
        }
    }

    fn all(&mut self, conditions: &[Condition], between: &str) {
        for (index, condition) in conditions.iter().enumerate() {
            if self.is_full() {
                return;
            }
            if index > 0 {
                self.push(between);
            }
            self.nested(condition);
        }
    }

    /// A condition inside another, in parentheses where it would read as something else.
    fn nested(&mut self, condition: &Condition) {
        match condition {
            Condition::And(_) | Condition::Or(_) => {
                self.push("(");
                self.condition(condition);
                self.push(")");
            }
            Condition::Not(_)
            | Condition::Compare { .. }
            | Condition::Constant(_)
            | Condition::Jsonata(_) => self.condition(condition),
        }
    }

    fn comparison(&mut self, comparison: &Comparison) {
        match comparison {
            Comparison::String(order, operand) | Comparison::Timestamp(order, operand) => {
                self.push(sign(*order));
                self.operand(operand, |text| format!("{:?}", &**text));
            }
            Comparison::Numeric(order, operand) => {
                self.push(sign(*order));
                self.operand(operand, ToString::to_string);
            }
            Comparison::Boolean(operand) => {
                self.push(sign(Order::Equals));
                self.operand(operand, ToString::to_string);
            }
            Comparison::StringMatches(pattern) => {
                self.push(" matches ");
                self.push(&format!("{:?}", &**pattern));
            }
            Comparison::IsNull(expected) => self.test(*expected, "null"),
            Comparison::IsPresent(expected) => self.test(*expected, "present"),
            Comparison::IsNumeric(expected) => self.test(*expected, "a number"),
            Comparison::IsString(expected) => self.test(*expected, "a string"),
            Comparison::IsBoolean(expected) => self.test(*expected, "a boolean"),
            Comparison::IsTimestamp(expected) => self.test(*expected, "a timestamp"),
        }
    }

    fn operand<T>(&mut self, operand: &Operand<T>, show: impl Fn(&T) -> String) {
        match operand {
            Operand::Literal(value) => self.push(&show(value)),
            Operand::Path(path) => self.push(path.text()),
        }
    }

    fn test(&mut self, expected: bool, what: &str) {
        self.push(if expected { " is " } else { " is not " });
        self.push(what);
    }

    fn push(&mut self, text: &str) {
        let room = (LENGTH_MAX + 1).saturating_sub(self.length);
        for character in text.chars().take(room) {
            // A label is one line.
            self.text.push(if character.is_whitespace() {
                ' '
            } else {
                character
            });
            self.length += 1;
        }
    }

    fn is_full(&self) -> bool {
        self.length > LENGTH_MAX
    }

    fn finish(mut self) -> String {
        if self.is_full() {
            self.text.pop();
            self.text.push('…');
        }
        self.text
    }
}

fn sign(order: Order) -> &'static str {
    match order {
        Order::Equals => " = ",
        Order::LessThan => " < ",
        Order::GreaterThan => " > ",
        Order::LessThanEquals => " <= ",
        Order::GreaterThanEquals => " >= ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::JsonataExpression;

    #[track_caller]
    fn check(value: &Condition, expected: &str) {
        assert_eq!(condition(value), expected);
    }

    #[test]
    fn conditions_nest_with_as_few_parentheses_as_needed() {
        use Condition::{And, Constant, Not, Or};
        check(&Constant(true), "true");
        check(&Not(Box::new(Constant(false))), "not false");
        check(
            &And(vec![Constant(true), Constant(false)]),
            "true and false",
        );
        check(
            &And(vec![
                Or(vec![Constant(true), Constant(false)]),
                Not(Box::new(Constant(true))),
            ]),
            "(true or false) and not true",
        );
        check(&Not(Box::new(Or(vec![Constant(true)]))), "not (true)");
        let source = "$states.input.total\n  > 100";
        check(
            &Condition::Jsonata(JsonataExpression::parse(source).unwrap()),
            "$states.input.total   > 100",
        );
    }

    #[test]
    fn long_labels_are_cut() {
        let wide = Condition::And(vec![Condition::Constant(true); 100_000]);
        assert_eq!(condition(&wide).chars().count(), LENGTH_MAX + 1);
        assert!(condition(&wide).ends_with('…'));
        let names: Vec<Arc<str>> = vec!["States.Timeout".into(), "Custom".into()];
        assert_eq!(catch(&names), "Catch States.Timeout, Custom");
        assert!(catch(&vec!["ä".repeat(100).into(); 9]).ends_with("ä…"));
    }

    #[test]
    fn comparisons_read_like_formulas() {
        let text = |comparison: &Comparison| {
            let mut label = Label::default();
            label.comparison(comparison);
            label.finish()
        };
        let equals = Operand::Literal("a \"b\"".into());
        assert_eq!(
            text(&Comparison::String(Order::Equals, equals)),
            r#" = "a \"b\"""#
        );
        let number = Operand::Literal(100.into());
        assert_eq!(
            text(&Comparison::Numeric(Order::GreaterThanEquals, number)),
            " >= 100"
        );
        assert_eq!(
            text(&Comparison::Boolean(Operand::Literal(true))),
            " = true"
        );
        assert_eq!(
            text(&Comparison::StringMatches("log-*".into())),
            r#" matches "log-*""#
        );
        assert_eq!(text(&Comparison::IsPresent(false)), " is not present");
        assert_eq!(text(&Comparison::IsNumeric(true)), " is a number");
    }
}

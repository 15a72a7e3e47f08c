//! Which variables each state reads, as `DescribeStateMachine` tells it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::expression::{Expression, JsonPath, JsonataExpression, ReferencePath};
use crate::json::Value;

use super::{
    Comparison, Condition, DataFlow, Map, MapMode, NumberField, Operand, PathField, State,
    StateKind, StateMachine, Task, Template, TextField, WaitDuration,
};

/// Fields that are paths although they stand inside of what is read as a template.
const PATHS_IN_TEMPLATES: [&str; 1] = ["MaxItemsPath"];

impl StateMachine {
    /// The states that read variables, in document order, each with the names of these, sorted.
    pub fn variable_references(&self) -> Vec<(&str, Vec<Arc<str>>)> {
        let states = self.states.values();
        let references = states.map(|state| (state.name.as_str(), state.variables()));
        references.filter(|(_, names)| !names.is_empty()).collect()
    }
}

impl State {
    /// The names of the variables that the state reads, sorted.
    fn variables(&self) -> Vec<Arc<str>> {
        let mut names = Names::default();
        names.data_flow(&self.data_flow);
        match &self.kind {
            StateKind::Task(task) => names.task(task),
            StateKind::Map(map) => names.map(map),
            StateKind::Wait(wait) => match &wait.duration {
                WaitDuration::Seconds(_) | WaitDuration::Timestamp(_) => {}
                WaitDuration::SecondsPath(path) | WaitDuration::TimestampPath(path) => {
                    names.reference_path(path);
                }
                WaitDuration::SecondsExpression(expression)
                | WaitDuration::TimestampExpression(expression) => names.jsonata(expression),
            },
            StateKind::Choice(choice) => {
                for rule in &choice.rules {
                    names.condition(&rule.condition);
                    names.templates([&rule.assign, &rule.output]);
                }
            }
            StateKind::Fail(fail) => [&fail.error, &fail.cause]
                .into_iter()
                .flatten()
                .for_each(|field| names.text(field)),
            StateKind::Pass(_) | StateKind::Parallel(_) | StateKind::Succeed => {}
        }
        for catcher in self.kind.catch() {
            names.templates([&catcher.assign, &catcher.output]);
        }
        names.0.into_iter().collect()
    }
}

#[derive(Default)]
struct Names(BTreeSet<Arc<str>>);

impl Names {
    fn data_flow(&mut self, flow: &DataFlow) {
        self.path_field(&flow.input_path);
        self.path_field(&flow.output_path);
        self.templates([
            &flow.parameters,
            &flow.result_selector,
            &flow.assign,
            &flow.output,
        ]);
    }

    fn task(&mut self, task: &Task) {
        self.number(task.timeout_seconds.as_ref());
        self.number(task.heartbeat_seconds.as_ref());
        self.templates([&task.credentials]);
    }

    fn map(&mut self, map: &Map) {
        self.path_field(&map.items_path);
        self.templates([&map.items, &map.item_selector]);
        self.number(map.max_concurrency.as_ref());
        if let MapMode::Distributed(distributed) = &map.mode {
            self.templates([&distributed.item_reader]);
            if let Some(batcher) = &distributed.item_batcher {
                self.templates([&batcher.batch_input]);
                self.number(batcher.items_max.as_ref());
                self.number(batcher.bytes_max.as_ref());
            }
            if let Some(writer) = &distributed.result_writer {
                self.template(&writer.written);
            }
            self.number(distributed.tolerated_failure_count.as_ref());
            self.number(distributed.tolerated_failure_percentage.as_ref());
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::And(conditions) | Condition::Or(conditions) => {
                for inner in conditions {
                    self.condition(inner);
                }
            }
            Condition::Not(inner) => self.condition(inner),
            Condition::Compare {
                variable,
                comparison,
            } => {
                self.path(variable);
                self.comparison(comparison);
            }
            Condition::Constant(_) => {}
            Condition::Jsonata(expression) => self.jsonata(expression),
        }
    }

    fn comparison(&mut self, comparison: &Comparison) {
        match comparison {
            Comparison::String(_, Operand::Path(path))
            | Comparison::Numeric(_, Operand::Path(path))
            | Comparison::Timestamp(_, Operand::Path(path))
            | Comparison::Boolean(Operand::Path(path)) => self.path(path),
            Comparison::String(_, Operand::Literal(_))
            | Comparison::Numeric(_, Operand::Literal(_))
            | Comparison::Timestamp(_, Operand::Literal(_))
            | Comparison::Boolean(Operand::Literal(_))
            | Comparison::StringMatches(_)
            | Comparison::IsNull(_)
            | Comparison::IsPresent(_)
            | Comparison::IsNumeric(_)
            | Comparison::IsString(_)
            | Comparison::IsBoolean(_)
            | Comparison::IsTimestamp(_) => {}
        }
    }

    fn templates<const N: usize>(&mut self, templates: [&Option<Template>; N]) {
        for template in templates.into_iter().flatten() {
            self.template(template);
        }
    }

    fn template(&mut self, template: &Template) {
        match template {
            Template::Literal(value) => self.literal(value),
            Template::Expression(expression) => self.expression(expression),
            Template::Object(entries) => {
                for (key, entry) in entries {
                    match entry {
                        Template::Literal(value) => self.member(key, value),
                        Template::Expression(_) | Template::Object(_) | Template::Array(_) => {
                            self.template(entry);
                        }
                    }
                }
            }
            Template::Array(elements) => {
                for element in elements {
                    self.template(element);
                }
            }
        }
    }

    fn literal(&mut self, value: &Value) {
        if let Value::Object(entries) = value {
            for (key, entry) in entries.iter() {
                self.member(key, entry);
            }
        }
    }

    fn member(&mut self, key: &str, value: &Value) {
        let path = value.as_str().filter(|_| PATHS_IN_TEMPLATES.contains(&key));
        match path.map(ReferencePath::parse) {
            Some(Ok(path)) => self.reference_path(&path),
            Some(Err(_)) => {}
            None => self.literal(value),
        }
    }

    fn number(&mut self, field: Option<&NumberField>) {
        match field {
            None | Some(NumberField::Literal(_)) => {}
            Some(NumberField::Path(path)) => self.reference_path(path),
            Some(NumberField::Expression(expression)) => self.jsonata(expression),
        }
    }

    fn text(&mut self, field: &TextField) {
        match field {
            TextField::Literal(_) => {}
            TextField::Path(expression) => self.expression(expression),
            TextField::Expression(expression) => self.jsonata(expression),
        }
    }

    fn path_field(&mut self, field: &PathField) {
        match field {
            PathField::Whole | PathField::Nothing => {}
            PathField::Path(path) => self.path(path),
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Path(path) => self.path(path),
            Expression::Intrinsic(call) => {
                call.paths().into_iter().for_each(|path| self.path(path));
            }
            Expression::Jsonata(expression) => self.jsonata(expression),
        }
    }

    fn reference_path(&mut self, path: &ReferencePath) {
        self.path(path.as_json_path());
    }

    fn path(&mut self, path: &JsonPath) {
        self.0.extend(path.variables().into_iter().cloned());
    }

    fn jsonata(&mut self, expression: &JsonataExpression) {
        self.0
            .extend(expression.reads().workflow_variables().cloned());
    }
}

#[cfg(test)]
mod tests {
    use crate::model::ExecutionType;
    use crate::parse::parse;

    /// The references of a definition, as `State: a b, Other: c`.
    #[track_caller]
    fn check(states: &str, expected: &str) {
        let definition = format!(r#"{{"StartAt": "A", "States": {states}}}"#);
        let machine = parse(&definition, ExecutionType::Standard)
            .into_result()
            .unwrap();
        let references: Vec<String> = machine
            .variable_references()
            .into_iter()
            .map(|(state, names)| format!("{state}: {}", names.join(" ")))
            .collect();
        assert_eq!(references.join(", "), expected, "{states}");
    }

    #[test]
    fn every_field_that_reads_a_variable_counts() {
        check(
            r#"{"A": {"Type": "Pass", "InputPath": "$b", "OutputPath": "$a.c", "Parameters": {"x.$": "States.Format('{}', $c)", "y": "$d"}, "Assign": {"z.$": "$e[0]", "w": 1}, "End": true}}"#,
            "A: a b c e",
        );
        check(
            r#"{"A": {"Type": "Choice", "Choices": [{"Variable": "$v", "NumericEqualsPath": "$w", "Next": "B", "Assign": {"x.$": "$u"}}], "Default": "B"}, "B": {"Type": "Fail", "ErrorPath": "$name", "CausePath": "States.Format('{}', $cause)"}}"#,
            "A: u v w, B: cause name",
        );
        check(
            r#"{"A": {"Type": "Map", "ItemReader": {"ReaderConfig": {"InputType": "JSON", "MaxItemsPath": "$most"}, "Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket.$": "$.Bucket", "Key.$": "$key"}}, "ToleratedFailureCountPath": "$count", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}, "End": true}}"#,
            "A: count key most",
        );
        check(
            r#"{"A": {"Type": "Wait", "SecondsPath": "$pause", "Next": "B"}, "B": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "QueryLanguage": "JSONata", "Arguments": {"a": "{% $x + $sum($y) %}"}, "TimeoutSeconds": "{% $limit %}", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C", "Output": "{% $z & $states.errorOutput.Cause %}"}], "Next": "C"}, "C": {"Type": "Succeed"}}"#,
            "A: pause, B: limit x y z",
        );
    }
}

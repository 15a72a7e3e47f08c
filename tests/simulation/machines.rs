//! State machines made up from choices.
//!
//! Data is an object with a number `n`. What happens beside something else never fails as a whole,
//! so that the order in which branches get on decides nothing that a history shows. Children of
//! Map Runs that may fail run one at a time.

use serde_json::{Value, json};

use crate::chance::Choices;

/// The function that all tasks call.
pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:work";

/// How deep Parallel and Map may stand inside each other.
const DEPTH_MAX: u64 = 2;

/// A definition.
pub(crate) fn machine(choices: &mut Choices) -> Value {
    let mut builder = Builder {
        choices,
        states: 0,
        is_express: false,
    };
    builder.scope(0)
}

/// The input of every execution.
pub(crate) fn input(choices: &mut Choices) -> Value {
    let items: Vec<u64> = (0..choices.below(4)).map(|_| choices.below(9)).collect();
    json!({"n": choices.below(10), "items": items})
}

struct Builder<'a> {
    choices: &'a mut Choices,
    states: u64,
    /// Whether this is for an Express child, which has no Map Runs of its own.
    is_express: bool,
}

impl Builder<'_> {
    fn name(&mut self) -> String {
        self.states += 1;
        format!("S{}", self.states)
    }

    fn scope(&mut self, depth: u64) -> Value {
        let count = 1 + self.choices.below(4);
        let names: Vec<String> = (0..=count).map(|_| self.name()).collect();
        let mut states = serde_json::Map::new();
        for pair in names.windows(2) {
            let [name, next] = pair else { continue };
            states.insert(name.clone(), self.state(next, depth));
        }
        let last = names.last().expect("there is a last state");
        states.insert(last.clone(), self.end(depth));
        json!({"StartAt": names[0], "States": states})
    }

    fn end(&mut self, depth: u64) -> Value {
        if depth == 0 && self.choices.one_in(6) {
            return json!({"Type": "Fail", "Error": "Planned", "Cause": "so it was made"});
        }
        json!({"Type": "Succeed"})
    }

    fn state(&mut self, next: &str, depth: u64) -> Value {
        let step = self.choices.below(5);
        let kinds = match (depth < DEPTH_MAX, self.is_express) {
            (true, false) => 12,
            (true, true) => 9,
            (false, _) => 7,
        };
        match self.choices.below(kinds) {
            0 => json!({
                "Type": "Pass",
                "Parameters": {"n.$": format!("States.MathAdd($.n, {step})")},
                "Next": next
            }),
            1 => json!({
                "Type": "Pass",
                "QueryLanguage": "JSONata",
                // No scope assigns a variable of one around it.
                "Assign": {format!("seen{depth}"): "{% $states.input.n %}"},
                "Output": {"n": format!("{{% $states.input.n + {step} %}}")},
                "Next": next
            }),
            2 => json!({
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericGreaterThan": step, "Next": next}],
                "Default": next
            }),
            3 => json!({"Type": "Wait", "Seconds": step, "Next": next}),
            4..7 => self.task(next, depth),
            7 => self.parallel(next, depth),
            8 => self.map(next, depth),
            9 | 10 if depth == 0 => self.fragile_map_run(next),
            _ => self.map_run(next, depth),
        }
    }

    fn task(&mut self, next: &str, depth: u64) -> Value {
        let mut task = json!({
            "Type": "Task",
            "Resource": FUNCTION,
            "Parameters": {
                "n.$": "$.n",
                "try.$": "$$.State.RetryCount",
                "redrives.$": "$$.Execution.RedriveCount",
                "state.$": "$$.State.Name"
            },
            "ResultSelector": {"n.$": "$.n"},
            "Retry": [{
                "ErrorEquals": ["Again"],
                "IntervalSeconds": 1 + self.choices.below(3),
                "MaxAttempts": 2
            }],
            "Next": next
        });
        if depth > 0 || !self.choices.one_in(4) {
            task["Catch"] =
                json!([{"ErrorEquals": ["States.ALL"], "ResultPath": "$.why", "Next": next}]);
        }
        task
    }

    fn parallel(&mut self, next: &str, depth: u64) -> Value {
        let branches: Vec<Value> = (0..=self.choices.below(3))
            .map(|_| self.scope(depth + 1))
            .collect();
        json!({
            "Type": "Parallel",
            "Branches": branches,
            "ResultSelector": {"n.$": "$[0].n"},
            "Next": next
        })
    }

    fn map(&mut self, next: &str, depth: u64) -> Value {
        json!({
            "Type": "Map",
            "ItemsPath": "$$.Execution.Input.items",
            "ItemSelector": {"n.$": "$$.Map.Item.Value"},
            "MaxConcurrency": self.choices.below(3),
            "ItemProcessor": self.scope(depth + 1),
            "ResultPath": null,
            "Next": next
        })
    }

    /// Children that never fail, several at a time; their results are shown.
    fn map_run(&mut self, next: &str, depth: u64) -> Value {
        let kind = self.kind_of_children();
        let was_express = std::mem::replace(&mut self.is_express, kind == "EXPRESS");
        let mut processor = self.scope(depth + 1);
        self.is_express = was_express;
        processor["ProcessorConfig"] = json!({"Mode": "DISTRIBUTED", "ExecutionType": kind});
        let mut map = distributed(processor, next);
        map["Label"] = json!(self.name());
        map["MaxConcurrency"] = json!(self.choices.below(3));
        map["ResultPath"] = json!("$.each");
        if self.choices.one_in(3) {
            map["ItemBatcher"] = json!({"MaxItemsPerBatch": 2, "BatchInput": {
                "n.$": "$.n", "items.$": "$$.Execution.Input.items"}});
            let name = self.name();
            map["ItemProcessor"]["StartAt"] = json!(name);
            map["ItemProcessor"]["States"] = json!({name: {"Type": "Pass", "End": true}});
        }
        map
    }

    /// Children of which some fail, one at a time: the run fails when two have.
    fn fragile_map_run(&mut self, next: &str) -> Value {
        let kind = self.kind_of_children();
        let (name, end) = (self.name(), self.name());
        let mut task = self.task(&end, 0);
        if let Some(task) = task.as_object_mut() {
            task.remove("Catch");
        }
        task["Parameters"]["is_fragile"] = json!(true);
        let processor = json!({
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            "StartAt": name,
            "States": {name: task, end: {"Type": "Succeed"}},
        });
        let mut map = distributed(processor, next);
        map["Label"] = json!(self.name());
        map["MaxConcurrency"] = json!(1);
        map["ToleratedFailureCount"] = json!(1);
        // What has failed says when, and under which name.
        map["ResultPath"] = Value::Null;
        map
    }

    fn kind_of_children(&mut self) -> &'static str {
        if self.choices.one_in(2) {
            "EXPRESS"
        } else {
            "STANDARD"
        }
    }
}

/// A distributed Map. Its children have the items of their parent.
fn distributed(processor: Value, next: &str) -> Value {
    json!({
        "Type": "Map",
        "ItemsPath": "$$.Execution.Input.items",
        "ItemSelector": {
            "n.$": "$$.Map.Item.Value",
            "items.$": "$$.Execution.Input.items",
        },
        "ItemProcessor": processor,
        "Next": next
    })
}

//! What the benchmarks run: definitions that grow in one dimension each, data, and the loop that
//! drives an execution without a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};
use stepwell::interpreter::event::{Event, ExecutionStarted};
use stepwell::interpreter::execution::{Limits, Status};
use stepwell::interpreter::input::Input;
use stepwell::interpreter::{Chance, Execution, Payload, Timestamp};
use stepwell::language::model::{ExecutionType, StateMachine};
use stepwell::language::parse::parse;
use stepwell::{Engine, Observer};

/// The allocator of `asl`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The function that task workloads call.
pub const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:work";

/// AWS's bounds without that on the length of a history.
pub const UNLIMITED: Limits = Limits {
    history_events_max: u64::MAX,
    chain_events_max: 1_000,
    chain_bytes_max: 4 << 20,
};

// Definitions.

/// Pass states in a row, which change nothing.
pub fn pass_chain(length: usize) -> Value {
    chain(length, |_| json!({"Type": "Pass"}))
}

/// Pass states in a row that each build a new object with an intrinsic call in it.
pub fn template_chain(length: usize) -> Value {
    chain(
        length,
        |_| json!({"Type": "Pass", "Parameters": template(), "ResultPath": "$.built"}),
    )
}

/// As [`counted_loop`], with the object of [`template_chain`] built in each round.
pub fn template_loop(rounds: usize) -> Value {
    let mut definition = counted_loop(rounds);
    let state = &mut definition["States"]["Count"];
    state["Parameters"] = template();
    state["ResultPath"] = json!("$.built");
    definition
}

/// Pass states in a row that each evaluate three small JSONata expressions; `over_items` makes one
/// of them read the largest part of the input.
pub fn jsonata_chain(length: usize, over_items: bool) -> Value {
    let size = if over_items {
        "{% $count($states.input.items) > 5 ? 'many' : 'few' %}"
    } else {
        "{% $states.input.id > 5 ? 'late' : 'early' %}"
    };
    let mut definition = chain(length, |_| {
        json!({
            "Type": "Pass",
            "Assign": {
                "next": "{% $states.input.id + 1 %}",
                "name": "{% $uppercase($states.input.customer.name) %}",
                "size": size
            }
        })
    });
    definition["QueryLanguage"] = json!("JSONata");
    definition
}

/// A Parallel state of so many branches, each one Pass state that gives out little.
pub fn parallel(branches: usize) -> Value {
    let branches: Vec<Value> = (0..branches)
        .map(|branch| {
            let name = format!("Branch {branch}");
            json!({
                "StartAt": name,
                "States": {&name: {"Type": "Pass", "Result": 1, "End": true}}
            })
        })
        .collect();
    let parallel = json!({"Type": "Parallel", "Branches": branches, "End": true});
    json!({"StartAt": "Side by side", "States": {"Side by side": parallel}})
}

fn template() -> Value {
    json!({
        "text.$": "States.Format('order {} of {}', $.id, $.customer.name)",
        "items.$": "$.items",
        "fixed": {"kind": "order", "version": 3}
    })
}

/// Two Pass states around a Choice whose last rule is the one that holds.
pub fn choice(rules: usize) -> Value {
    let rules: Vec<Value> = (0..rules)
        .map(|rule| json!({"Variable": "$.number", "NumericEquals": rule, "Next": "After"}))
        .collect();
    json!({
        "StartAt": "Before",
        "States": {
            "Before": {"Type": "Pass", "Next": "Choose"},
            "Choose": {"Type": "Choice", "Choices": rules},
            "After": {"Type": "Pass", "End": true}
        }
    })
}

/// A loop of one Pass and one Choice, counted by a variable.
pub fn counted_loop(rounds: usize) -> Value {
    json!({
        "StartAt": "Begin",
        "States": {
            "Begin": {"Type": "Pass", "Assign": {"n": 0}, "Next": "Count"},
            "Count": {
                "Type": "Pass",
                "Assign": {"n.$": "States.MathAdd($n, 1)"},
                "Next": "Again"
            },
            "Again": {
                "Type": "Choice",
                "Choices": [{"Variable": "$n", "NumericLessThan": rounds, "Next": "Count"}],
                "Default": "Done"
            },
            "Done": {"Type": "Succeed"}
        }
    })
}

/// An inline Map over `$.items` whose iterations are one Pass state; what it gives is small, so
/// that the Map's result stays within its limit. Iterations `with_context` are given their item and
/// number through the context object.
pub fn map(with_context: bool) -> Value {
    let mut map = json!({
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": {
            "StartAt": "Each",
            "States": {"Each": {"Type": "Pass", "Result": 1, "End": true}}
        },
        "End": true
    });
    if with_context {
        map["ItemSelector"] = json!({
            "index.$": "$$.Map.Item.Index",
            "value.$": "$$.Map.Item.Value"
        });
    }
    json!({"StartAt": "Every", "States": {"Every": map}})
}

/// Ten states, Pass and Choice in turn.
pub fn ten_states() -> Value {
    let mut definition = chain(10, |number| match number % 2 {
        0 => json!({
            "Type": "Pass",
            "Parameters": {"step": number, "order.$": "$.order"},
            "ResultPath": "$.last"
        }),
        _ => json!({
            "Type": "Choice",
            "Choices": [{
                "Variable": "$.order.total",
                "NumericGreaterThan": 10,
                "Next": format!("State{}", number + 1)
            }]
        }),
    });
    definition["States"]["State9"] = json!({"Type": "Succeed"});
    for state in (1..9).step_by(2) {
        definition["States"][format!("State{state}")]
            .as_object_mut()
            .expect("a state is an object")
            .remove("Next");
    }
    definition
}

/// Tasks in a row.
pub fn task_chain(length: usize) -> Value {
    chain(
        length,
        |_| json!({"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.result"}),
    )
}

/// A definition of this many groups of five states as they are found in practice: tasks with
/// retriers and catchers, choices, templates, a Parallel.
pub fn realistic(groups: usize) -> Value {
    let mut states = Map::new();
    for group in 0..groups {
        let name = |state: &str| format!("{state} {group}");
        states.insert(
            name("Prepare"),
            json!({
                "Type": "Pass",
                "Parameters": {
                    "id.$": "States.Format('{}-{}', $.order.id, $$.Execution.Name)",
                    "customer.$": "$.order.customer",
                    "options": {"priority": "high", "channels": ["mail", "text"]}
                },
                "ResultPath": "$.prepared",
                "Next": name("Charge")
            }),
        );
        states.insert(
            name("Charge"),
            json!({
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": FUNCTION, "Payload.$": "$.prepared"},
                "ResultSelector": {"receipt.$": "$.Payload.receipt"},
                "ResultPath": "$.charged",
                "TimeoutSeconds": 30,
                "Retry": [{
                    "ErrorEquals": ["States.Timeout", "Lambda.ServiceException"],
                    "IntervalSeconds": 2,
                    "MaxAttempts": 4,
                    "BackoffRate": 1.5
                }],
                "Catch": [{
                    "ErrorEquals": ["States.ALL"],
                    "ResultPath": "$.error",
                    "Next": "Refused"
                }],
                "Next": name("Is it large?")
            }),
        );
        states.insert(
            name("Is it large?"),
            json!({
                "Type": "Choice",
                "Choices": [{
                    "And": [
                        {"Variable": "$.order.total", "NumericGreaterThan": 1000},
                        {"Not": {"Variable": "$.order.customer.known", "BooleanEquals": true}}
                    ],
                    "Next": "Refused"
                }],
                "Default": name("Pause")
            }),
        );
        states.insert(
            name("Pause"),
            json!({"Type": "Wait", "SecondsPath": "$.order.pause", "Next": name("Tell")}),
        );
        let next = match group + 1 {
            last if last == groups => "Done".to_owned(),
            next => format!("Prepare {next}"),
        };
        let branch = |channel: &str| {
            let name = format!("{channel} {group}");
            json!({
                "StartAt": name,
                "States": {name: {"Type": "Task", "Resource": FUNCTION, "End": true}}
            })
        };
        states.insert(
            name("Tell"),
            json!({
                "Type": "Parallel",
                "Branches": [branch("Mail"), branch("Text")],
                "ResultPath": null,
                "Next": next
            }),
        );
    }
    states.insert(
        "Refused".to_owned(),
        json!({"Type": "Fail", "Error": "Refused"}),
    );
    states.insert("Done".to_owned(), json!({"Type": "Succeed"}));
    json!({"StartAt": "Prepare 0", "States": states})
}

fn chain(length: usize, state: impl Fn(usize) -> Value) -> Value {
    let mut states = Map::new();
    for number in 0..length {
        let mut state = state(number);
        if number + 1 == length {
            state["End"] = json!(true);
        } else {
            state["Next"] = json!(format!("State{}", number + 1));
        }
        states.insert(format!("State{number}"), state);
    }
    json!({"StartAt": "State0", "States": states})
}

// Data.

/// An order of about this many bytes of JSON.
pub fn order(bytes: usize) -> Value {
    let mut order = json!({
        "id": 4711,
        "number": 0,
        "customer": {"name": "Ada", "known": true},
        "order": {"id": 4711, "total": 99.5},
        "items": []
    });
    let mut items = Vec::new();
    let item = json!({"sku": "A-1000", "count": 2, "price": 12.5});
    let (empty, each) = (order.to_string().len(), item.to_string().len() + 1);
    while empty + (items.len() + 1) * each <= bytes {
        items.push(item.clone());
    }
    order["items"] = Value::Array(items);
    order
}

/// An object with this many numbers in `items`.
pub fn numbers(width: usize) -> Value {
    json!({"items": (0..width).collect::<Vec<_>>()})
}

// Runs.

/// The machine of a definition.
pub fn machine(definition: &Value) -> Arc<StateMachine> {
    let parsed = parse(&definition.to_string(), ExecutionType::Standard);
    Arc::new(parsed.into_result().expect("the definition is valid"))
}

/// What an execution is started with.
pub fn started(input: &Payload) -> ExecutionStarted {
    let text = |text: &str| Arc::<str>::from(text);
    ExecutionStarted {
        execution: text("arn:aws:states:us-east-1:123456789012:execution:bench:run"),
        name: text("run"),
        state_machine: text("arn:aws:states:us-east-1:123456789012:stateMachine:bench"),
        state_machine_name: text("bench"),
        role: text("arn:aws:iam::123456789012:role/bench"),
        version: None,
        alias: None,
        test_case: None,
        trace_header: None,
        input: input.clone(),
        child_of: None,
    }
}

/// A moment after which nothing happens.
pub fn now() -> Timestamp {
    Timestamp::from_milliseconds(1_700_000_000_000)
}

/// Runs an execution without tasks to its end. `take` is given each chain of events.
pub fn run(
    machine: &Arc<StateMachine>,
    started: &ExecutionStarted,
    mut take: impl FnMut(Vec<Event>),
) -> Execution {
    let mut execution = Execution::new(Arc::clone(machine), UNLIMITED);
    let mut chance = Chance::from_number(1);
    let mut input = Input::Start(Box::new(started.clone()));
    loop {
        take(execution.handle(input, now(), &mut chance));
        if !execution.is_cut() {
            return execution;
        }
        input = Input::Continue;
    }
}

/// Checks that an execution succeeded after this many events of its history.
#[track_caller]
pub fn check_succeeded(execution: &Execution, history_events: u64) {
    assert!(
        matches!(execution.status(), Status::Succeeded { .. }),
        "{:?}",
        execution.status()
    );
    assert_eq!(execution.last_history_id().0, history_events);
}

/// Counts executions that succeeded, once their end is durable.
#[derive(Clone, Debug, Default)]
pub struct Successes(Arc<AtomicU64>);

impl Successes {
    /// How many there were so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// What an engine has to be built with.
    pub fn observer(&self) -> Observer {
        let count = Arc::clone(&self.0);
        Arc::new(move |execution, _| match execution.status() {
            Status::Succeeded { .. } => {
                count.fetch_add(1, Ordering::Release);
            }
            Status::Running
            | Status::Failed { .. }
            | Status::TimedOut { .. }
            | Status::Aborted { .. } => {}
        })
    }
}

/// Lets each of `callers` start `each` executions, one after the other, and wait for its end where
/// the machine has tasks.
pub async fn start_from(engine: &Engine, machine: &str, callers: usize, each: usize, wait: bool) {
    let input = Payload::from_value(order(256)).text().to_owned();
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let (engine, machine, input) = (engine.clone(), machine.to_owned(), input.clone());
            tokio::spawn(async move {
                for _ in 0..each {
                    let request = stepwell::operations::StartExecution::new(&machine, &input);
                    let execution = engine.start_execution(request).await.expect("it starts");
                    if wait {
                        execution.outcome().await.expect("it ends");
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no caller panics");
    }
}

/// Says how many commits executions took. Benchmarks that are left out have had none.
pub fn report_commits(benchmark: &str, executions: u64, commits: u64) {
    if executions > 0 {
        #[expect(clippy::cast_precision_loss, reason = "they are small")]
        let each = commits as f64 / executions as f64;
        eprintln!("{benchmark}: {executions} executions in {commits} commits, {each:.3} each");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_is_valid() {
        for definition in [
            pass_chain(3),
            template_chain(3),
            template_loop(3),
            choice(20),
            counted_loop(3),
            map(false),
            map(true),
            ten_states(),
            task_chain(10),
            realistic(2),
        ] {
            machine(&definition);
        }
    }

    #[test]
    fn an_order_has_about_the_size_asked_for() {
        let length = order(1024).to_string().len();
        assert!((960..=1024).contains(&length), "{length}");
    }
}

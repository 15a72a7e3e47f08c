use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use stepwell::{Engine, TaskError};

use super::*;

const TASK: &str = "arn:aws:lambda:us-east-1:123456789012:function:work";

/// Runs a definition whose tasks fail with what they are given as `error`, and tells its steps.
fn steps_of(definition: &Value, input: Value) -> Vec<String> {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let (told, progress) = (seen.clone(), Mutex::new(Progress::default()));
    let observe = move |execution: &stepwell::interpreter::Execution, events: &[Event]| {
        for event in events {
            for step in progress.lock().unwrap().take_in(execution.machine(), event) {
                told.lock().unwrap().push(tell(&step));
            }
        }
    };
    let run = async {
        let work = |given: Value| async move {
            match given["error"].as_str() {
                Some(error) => Err(TaskError::new(error, "as asked")),
                None => Ok(given),
            }
        };
        let engine = Engine::builder()
            .task(TASK, work)
            .observer(observe)
            .build()
            .await
            .unwrap();
        let machine = engine
            .create_state_machine("test", &definition.to_string())
            .await
            .unwrap();
        engine
            .start(&machine, input)
            .await
            .unwrap()
            .outcome()
            .await
            .unwrap();
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(run);
    seen.lock().unwrap().clone()
}

fn tell(step: &Step) -> String {
    match step {
        Step::Entered { label, .. } => format!("{} entered {}", label.depth, label.name),
        Step::Waiting { label, .. } => format!("{} waits in {}", label.depth, label.name),
        Step::Retrying { label, error, .. } => {
            format!("{} again {} after {error}", label.depth, label.name)
        }
        Step::Left { label, end, .. } => format!("{} left {}: {end:?}", label.depth, label.name),
    }
}

#[test]
fn states_are_entered_and_left() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Succeed"}
    }});
    assert_eq!(
        steps_of(&definition, json!({})),
        [
            "0 entered A",
            "0 left A: Exited",
            "0 entered B",
            "0 left B: Exited"
        ]
    );
}

#[test]
fn errors_are_retried_caught_and_final() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {
            "Type": "Task", "Resource": TASK, "End": true,
            "Retry": [{"ErrorEquals": ["Odd"], "IntervalSeconds": 1, "MaxAttempts": 0},
                {"ErrorEquals": ["Late"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["Late"], "Next": "B"}]
        },
        "B": {"Type": "Fail", "Error": "Over"}
    }});
    assert_eq!(
        steps_of(&definition, json!({"error": "Late"})),
        [
            "0 entered A",
            "0 again A after Late",
            "0 left A: Caught(\"Late\")",
            "0 entered B",
            "0 left B: Failed(\"Over\")"
        ]
    );
    let lost = steps_of(&definition, json!({"error": "Odd"}));
    assert_eq!(lost, ["0 entered A", "0 left A: Failed(\"Odd\")"]);
}

#[test]
fn what_is_inside_a_map_ends_before_it() {
    let definition = json!({"StartAt": "All", "States": {"All": {
        "Type": "Map", "MaxConcurrency": 1, "End": true,
        "ItemProcessor": {"StartAt": "One", "States": {
            "One": {"Type": "Task", "Resource": TASK, "End": true}
        }}
    }}});
    assert_eq!(
        steps_of(&definition, json!([{}, {"error": "Bad"}, {}])),
        [
            "0 entered All",
            "1 entered One [0]",
            "1 left One [0]: Exited",
            "1 entered One [1]",
            "1 left One [1]: Failed(\"Bad\")",
            "0 left All: Failed(\"Bad\")"
        ]
    );
}

#[test]
fn what_runs_beside_a_failure_is_aborted() {
    let definition = json!({"StartAt": "Both", "States": {"Both": {
        "Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "Slow", "States": {"Slow": {"Type": "Wait", "Seconds": 60, "End": true}}},
            {"StartAt": "Bad", "States": {"Bad": {"Type": "Fail", "Error": "Bad"}}}
        ]
    }}});
    let steps = steps_of(&definition, json!({}));
    assert_eq!(steps.last().unwrap(), "0 left Both: Failed(\"Bad\")");
    assert!(steps.contains(&"1 waits in Slow".to_owned()), "{steps:?}");
    assert!(
        steps.contains(&"1 left Slow: Aborted".to_owned()),
        "{steps:?}"
    );
}

#[test]
fn durations_are_short() {
    let text = |milliseconds| duration_text(Duration::from_millis(milliseconds));
    assert_eq!(
        [0, 999, 1_000, 59_900, 60_000, 3_599_000, 12_000_000].map(text),
        [
            "0 ms",
            "999 ms",
            "1.0 s",
            "59.9 s",
            "1 min 0 s",
            "59 min 59 s",
            "3 h 20 min"
        ]
    );
}

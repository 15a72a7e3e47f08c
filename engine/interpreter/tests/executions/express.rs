//! What is different about Express executions.

use std::time::Duration;

use serde_json::{Value, json};
use stepwell_interpreter::event::ExecutionStarted;
use stepwell_interpreter::execution::{Limits, Mode, Status};
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, Execution, Payload, Timestamp};

use super::only;
use super::world::machine;

/// An execution in this mode, started at the beginning of time.
fn start(definition: &Value, mode: Mode) -> Execution {
    let limits = Limits {
        history_events_max: 3,
        ..Limits::default()
    };
    let mut execution = Execution::in_mode(machine(definition), limits, mode);
    let started = ExecutionStarted {
        execution: "arn:aws:states:us-east-1:123456789012:express:m:e:1".into(),
        name: "e".into(),
        state_machine: "arn:aws:states:us-east-1:123456789012:stateMachine:m".into(),
        state_machine_name: "m".into(),
        role: "arn:aws:iam::123456789012:role/r".into(),
        version: None,
        alias: None,
        test_case: None,
        trace_header: None,
        input: Payload::from_value(json!({})),
        child_of: None,
    };
    let input = Input::Start(Box::new(started));
    execution.handle(input, Timestamp::EPOCH, &mut Chance::from_number(7));
    execution
}

#[test]
fn only_what_can_be_described_counts_redrives() {
    let state = json!({"Type": "Pass", "Parameters": {"seen.$": "$$.Execution"}, "End": true});
    for (mode, count) in [(Mode::Express, Some(&json!(0))), (Mode::ExpressSync, None)] {
        let execution = start(&only(state.clone()), mode);
        // Four events are more than the history of a Standard execution could take here.
        let output = execution.status().output().expect("it succeeds").value();
        assert_eq!(
            output["seen"].get("RedriveCount").map(Value::from).as_ref(),
            count
        );
        assert_eq!(output["seen"]["Name"], json!("e"));
    }
    let standard = start(&only(state), Mode::Standard);
    assert!(matches!(standard.status(), Status::Failed { .. }));
}

#[test]
fn five_minutes_or_less_are_all_it_has() {
    for (timeout, seconds) in [(None, 300), (Some(7), 7), (Some(600), 300)] {
        let mut definition = only(json!({"Type": "Wait", "Seconds": 3600, "End": true}));
        if let Some(timeout) = timeout {
            definition["TimeoutSeconds"] = json!(timeout);
        }
        for mode in [Mode::Express, Mode::ExpressSync] {
            let mut execution = start(&definition, mode);
            let end = Timestamp::EPOCH.after(Duration::from_secs(seconds));
            assert_eq!(execution.wake_at(), Some(end));
            execution.handle(Input::TimerFired, end, &mut Chance::from_number(7));
            let status = execution.status();
            assert!(matches!(status, Status::TimedOut { .. }), "{status:?}");
            assert_eq!((status.output(), status.failure()), (None, None));
        }
    }
}

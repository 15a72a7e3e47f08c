//! Executions from start to end: what becomes of them, and the history they leave.
//!
//! Each test names a rule of the specification's sections 3 and 5; most were recorded from AWS.

#![expect(
    clippy::needless_pass_by_value,
    reason = "calls of test helpers read better with values"
)]

mod world;
mod histories;
mod failures;
mod uncaught;
mod paths;
mod express;
mod jsonata;
mod redrives;
mod replays;
mod activities;
mod tokens;
mod map_runs;
mod deletions;

use serde_json::{Value, json};

/// A Task state of the function `f`, with more fields.
fn task(more: Value) -> Value {
    let mut state =
        json!({"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f"});
    for (name, value) in more.as_object().into_iter().flatten() {
        state[name] = value.clone();
    }
    state
}

/// A machine of one state.
fn only(state: Value) -> Value {
    json!({"StartAt": "A", "States": {"A": state}})
}

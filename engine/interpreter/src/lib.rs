//! The Amazon States Language, run: inputs in, events and effects out.
//!
//! An [`Execution`] takes an input, decides, and returns the events that say
//! what happened. It knows no clock, file, socket or thread: time and chance are arguments, and
//! what the world must do is an [`Effect`](effect::Effect).

/// A [`Value`](stepwell_language::json::Value), written as `json!` has it.
#[cfg(test)]
macro_rules! tree {
    ($($json:tt)+) => {
        stepwell_language::json::Value::from(serde_json::json!($($json)+))
    };
}

pub mod timestamp;
pub mod chance;
pub mod payload;
pub mod failure;
pub mod event;
pub mod journal;
pub mod history;
pub mod effect;
pub mod input;
pub mod execution;
pub mod map_run;
pub mod inspection;
mod state;
mod data_flow;
mod query;
mod fault;
mod retry;
pub mod evaluate;
pub mod token;

pub use chance::Chance;
pub use execution::Execution;
pub use payload::Payload;
pub use timestamp::Timestamp;

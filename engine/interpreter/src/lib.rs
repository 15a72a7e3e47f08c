//! The Amazon States Language, run: inputs in, events and effects out.
//!
//! An [`Execution`](execution::Execution) takes an input, decides, and returns the events that say
//! what happened. It knows no clock, file, socket or thread: time and chance are arguments, and
//! what the world must do is an [`Effect`](effect::Effect).

pub mod timestamp;
pub mod chance;
pub mod payload;
pub mod failure;
pub mod event;
pub mod evaluate;

pub use chance::Chance;
pub use payload::Payload;
pub use timestamp::Timestamp;

//! AWS Step Functions that runs anywhere: durable state machines in one crate.

pub mod configuration;
pub mod integrations;
pub mod store;

pub use stepwell_interpreter as interpreter;
pub use stepwell_language as language;

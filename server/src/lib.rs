//! The Stepwell server and command line: the program `asl`.
//!
//! [`run`] is the whole program, from its arguments to its exit code. [`serve`](serve::serve) is
//! the server alone, for programs that bring an engine and a listener of their own.

mod cli;
pub mod serve;
pub mod api;
mod metrics;

pub use cli::run;
pub use serve::serve;

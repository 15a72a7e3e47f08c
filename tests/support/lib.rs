//! What the suites of this package share.

pub mod api;
pub mod client;
pub mod clock;
pub mod conformance;
pub mod server;
pub mod workspace;

//! What the suites of this package share.

pub mod api;
pub mod clock;
pub mod conformance;
pub mod workspace;

//! asl: the Stepwell server and command line.

pub mod api;
mod serve;

pub use serve::serve;

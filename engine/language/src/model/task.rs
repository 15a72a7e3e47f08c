//! The Task state.

use super::{Catcher, NumberField, Resource, Retrier, Template, Transition};

/// A Task state.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What does the work.
    pub resource: Resource,
    /// Seconds per attempt, 1 to 99,999,999; absent: 99,999,999.
    pub timeout_seconds: Option<NumberField>,
    /// Seconds between heartbeats, less than the timeout.
    pub heartbeat_seconds: Option<NumberField>,
    /// `Credentials`.
    pub credentials: Option<Template>,
    /// Its retriers.
    pub retry: Vec<Retrier>,
    /// Its catchers.
    pub catch: Vec<Catcher>,
    /// Where it goes.
    pub transition: Transition,
}

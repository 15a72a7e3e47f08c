//! Intrinsic function calls: syntax.

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct IntrinsicCall;

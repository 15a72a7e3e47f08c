//! Expressions, evaluated: paths, intrinsic functions, JSONata.

use stepwell_language::json::Value;

pub mod json_path;
pub mod intrinsics;
pub mod jsonata;

/// What an expression may read.
pub trait Bindings {
    /// `$`, the data at hand.
    fn input(&self) -> &Value;
    /// `$$`, the context object.
    fn context(&self) -> &Value;
    /// `$$.name`; `None` when there is no such member. Finding one may cost less than building the
    /// whole object.
    fn context_member(&self, name: &str) -> Option<&Value> {
        self.context().get(name)
    }
    /// `$name`; `None` when nothing was assigned to it.
    fn variable(&self, name: &str) -> Option<&Value>;
}

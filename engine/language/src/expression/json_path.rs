//! JSONPath in the dialect of Step Functions: syntax.

/// A path.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath;

//! Reference Paths: paths that name one place, to read or to write.

/// A reference path.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferencePath;

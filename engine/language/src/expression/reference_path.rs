//! Reference Paths: paths that name one place, to read or to write.
//!
//! They are the paths that have names and single indexes only.

use std::fmt;

use super::cursor::Cursor;
use super::json_path::{Segment, reader};
use super::{ExpressionError, JsonPath, Root};

/// A path that names one place, such as `$.result` or `$.orders[0]['order id']`.
#[derive(Clone, PartialEq)]
pub struct ReferencePath(JsonPath);

/// One step of a Reference Path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step<'a> {
    /// `.name`, `['name']`.
    Name(&'a str),
    /// `[0]`; `[-1]` is the last element.
    Index(i64),
}

impl ReferencePath {
    /// Reads a path; blanks after it are passed over, as in [`JsonPath::parse`].
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] when `text` is not a path, or when it may select more than one place.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut cursor = Cursor::new(text)?;
        let read = reader::read(&mut cursor)?;
        cursor.skip_blanks();
        cursor.ended()?;
        for (at, segment) in &read.segments {
            if let Some(what) = obstacle(segment) {
                return Err(cursor.fail_at(*at, format!("a Reference Path has no {what}")));
            }
        }
        Ok(Self(JsonPath::from_read(text, read)))
    }

    /// The path as it was written.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// What it starts from.
    pub fn root(&self) -> &Root {
        self.0.root()
    }

    /// What it does from there.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = Step<'_>> + ExactSizeIterator {
        self.0.segments().iter().map(|segment| match segment {
            Segment::Name(name) => Step::Name(name),
            Segment::Index(index) => Step::Index(*index),
            Segment::Names(_)
            | Segment::Indexes(_)
            | Segment::Slice(_)
            | Segment::Wildcard
            | Segment::Filter(_)
            | Segment::Descendants(_) => {
                unreachable!("`parse` refuses everything but names and indexes")
            }
        })
    }

    /// Whether it is exactly `$`.
    pub fn is_root(&self) -> bool {
        self.0.is_root()
    }

    /// The same path, to be read from.
    pub fn as_json_path(&self) -> &JsonPath {
        &self.0
    }
}

/// What in `segment` may select more than one place.
fn obstacle(segment: &Segment) -> Option<&'static str> {
    match segment {
        Segment::Name(_) | Segment::Index(_) => None,
        Segment::Names(_) => Some("list of names"),
        Segment::Indexes(_) => Some("list of indexes"),
        Segment::Slice(_) => Some("slice"),
        Segment::Wildcard => Some("wildcard"),
        Segment::Filter(_) => Some("filter"),
        Segment::Descendants(_) => Some("`..`"),
    }
}

impl From<ReferencePath> for JsonPath {
    fn from(path: ReferencePath) -> Self {
        path.0
    }
}

impl fmt::Debug for ReferencePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ReferencePath({})", self.text())
    }
}

impl fmt::Display for ReferencePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_names_and_indexes() {
        let path = ReferencePath::parse("$total.a[0]['b c'][-1]").unwrap();
        let steps: Vec<Step<'_>> = path.steps().collect();
        assert_eq!(
            steps,
            [
                Step::Name("a"),
                Step::Index(0),
                Step::Name("b c"),
                Step::Index(-1)
            ]
        );
        assert_eq!(path.root(), &Root::Variable("total".into()));
        assert_eq!(path.as_json_path(), &JsonPath::parse(path.text()).unwrap());
        assert!(ReferencePath::parse("$").unwrap().is_root());
    }

    #[test]
    fn what_may_select_several_places_is_refused() {
        #[track_caller]
        fn refuse(text: &str, message: &str) {
            assert_eq!(ReferencePath::parse(text).unwrap_err().to_string(), message);
        }
        refuse("$.a[*]", "a Reference Path has no wildcard at character 3");
        refuse("$.a.*", "a Reference Path has no wildcard at character 3");
        refuse(
            "$[0,1]",
            "a Reference Path has no list of indexes at character 1",
        );
        refuse(
            "$['a','b']",
            "a Reference Path has no list of names at character 1",
        );
        refuse("$.a[1:2]", "a Reference Path has no slice at character 3");
        refuse("$..a", "a Reference Path has no `..` at character 1");
        refuse(
            "$.a[?(@.b)]",
            "a Reference Path has no filter at character 3",
        );
        refuse("a", "expected `$`, found `a` at character 0");
    }
}

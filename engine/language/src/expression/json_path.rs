//! JSONPath in the dialect of Step Functions: syntax.
//!
//! The dialect is that of the Jayway library, without its functions and with three roots: `$`, the
//! context object `$$`, and variables `$name`. It differs from RFC 9535 in that `$.x.[0]` and
//! `$.detail-type` are read, `['a','b']` at the end selects one object with these keys, and a filter on
//! an object tests the object itself. A [`JsonPath`] is proof that its text could be read.

use std::fmt;
use std::sync::Arc;

use super::cursor::{Cursor, LENGTH_MAX};
use super::{ExpressionError, Root};

pub(super) mod reader;
pub mod filter;

pub use filter::Filter;

/// A path, such as `$.orders[0].id` or `$$.Execution.Id`.
///
/// Cloning one costs two counters.
#[derive(Clone, PartialEq)]
pub struct JsonPath {
    text: Arc<str>,
    root: Root,
    segments: Arc<[Segment]>,
    shape: Shape,
}

/// One step of a path; from each value it leads to any number of others.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    /// `.name`, `['name']`.
    Name(Arc<str>),
    /// `['a','b']`: at the end of a path one object with these keys, before it each of the values.
    Names(Vec<Arc<str>>),
    /// `[0]`; `[-1]` is the last element.
    Index(i64),
    /// `[0,2]`.
    Indexes(Vec<i64>),
    /// `[1:5]`, `[::2]`.
    Slice(Slice),
    /// `.*`, `[*]`.
    Wildcard,
    /// `[?(@.price > 10)]`.
    Filter(Filter),
    /// `..` before another segment: from here and from everything below.
    Descendants(Box<Segment>),
}

/// `[start:end:step]`; negative positions count from the end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Slice {
    /// The first position; by default that where `step` enters the array.
    pub start: Option<i64>,
    /// The position before which it ends; by default it runs through.
    pub end: Option<i64>,
    /// Not zero; 1 by default.
    pub step: i64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    /// Names and indexes only.
    Plain,
    /// Names and indexes, then `['a','b']`.
    Merging,
    /// May select any number of values.
    Indefinite,
}

impl JsonPath {
    /// Bytes of text in a path.
    pub const LENGTH_MAX: usize = LENGTH_MAX;

    /// Reads a path; blanks after it are passed over, as AWS does.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] when `text` is not a path, or longer than [`Self::LENGTH_MAX`].
    ///
    /// ```
    /// use stepwell_language::expression::JsonPath;
    ///
    /// assert!(JsonPath::parse("$.orders[0].id")?.is_definite());
    /// assert!(!JsonPath::parse("$.orders[*].id")?.is_definite());
    /// # Ok::<(), stepwell_language::expression::ExpressionError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut cursor = Cursor::new(text)?;
        let read = reader::read(&mut cursor)?;
        cursor.skip_blanks();
        cursor.ended()?;
        Ok(Self::from_read(text, read))
    }

    pub(super) fn from_read(text: &str, read: reader::Read) -> Self {
        let segments: Arc<[Segment]> = read
            .segments
            .into_iter()
            .map(|(_, segment)| segment)
            .collect();
        let shape = match segments.split_last() {
            None => Shape::Plain,
            Some((last, before)) if before.iter().all(Segment::is_step) => match last {
                Segment::Name(_) | Segment::Index(_) => Shape::Plain,
                Segment::Names(_) => Shape::Merging,
                Segment::Indexes(_)
                | Segment::Slice(_)
                | Segment::Wildcard
                | Segment::Filter(_)
                | Segment::Descendants(_) => Shape::Indefinite,
            },
            Some(_) => Shape::Indefinite,
        };
        Self {
            text: text.into(),
            root: read.root,
            segments,
            shape,
        }
    }

    /// The path as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it starts from.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// What it does from there.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether it is exactly `$`, all of the data at hand.
    pub fn is_root(&self) -> bool {
        self.segments.is_empty() && self.root == Root::Input
    }

    /// Whether it selects one value or fails, rather than a list of any length.
    pub fn is_definite(&self) -> bool {
        self.shape != Shape::Indefinite
    }

    /// Whether it has names and single indexes only, so that what it selects exists already.
    pub fn is_plain(&self) -> bool {
        self.shape == Shape::Plain
    }

    /// The variables it reads, those in filters included, in order of appearance.
    pub fn variables(&self) -> Vec<&Arc<str>> {
        let mut found = Vec::new();
        filter::collect_root(&self.root, &mut found);
        filter::collect_variables(&self.segments, &mut found);
        found
    }
}

impl Segment {
    /// Whether it leads to one value at most, which exists already.
    fn is_step(&self) -> bool {
        match self {
            Self::Name(_) | Self::Index(_) => true,
            Self::Names(_)
            | Self::Indexes(_)
            | Self::Slice(_)
            | Self::Wildcard
            | Self::Filter(_)
            | Self::Descendants(_) => false,
        }
    }
}

impl fmt::Debug for JsonPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "JsonPath({})", self.text)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(segment: &Segment) -> &str {
        let Segment::Name(name) = segment else {
            panic!("{segment:?} is not a name")
        };
        name
    }

    #[track_caller]
    fn check_names(text: &str, expected: &[&str]) {
        let path = JsonPath::parse(text).unwrap();
        let names: Vec<&str> = path.segments().iter().map(name).collect();
        assert_eq!(names, expected, "{text}");
        assert_eq!(path.text(), text);
        assert!(path.is_plain() && path.is_definite());
    }

    #[track_caller]
    fn check(text: &str, expected: &[Segment]) {
        assert_eq!(
            JsonPath::parse(text).unwrap().segments(),
            expected,
            "{text}"
        );
    }

    #[track_caller]
    fn refuse(text: &str, message: &str) {
        let error = JsonPath::parse(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
        assert!(error.at <= text.len());
    }

    #[test]
    fn names_are_dotted_or_quoted() {
        check_names("$", &[]);
        check_names("$.a", &["a"]);
        check_names("$.a.b ", &["a", "b"]);
        check_names("$.detail-type", &["detail-type"]);
        check_names("$.größe._1.日本", &["größe", "_1", "日本"]);
        check_names("$['a b'][\"c\"]", &["a b", "c"]);
        check_names("$[ 'a' ]", &["a"]);
        check_names("$.['a b']", &["a b"]);
        check_names("$['it\\'s']", &["it's"]);
        check_names("$['a]b.c,d']", &["a]b.c,d"]);
        check_names("$.xmlns:a.@id", &["xmlns:a", "@id"]);
    }

    /// [R]: only the delimiter needs its backslash; one before another character stays.
    #[test]
    fn a_backslash_before_another_character_stays() {
        check_names(r#"$['Test\""Name"']"#, &[r#"Test\""Name""#]);
        check_names(r"$['a\\b\n']", &[r"a\b\n"]);
    }

    /// The examples of the States Language, "Reference Paths".
    #[test]
    fn dotted_names_take_escapes() {
        check_names(r"$.store\.book", &["store.book"]);
        check_names(r"$.\stor\e.boo\k", &["store", "book"]);
        check_names(r"$.foo.\.bar", &["foo", ".bar"]);
        check_names(
            r"$.foo\@bar.baz\[\[.\?pretty",
            &["foo@bar", "baz[[", "?pretty"],
        );
        check_names(r"$.&Ж中.\uD800\uDF46", &["&Ж中", "\u{10346}"]);
        refuse(
            r"$.\uD800",
            "`\\u` needs four hexadecimal digits that make a character at character 2",
        );
        refuse(r"$.a\", "a name ends with a backslash at character 4");
    }

    #[test]
    fn roots_are_the_input_the_context_and_variables() {
        #[track_caller]
        fn check(text: &str, root: &Root) {
            assert_eq!(JsonPath::parse(text).unwrap().root(), root);
        }
        check("$.a", &Root::Input);
        check("$", &Root::Input);
        check("$$", &Root::Context);
        check("$$.Execution.Id", &Root::Context);
        check("$$['Execution']", &Root::Context);
        check("$total", &Root::Variable("total".into()));
        check("$größe_2[0].x", &Root::Variable("größe_2".into()));
        assert!(JsonPath::parse("$").unwrap().is_root());
        assert!(!JsonPath::parse("$$").unwrap().is_root());
        assert!(!JsonPath::parse("$x").unwrap().is_root());
    }

    #[test]
    fn indexes_slices_and_wildcards() {
        let slice = |start, end, step| Segment::Slice(Slice { start, end, step });
        check("$[0]", &[Segment::Index(0)]);
        check("$.[ -1 ]", &[Segment::Index(-1)]);
        check("$[0, 2]", &[Segment::Indexes(vec![0, 2])]);
        check("$[1:5]", &[slice(Some(1), Some(5), 1)]);
        check("$[1:]", &[slice(Some(1), None, 1)]);
        check("$[:-1]", &[slice(None, Some(-1), 1)]);
        check("$[ : : 2 ]", &[slice(None, None, 2)]);
        check("$[*]", &[Segment::Wildcard]);
        check("$.*", &[Segment::Wildcard]);
        check(
            "$['a','b']",
            &[Segment::Names(vec!["a".into(), "b".into()])],
        );
        check(
            "$..a",
            &[Segment::Descendants(Box::new(Segment::Name("a".into())))],
        );
        check("$..*", &[Segment::Descendants(Box::new(Segment::Wildcard))]);
        check(
            "$..[0]",
            &[Segment::Descendants(Box::new(Segment::Index(0)))],
        );
    }

    #[test]
    fn definite_paths_select_one_value() {
        #[track_caller]
        fn check(text: &str, definite: bool) {
            assert_eq!(
                JsonPath::parse(text).unwrap().is_definite(),
                definite,
                "{text}"
            );
        }
        check("$.a[0]['b']", true);
        check("$.a['b','c']", true);
        check("$['b','c'].a", false);
        check("$.a[*]", false);
        check("$.a[0,1]", false);
        check("$.a[0:1]", false);
        check("$..a", false);
        check("$.a[?(@.b)].c", false);
    }

    #[test]
    fn variables_in_filters_are_found() {
        let path = JsonPath::parse("$a[?(@.x == $b.c || $.y in $d)]").unwrap();
        let variables: Vec<&str> = path.variables().into_iter().map(AsRef::as_ref).collect();
        assert_eq!(variables, ["a", "b", "d"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        refuse("", "expected `$`, found the end at character 0");
        refuse("foo", "expected `$`, found `f` at character 0");
        refuse(" $.a", "expected `$`, found ` ` at character 0");
        refuse("$.", "the path ends with a dot at character 2");
        refuse("$.a..", "the path ends with a dot at character 5");
        refuse("$...a", "expected a name, found `.` at character 3");
        refuse("$.a b", "unexpected `b` at character 4");
        refuse(
            "$.a.length()",
            "functions such as `length()` are not supported at character 4",
        );
        refuse(
            "$[]",
            "expected a name in quotes, an index, `*` or `?(`, found `]` at character 2",
        );
        refuse(
            "$[a]",
            "expected a name in quotes, an index, `*` or `?(`, found `a` at character 2",
        );
        refuse("$['a'", "expected `]`, found the end at character 5");
        refuse("$['a", "a quotation mark is missing at character 2");
        refuse("$[0", "expected `]`, found the end at character 3");
        refuse("$[::0]", "the step of a slice must not be 0 at character 4");
        refuse(
            "$[99999999999999999999]",
            "`99999999999999999999` is too large at character 2",
        );
        refuse("$[0:1,2]", "expected `]`, found `,` at character 5");
        refuse("$$$", "unexpected `$` at character 2");
        refuse("$$x", "unexpected `x` at character 2");
        refuse("$.a]", "unexpected `]` at character 3");
        refuse(
            &format!("$.{}", "a".repeat(10_000)),
            "the expression is longer than 10000 bytes at character 10000",
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".*") {
            let _ = JsonPath::parse(&text);
            let _ = JsonPath::parse(&format!("${text}"));
        }

        #[test]
        fn text_of_the_alphabet_of_paths_is_read_without_panic(
            text in r#"[$@.*?()\[\]'"a-c0-2:,!=<>&|~/ \\-]{0,40}"#
        ) {
            let _ = JsonPath::parse(&format!("${text}"));
            let _ = JsonPath::parse(&format!("$[?({text})]"));
        }
    }
}

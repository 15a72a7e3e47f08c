//! The conditions in `[?(…)]`: what they are, and how they are read.

use std::fmt;
use std::sync::Arc;

use regex_lite::{Regex, RegexBuilder};
use serde_json::Number;

use super::super::cursor::Cursor;
use super::super::{ExpressionError, Root};
use super::Segment;
use super::reader::{self, Place};
use crate::json::Value;

/// A condition on one value, `@`.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `a && b`.
    And(Vec<Filter>),
    /// `a || b`.
    Or(Vec<Filter>),
    /// `!a`.
    Not(Box<Filter>),
    /// `@.x`: it is there, even when it is null.
    Exists(Selection),
    /// `@.x < 1`.
    Compare {
        /// What stands before the operator.
        left: Operand,
        /// The operator.
        comparison: Comparison,
        /// What stands after it.
        right: Operand,
    },
    /// `@.x =~ /a.*/i`: all of the text matches.
    Matches {
        /// The text.
        left: Operand,
        /// What it is held against.
        pattern: Pattern,
    },
}

/// How two values are compared; values that cannot be compared so never match.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Comparison {
    /// `==`: numbers by value; the number 1 is not the text "1".
    Equal,
    /// `!=`: not `==`, so also when a value is missing.
    NotEqual,
    /// `<`: two numbers or two texts.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `in`: an element of the array on the right.
    In,
    /// `nin`: not `in`.
    NotIn,
    /// `subsetof`: each element on the left is also on the right.
    SubsetOf,
    /// `anyof`: some element on the left is also on the right.
    AnyOf,
    /// `noneof`: no element on the left is on the right.
    NoneOf,
    /// `contains`: an array with this element, or a text with this part.
    Contains,
    /// `size`: an array or text of this length.
    Size,
    /// `empty`: whether an array, object or text is empty, `true` or `false`.
    Empty,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A path.
    Selection(Selection),
    /// A value written out.
    Literal(Value),
}

/// A path in a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// `None` for `@`, the value being tested.
    pub root: Option<Root>,
    /// What it does from there.
    pub segments: Vec<Segment>,
}

impl Selection {
    /// Whether it selects one value at most.
    pub fn is_single(&self) -> bool {
        self.segments.iter().all(Segment::is_step)
    }
}

/// A regular expression, compiled; it takes linear time.
#[derive(Clone)]
pub struct Pattern {
    source: Arc<str>,
    regex: Regex,
}

impl Pattern {
    /// Whether all of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.source)
    }
}

/// Filters, parentheses, `!` and lists within each other.
const DEPTH_MAX: usize = 32;

/// Bytes of memory for one compiled pattern.
const PATTERN_SIZE_MAX: usize = 20_000;

/// The operators that are words, which `=~ /…/` is not.
const WORDS: [(&str, Comparison); 8] = [
    ("in", Comparison::In),
    ("nin", Comparison::NotIn),
    ("subsetof", Comparison::SubsetOf),
    ("anyof", Comparison::AnyOf),
    ("noneof", Comparison::NoneOf),
    ("contains", Comparison::Contains),
    ("size", Comparison::Size),
    ("empty", Comparison::Empty),
];

/// The operators that are signs, longer ones first.
const SIGNS: [(&str, Comparison); 8] = [
    ("===", Comparison::Equal),
    ("!==", Comparison::NotEqual),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Reads `?(…)`.
pub(super) fn read(cursor: &mut Cursor<'_>, place: Place) -> Result<Filter, ExpressionError> {
    let depth = match place {
        Place::Alone => 0,
        Place::Filter { depth } => depth,
    };
    cursor.expect("?")?;
    cursor.skip_blanks();
    if cursor.peek() != Some('(') {
        return Err(cursor.expected("`(`: a filter is written `[?(…)]`"));
    }
    read_parenthesised(cursor, deeper(cursor, depth)?)
}

fn deeper(cursor: &Cursor<'_>, depth: usize) -> Result<usize, ExpressionError> {
    if depth == DEPTH_MAX {
        return Err(cursor.fail(format!("a filter nests deeper than {DEPTH_MAX} levels")));
    }
    Ok(depth + 1)
}

fn read_parenthesised(cursor: &mut Cursor<'_>, depth: usize) -> Result<Filter, ExpressionError> {
    cursor.expect("(")?;
    let filter = read_or(cursor, depth)?;
    cursor.expect(")")?;
    cursor.skip_blanks();
    Ok(filter)
}

fn read_or(cursor: &mut Cursor<'_>, depth: usize) -> Result<Filter, ExpressionError> {
    let mut filters = vec![read_and(cursor, depth)?];
    while cursor.eat("||") {
        filters.push(read_and(cursor, depth)?);
    }
    Ok(if filters.len() == 1 {
        filters.remove(0)
    } else {
        Filter::Or(filters)
    })
}

fn read_and(cursor: &mut Cursor<'_>, depth: usize) -> Result<Filter, ExpressionError> {
    let mut filters = vec![read_term(cursor, depth)?];
    while cursor.eat("&&") {
        filters.push(read_term(cursor, depth)?);
    }
    Ok(if filters.len() == 1 {
        filters.remove(0)
    } else {
        Filter::And(filters)
    })
}

fn read_term(cursor: &mut Cursor<'_>, depth: usize) -> Result<Filter, ExpressionError> {
    cursor.skip_blanks();
    if cursor.eat("!") {
        let depth = deeper(cursor, depth)?;
        return Ok(Filter::Not(Box::new(read_term(cursor, depth)?)));
    }
    if cursor.peek() == Some('(') {
        return read_parenthesised(cursor, deeper(cursor, depth)?);
    }
    let at = cursor.at();
    let left = read_operand(cursor, depth)?;
    cursor.skip_blanks();
    let filter = if cursor.eat("=~") {
        cursor.skip_blanks();
        Filter::Matches {
            left,
            pattern: read_pattern(cursor)?,
        }
    } else if let Some(comparison) = read_comparison(cursor)? {
        cursor.skip_blanks();
        Filter::Compare {
            left,
            comparison,
            right: read_operand(cursor, depth)?,
        }
    } else {
        match left {
            Operand::Selection(selection) => Filter::Exists(selection),
            Operand::Literal(_) => return Err(cursor.fail_at(at, "expected a comparison")),
        }
    };
    cursor.skip_blanks();
    Ok(filter)
}

fn read_comparison(cursor: &mut Cursor<'_>) -> Result<Option<Comparison>, ExpressionError> {
    if let Some((_, comparison)) = SIGNS.into_iter().find(|(sign, _)| cursor.eat(sign)) {
        return Ok(Some(comparison));
    }
    let at = cursor.at();
    let word = cursor.eat_while(char::is_alphabetic);
    if word.is_empty() {
        return Ok(None);
    }
    let known = WORDS
        .into_iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name));
    match known {
        Some((_, comparison)) => Ok(Some(comparison)),
        None => Err(cursor.fail_at(at, format!("the operator `{word}` is not supported"))),
    }
}

fn read_operand(cursor: &mut Cursor<'_>, depth: usize) -> Result<Operand, ExpressionError> {
    let root = match cursor.peek() {
        Some('@') => {
            cursor.next();
            None
        }
        Some('$') => Some(reader::read_root(cursor)?),
        Some('/') => return Err(cursor.fail("a regular expression stands after `=~`")),
        _ => return read_literal(cursor, depth).map(Operand::Literal),
    };
    let read = reader::read_segments(cursor, Place::Filter { depth })?;
    let segments = read.into_iter().map(|(_, segment)| segment).collect();
    Ok(Operand::Selection(Selection { root, segments }))
}

fn read_literal(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, ExpressionError> {
    match cursor.peek() {
        Some('\'' | '"') => reader::read_quoted(cursor).map(Value::from),
        Some('[') => read_list(cursor, deeper(cursor, depth)?),
        Some('{') => Err(cursor.fail("objects are not supported in filters")),
        _ => {
            let at = cursor.at();
            let word = cursor.eat_while(|character| {
                character.is_alphanumeric() || matches!(character, '-' | '+' | '.')
            });
            match word {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                "null" => Ok(Value::Null),
                "" => Err(cursor.expected("a path or a value")),
                _ => match serde_json::from_str::<Number>(word) {
                    Ok(number) => Ok(Value::Number(number)),
                    Err(_) => Err(cursor.fail_at(at, format!("`{word}` is not a value"))),
                },
            }
        }
    }
}

fn read_list(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, ExpressionError> {
    cursor.expect("[")?;
    let mut elements = Vec::new();
    cursor.skip_blanks();
    if cursor.eat("]") {
        return Ok(elements.into());
    }
    loop {
        cursor.skip_blanks();
        elements.push(read_literal(cursor, depth)?);
        cursor.skip_blanks();
        if cursor.eat("]") {
            return Ok(elements.into());
        }
        cursor.expect(",")?;
    }
}

/// Reads `/…/` and the flags after it; `\/` is a slash.
fn read_pattern(cursor: &mut Cursor<'_>) -> Result<Pattern, ExpressionError> {
    let at = cursor.at();
    cursor.expect("/")?;
    let mut source = String::new();
    loop {
        source.push_str(cursor.eat_while(|character| character != '/' && character != '\\'));
        match cursor.next() {
            None => return Err(cursor.fail_at(at, "the `/` that ends the pattern is missing")),
            Some('\\') => match cursor.next() {
                Some('/') => source.push('/'),
                Some(character) => source.extend(['\\', character]),
                None => return Err(cursor.fail("the pattern ends with a backslash")),
            },
            Some(_) => break,
        }
    }
    let mut builder = RegexBuilder::new(&format!(r"\A(?:{source})\z"));
    builder.size_limit(PATTERN_SIZE_MAX);
    for flag in cursor.eat_while(char::is_alphabetic).chars() {
        match flag {
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            's' => builder.dot_matches_new_line(true),
            _ => {
                return Err(
                    cursor.fail_at(at, format!("the pattern flag `{flag}` is not supported"))
                );
            }
        };
    }
    // The pattern must also stand by itself: `a)(b` would be one only between our parentheses.
    let regex = Regex::new(&source)
        .and_then(|_| builder.build())
        .map_err(|error| cursor.fail_at(at, format!("the pattern is not supported: {error}")))?;
    Ok(Pattern {
        source: cursor.since(at).into(),
        regex,
    })
}

/// Adds the variables that `segments` read in their filters.
pub(super) fn collect_variables<'a>(segments: &'a [Segment], found: &mut Vec<&'a Arc<str>>) {
    for segment in segments {
        match segment {
            Segment::Filter(filter) => collect_from_filter(filter, found),
            Segment::Descendants(segment) => {
                collect_variables(std::slice::from_ref(&**segment), found);
            }
            Segment::Name(_)
            | Segment::Names(_)
            | Segment::Index(_)
            | Segment::Indexes(_)
            | Segment::Slice(_)
            | Segment::Wildcard => {}
        }
    }
}

pub(super) fn collect_root<'a>(root: &'a Root, found: &mut Vec<&'a Arc<str>>) {
    match root {
        Root::Variable(name) => found.push(name),
        Root::Input | Root::Context => {}
    }
}

fn collect_from_filter<'a>(filter: &'a Filter, found: &mut Vec<&'a Arc<str>>) {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => {
            for filter in filters {
                collect_from_filter(filter, found);
            }
        }
        Filter::Not(filter) => collect_from_filter(filter, found),
        Filter::Exists(selection) => collect_from_selection(selection, found),
        Filter::Compare {
            left,
            right,
            comparison: _,
        } => {
            collect_from_operand(left, found);
            collect_from_operand(right, found);
        }
        Filter::Matches { left, pattern: _ } => collect_from_operand(left, found),
    }
}

fn collect_from_operand<'a>(operand: &'a Operand, found: &mut Vec<&'a Arc<str>>) {
    match operand {
        Operand::Selection(selection) => collect_from_selection(selection, found),
        Operand::Literal(_) => {}
    }
}

fn collect_from_selection<'a>(selection: &'a Selection, found: &mut Vec<&'a Arc<str>>) {
    if let Some(root) = &selection.root {
        collect_root(root, found);
    }
    collect_variables(&selection.segments, found);
}

#[cfg(test)]
mod tests {
    use super::super::JsonPath;
    use super::*;

    #[track_caller]
    fn check(filter: &str, expected: &str) {
        let path = JsonPath::parse(&format!("$[?({filter})]")).unwrap();
        let [Segment::Filter(filter)] = path.segments() else {
            panic!("{path} is one filter")
        };
        assert_eq!(describe(filter), expected);
    }

    fn describe(filter: &Filter) -> String {
        let join = |filters: &[Filter], sign: &str| {
            let described: Vec<String> = filters.iter().map(describe).collect();
            format!("({})", described.join(sign))
        };
        match filter {
            Filter::And(filters) => join(filters, " and "),
            Filter::Or(filters) => join(filters, " or "),
            Filter::Not(filter) => format!("not {}", describe(filter)),
            Filter::Exists(selection) => describe_selection(selection),
            Filter::Compare {
                left,
                comparison,
                right,
            } => {
                format!(
                    "{} {comparison:?} {}",
                    describe_operand(left),
                    describe_operand(right)
                )
            }
            Filter::Matches { left, pattern } => {
                format!("{} ~ {pattern:?}", describe_operand(left))
            }
        }
    }

    fn describe_operand(operand: &Operand) -> String {
        match operand {
            Operand::Selection(selection) => describe_selection(selection),
            Operand::Literal(value) => value.to_string(),
        }
    }

    fn describe_selection(selection: &Selection) -> String {
        let root = match &selection.root {
            None => "@".into(),
            Some(root) => format!("{root:?}"),
        };
        format!("{root}/{}", selection.segments.len())
    }

    #[test]
    fn and_binds_tighter_than_or() {
        check("@.a && @.b || @.c", "((@/1 and @/1) or @/1)");
        check("@.a && (@.b || @.c)", "(@/1 and (@/1 or @/1))");
        check("!@.a && !(@.b)", "(not @/1 and not @/1)");
        check("@.a&&@.b||@.c", "((@/1 and @/1) or @/1)");
    }

    #[test]
    fn comparisons_have_paths_or_values_on_both_sides() {
        check("@.a == 1", "@/1 Equal 1");
        check("@.a==1", "@/1 Equal 1");
        check("1 <= @.a", "1 LessOrEqual @/1");
        check("@.a.b != 'x\\'y'", "@/2 NotEqual \"x'y\"");
        check("@ > -1.5e3", "@/0 Greater -1500.0");
        check("@['a b'] == null", "@/1 Equal null");
        check("@.a == $.b.c", "@/1 Equal Input/2");
        check("@.a == $$.Execution.Id", "@/1 Equal Context/2");
        check("@.a-b == true", "@/1 Equal true");
        check("@.a in ['x', \"y\", 1]", "@/1 In [\"x\",\"y\",1]");
        check("@.a nin []", "@/1 NotIn []");
        check("@.a subsetof $.b", "@/1 SubsetOf Input/1");
        check("@.a size 2", "@/1 Size 2");
        check("@.a empty false", "@/1 Empty false");
        check("@.a =~ /x\\/.*/i", "@/1 ~ /x\\/.*/i");
        check("@.a[?(@.b == 2)]", "@/2");
    }

    #[track_caller]
    fn refuse(filter: &str, message: &str) {
        let error = JsonPath::parse(&format!("$[?({filter})]")).expect_err(filter);
        assert_eq!(error.message, message, "{filter}");
    }

    #[test]
    fn what_is_not_supported_is_named() {
        refuse("@.a exists true", "the operator `exists` is not supported");
        refuse(
            "@.a.length() > 1",
            "functions such as `length()` are not supported",
        );
        refuse("@.a == {}", "objects are not supported in filters");
        refuse("true", "expected a comparison");
        refuse("", "expected a path or a value, found `)`");
        refuse("@.a = 1", "expected `)`, found `=`");
        refuse("@.a == b", "`b` is not a value");
        refuse(
            "@.a =~ /(/",
            "the pattern is not supported: found open group without closing ')'",
        );
        refuse(
            "@.a =~ /a)(b/",
            "the pattern is not supported: found closing ')' without matching '('",
        );
        refuse("@.a =~ /a/q", "the pattern flag `q` is not supported");
        refuse("@.a =~ /a", "the `/` that ends the pattern is missing");
        refuse(&"(".repeat(100), "a filter nests deeper than 32 levels");
        refuse(&"!".repeat(100), "a filter nests deeper than 32 levels");
        refuse(
            &format!("@.a == {}", "[".repeat(100)),
            "a filter nests deeper than 32 levels",
        );
        refuse(&"@[?(".repeat(100), "a filter nests deeper than 32 levels");
        let error = JsonPath::parse("$[?@.a]").unwrap_err();
        assert_eq!(
            error.message,
            "expected `(`: a filter is written `[?(…)]`, found `@`"
        );
    }
}

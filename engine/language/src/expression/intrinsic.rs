//! Intrinsic function calls, such as `States.Format('{}', $.name)`: syntax.

use std::fmt;
use std::sync::Arc;

use serde_json::Number;

use super::cursor::{Cursor, LENGTH_MAX};
use super::json_path::reader;
use super::{ExpressionError, JsonPath};

/// A call of an intrinsic function: the function exists and takes this many arguments.
#[derive(Clone, PartialEq)]
pub struct IntrinsicCall {
    text: Arc<str>,
    function: IntrinsicFunction,
    arguments: Vec<Argument>,
}

/// What a call passes to its function.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// `'text'`.
    Text(TextLiteral),
    /// `1`, `-2.5`.
    Number(Number),
    /// `true`, `false`.
    Boolean(bool),
    /// `null`.
    Null,
    /// `$.a`, `$$.Execution.Id`, `$variable`.
    Path(JsonPath),
    /// `States.UUID()`.
    Call(IntrinsicCall),
}

/// Text between single quotes, without its escapes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TextLiteral {
    /// What the text says.
    pub text: Arc<str>,
    /// The offsets in `text` of the braces that were escaped: `States.Format` leaves these alone.
    pub escaped_braces: Vec<usize>,
}

/// The functions that exist.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum IntrinsicFunction {
    /// `States.Format(template, value…)`.
    Format,
    /// `States.StringToJson(text)`.
    StringToJson,
    /// `States.JsonToString(value)`.
    JsonToString,
    /// `States.Array(value…)`.
    Array,
    /// `States.ArrayPartition(array, size)`.
    ArrayPartition,
    /// `States.ArrayContains(array, value)`.
    ArrayContains,
    /// `States.ArrayRange(first, last, step)`.
    ArrayRange,
    /// `States.ArrayGetItem(array, index)`.
    ArrayGetItem,
    /// `States.ArrayLength(array)`.
    ArrayLength,
    /// `States.ArrayUnique(array)`.
    ArrayUnique,
    /// `States.Base64Encode(text)`.
    Base64Encode,
    /// `States.Base64Decode(text)`.
    Base64Decode,
    /// `States.Hash(data, algorithm)`.
    Hash,
    /// `States.JsonMerge(first, second, false)`.
    JsonMerge,
    /// `States.MathRandom(start, end[, seed])`.
    MathRandom,
    /// `States.MathAdd(first, second)`.
    MathAdd,
    /// `States.StringSplit(text, delimiters)`.
    StringSplit,
    /// `States.UUID()`.
    Uuid,
}

/// Whether `text` means to be an intrinsic function call, well-formed or not.
pub fn looks_like_intrinsic(text: &str) -> bool {
    text.starts_with(PREFIX)
}

const PREFIX: &str = "States.";

impl IntrinsicCall {
    /// Bytes of text in a call.
    pub const LENGTH_MAX: usize = LENGTH_MAX;

    /// Calls within each other, the outermost one included.
    pub const DEPTH_MAX: usize = 10;

    /// Reads a call.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] when `text` is not a call, names a function that does not exist, passes
    /// too few or too many arguments, or nests deeper than [`Self::DEPTH_MAX`].
    ///
    /// ```
    /// use stepwell_language::expression::IntrinsicCall;
    ///
    /// let call = IntrinsicCall::parse("States.MathAdd($.count, 1)")?;
    /// assert_eq!(call.function().name(), "States.MathAdd");
    /// # Ok::<(), stepwell_language::expression::ExpressionError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut cursor = Cursor::new(text)?;
        let call = read_call(&mut cursor, 1)?;
        cursor.ended()?;
        Ok(call)
    }

    /// The call as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The function that is called.
    pub fn function(&self) -> IntrinsicFunction {
        self.function
    }

    /// What is passed to it, as many values as [`IntrinsicFunction::arity`] allows.
    pub fn arguments(&self) -> &[Argument] {
        &self.arguments
    }

    /// The paths among the arguments, those of inner calls included, in order of appearance.
    pub fn paths(&self) -> Vec<&JsonPath> {
        let mut paths = Vec::new();
        self.collect_paths(&mut paths);
        paths
    }

    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a JsonPath>) {
        for argument in &self.arguments {
            match argument {
                Argument::Path(path) => paths.push(path),
                Argument::Call(call) => call.collect_paths(paths),
                Argument::Text(_) | Argument::Number(_) | Argument::Boolean(_) | Argument::Null => {
                }
            }
        }
    }
}

impl fmt::Debug for IntrinsicCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "IntrinsicCall({})", self.text)
    }
}

impl fmt::Display for IntrinsicCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl IntrinsicFunction {
    /// All functions.
    pub const ALL: [Self; 18] = [
        Self::Format,
        Self::StringToJson,
        Self::JsonToString,
        Self::Array,
        Self::ArrayPartition,
        Self::ArrayContains,
        Self::ArrayRange,
        Self::ArrayGetItem,
        Self::ArrayLength,
        Self::ArrayUnique,
        Self::Base64Encode,
        Self::Base64Decode,
        Self::Hash,
        Self::JsonMerge,
        Self::MathRandom,
        Self::MathAdd,
        Self::StringSplit,
        Self::Uuid,
    ];

    /// The name as a call spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Format => "States.Format",
            Self::StringToJson => "States.StringToJson",
            Self::JsonToString => "States.JsonToString",
            Self::Array => "States.Array",
            Self::ArrayPartition => "States.ArrayPartition",
            Self::ArrayContains => "States.ArrayContains",
            Self::ArrayRange => "States.ArrayRange",
            Self::ArrayGetItem => "States.ArrayGetItem",
            Self::ArrayLength => "States.ArrayLength",
            Self::ArrayUnique => "States.ArrayUnique",
            Self::Base64Encode => "States.Base64Encode",
            Self::Base64Decode => "States.Base64Decode",
            Self::Hash => "States.Hash",
            Self::JsonMerge => "States.JsonMerge",
            Self::MathRandom => "States.MathRandom",
            Self::MathAdd => "States.MathAdd",
            Self::StringSplit => "States.StringSplit",
            Self::Uuid => "States.UUID",
        }
    }

    /// How many arguments it takes: at least, and at most when there is a limit.
    pub fn arity(self) -> (usize, Option<usize>) {
        match self {
            Self::Format => (1, None),
            Self::Array => (0, None),
            Self::Uuid => (0, Some(0)),
            Self::StringToJson
            | Self::JsonToString
            | Self::ArrayLength
            | Self::ArrayUnique
            | Self::Base64Encode
            | Self::Base64Decode => (1, Some(1)),
            Self::ArrayPartition
            | Self::ArrayContains
            | Self::ArrayGetItem
            | Self::Hash
            | Self::MathAdd
            | Self::StringSplit => (2, Some(2)),
            Self::ArrayRange | Self::JsonMerge => (3, Some(3)),
            Self::MathRandom => (2, Some(3)),
        }
    }

    /// Whether `ErrorPath` and `CausePath` may call it.
    pub fn may_return_text(self) -> bool {
        match self {
            Self::Format
            | Self::JsonToString
            | Self::ArrayGetItem
            | Self::Base64Encode
            | Self::Base64Decode
            | Self::Hash
            | Self::Uuid => true,
            Self::StringToJson
            | Self::Array
            | Self::ArrayPartition
            | Self::ArrayContains
            | Self::ArrayRange
            | Self::ArrayLength
            | Self::ArrayUnique
            | Self::JsonMerge
            | Self::MathRandom
            | Self::MathAdd
            | Self::StringSplit => false,
        }
    }

    fn find(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| function.name() == name)
    }

    /// The function that `name` most likely means.
    fn nearest(name: &str) -> Option<Self> {
        const DISTANCE_MAX: usize = 3;
        if name.len() > 30 {
            return None;
        }
        let name = name.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .map(|function| {
                (
                    distance(&name, &function.name().to_ascii_lowercase()),
                    function,
                )
            })
            .min()
            .filter(|(distance, _)| *distance <= DISTANCE_MAX)
            .map(|(_, function)| function)
    }
}

/// How many characters must be put in, left out or replaced to make one text the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, left) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, right) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

fn read_call(cursor: &mut Cursor<'_>, depth: usize) -> Result<IntrinsicCall, ExpressionError> {
    let start = cursor.at();
    if depth > IntrinsicCall::DEPTH_MAX {
        let message = format!("calls nest deeper than {} levels", IntrinsicCall::DEPTH_MAX);
        return Err(cursor.fail(message));
    }
    let function = read_function(cursor)?;
    cursor.skip_blanks();
    cursor.expect("(")?;
    let arguments = read_arguments(cursor, depth)?;
    check_arity(cursor, start, function, arguments.len())?;
    Ok(IntrinsicCall {
        text: cursor.since(start).into(),
        function,
        arguments,
    })
}

fn read_function(cursor: &mut Cursor<'_>) -> Result<IntrinsicFunction, ExpressionError> {
    let start = cursor.at();
    let name = cursor
        .eat_while(|character| character.is_alphanumeric() || character == '_' || character == '.');
    if let Some(function) = IntrinsicFunction::find(name) {
        return Ok(function);
    }
    let message = match IntrinsicFunction::nearest(name) {
        Some(nearest) => {
            format!(
                "there is no function `{name}`; did you mean `{}`?",
                nearest.name()
            )
        }
        None if name.starts_with(PREFIX) => format!("there is no function `{name}`"),
        None => "expected an intrinsic function such as `States.Format`".into(),
    };
    Err(cursor.fail_at(start, message))
}

fn check_arity(
    cursor: &Cursor<'_>,
    start: usize,
    function: IntrinsicFunction,
    given: usize,
) -> Result<(), ExpressionError> {
    let (least, most) = function.arity();
    if given >= least && most.is_none_or(|most| given <= most) {
        return Ok(());
    }
    let takes = match most {
        Some(most) if most == least => least.to_string(),
        Some(most) => format!("{least} to {most}"),
        None => format!("at least {least}"),
    };
    let noun = if takes == "1" || takes.ends_with(" 1") {
        "argument"
    } else {
        "arguments"
    };
    let message = format!("`{}` takes {takes} {noun}, not {given}", function.name());
    Err(cursor.fail_at(start, message))
}

fn read_arguments(cursor: &mut Cursor<'_>, depth: usize) -> Result<Vec<Argument>, ExpressionError> {
    let mut arguments = Vec::new();
    cursor.skip_blanks();
    if cursor.eat(")") {
        return Ok(arguments);
    }
    loop {
        cursor.skip_blanks();
        arguments.push(read_argument(cursor, depth)?);
        cursor.skip_blanks();
        if cursor.eat(")") {
            return Ok(arguments);
        }
        if !cursor.eat(",") {
            return Err(cursor.expected("`,` or `)`"));
        }
    }
}

fn read_argument(cursor: &mut Cursor<'_>, depth: usize) -> Result<Argument, ExpressionError> {
    match cursor.peek() {
        Some('\'') => read_text(cursor).map(Argument::Text),
        Some('"') => Err(cursor.fail("text stands in single quotes")),
        Some('$') => {
            let start = cursor.at();
            let read = reader::read(cursor)?;
            Ok(Argument::Path(JsonPath::from_read(
                cursor.since(start),
                read,
            )))
        }
        Some('-' | '0'..='9') => read_number(cursor).map(Argument::Number),
        _ => read_word(cursor, depth),
    }
}

fn read_word(cursor: &mut Cursor<'_>, depth: usize) -> Result<Argument, ExpressionError> {
    const WORDS: [(&str, Argument); 3] = [
        ("true", Argument::Boolean(true)),
        ("false", Argument::Boolean(false)),
        ("null", Argument::Null),
    ];
    let rest = cursor.rest();
    let word = rest
        .split(|character: char| !character.is_alphanumeric())
        .next()
        .unwrap_or("");
    if let Some((_, argument)) = WORDS.into_iter().find(|(name, _)| *name == word) {
        cursor.eat(word);
        return Ok(argument);
    }
    if word.eq_ignore_ascii_case("states") {
        return read_call(cursor, depth + 1).map(Argument::Call);
    }
    Err(cursor.expected("an argument: text in single quotes, a number, a path or a call"))
}

fn read_number(cursor: &mut Cursor<'_>) -> Result<Number, ExpressionError> {
    let start = cursor.at();
    let text = cursor.eat_while(|character| {
        character.is_ascii_alphanumeric() || matches!(character, '-' | '+' | '.')
    });
    serde_json::from_str(text)
        .map_err(|_| cursor.fail_at(start, format!("`{text}` is not a number")))
}

fn read_text(cursor: &mut Cursor<'_>) -> Result<TextLiteral, ExpressionError> {
    let start = cursor.at();
    cursor.expect("'")?;
    let mut text = String::new();
    let mut escaped_braces = Vec::new();
    loop {
        text.push_str(cursor.eat_while(|character| character != '\'' && character != '\\'));
        let at = cursor.at();
        match cursor.next() {
            None => {
                return Err(
                    cursor.fail_at(start, "the quotation mark that ends the text is missing")
                );
            }
            Some('\\') => match cursor.next() {
                Some(character @ ('\'' | '\\')) => text.push(character),
                Some(brace @ ('{' | '}')) => {
                    escaped_braces.push(text.len());
                    text.push(brace);
                }
                _ => {
                    let message = r"a backslash stands before `'`, `\`, `{` or `}` only";
                    return Err(cursor.fail_at(at, message));
                }
            },
            Some(_) => {
                return Ok(TextLiteral {
                    text: text.into(),
                    escaped_braces,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Argument {
        Argument::Text(TextLiteral {
            text: text.into(),
            escaped_braces: Vec::new(),
        })
    }

    fn path(text: &str) -> Argument {
        Argument::Path(JsonPath::parse(text).unwrap())
    }

    #[track_caller]
    fn check(call: &str, function: IntrinsicFunction, arguments: &[Argument]) {
        let read = IntrinsicCall::parse(call).unwrap();
        assert_eq!(read.function(), function);
        assert_eq!(read.arguments(), arguments, "{call}");
        assert_eq!(read.text(), call);
    }

    #[track_caller]
    fn refuse(call: &str, message: &str) {
        assert_eq!(
            IntrinsicCall::parse(call).expect_err(call).to_string(),
            message,
            "{call}"
        );
    }

    #[test]
    fn arguments_are_text_numbers_words_paths_and_calls() {
        check("States.UUID()", IntrinsicFunction::Uuid, &[]);
        check("States.Array( )", IntrinsicFunction::Array, &[]);
        check(
            "States.Array('a', 1,-2.5 , true,false,null)",
            IntrinsicFunction::Array,
            &[
                text("a"),
                Argument::Number(1.into()),
                Argument::Number(Number::from_f64(-2.5).unwrap()),
                Argument::Boolean(true),
                Argument::Boolean(false),
                Argument::Null,
            ],
        );
        check(
            "States.Array($.a, $$.Execution.Id, $x.y[0], $['a,b)'] , $.l[?(@.a == 1)], $)",
            IntrinsicFunction::Array,
            &[
                path("$.a"),
                path("$$.Execution.Id"),
                path("$x.y[0]"),
                path("$['a,b)']"),
                path("$.l[?(@.a == 1)]"),
                path("$"),
            ],
        );
        let nested = IntrinsicCall::parse("States.StringSplit($$.StateMachine.Name, '-')").unwrap();
        check(
            "States.ArrayGetItem(States.StringSplit($$.StateMachine.Name, '-'), 0)",
            IntrinsicFunction::ArrayGetItem,
            &[Argument::Call(nested), Argument::Number(0.into())],
        );
    }

    #[test]
    fn paths_are_found_in_inner_calls_too() {
        let call = IntrinsicCall::parse("States.Format($.t, States.MathAdd($a, $b.c), 1)").unwrap();
        let paths: Vec<&str> = call.paths().into_iter().map(JsonPath::text).collect();
        assert_eq!(paths, ["$.t", "$a", "$b.c"]);
    }

    #[test]
    fn escapes_in_text() {
        #[track_caller]
        fn check(literal: &str, text: &str, escaped_braces: &[usize]) {
            let call = IntrinsicCall::parse(&format!("States.Array({literal})")).unwrap();
            let expected = TextLiteral {
                text: text.into(),
                escaped_braces: escaped_braces.to_vec(),
            };
            assert_eq!(call.arguments(), [Argument::Text(expected)]);
        }
        check("''", "", &[]);
        check(r"'it\'s'", "it's", &[]);
        check(r"'a\\b'", r"a\b", &[]);
        check(r"'\{{}\}'", "{{}}", &[0, 3]);
        check("'{\"a\": \"b\"}\n'", "{\"a\": \"b\"}\n", &[]);
        let message = r"a backslash stands before `'`, `\`, `{` or `}` only at character 23";
        refuse("States.StringToJson('{\"\\\"}')", message);
    }

    /// [R]: `CreateStateMachine` refuses these.
    #[test]
    fn recorded_illegal_escapes_are_refused() {
        for call in [
            r#"States.StringToJson('{"text":"An \"escaped double quote\" here"}')"#,
            r#"States.Format('He said, \"Hello, {}!\"', 'Test \"Name\" Here')"#,
        ] {
            assert!(IntrinsicCall::parse(call).is_err());
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        refuse(
            "foo",
            "expected an intrinsic function such as `States.Format` at character 0",
        );
        refuse(
            "States.Frobnicate()",
            "there is no function `States.Frobnicate` at character 0",
        );
        refuse(
            "States.format('')",
            "there is no function `States.format`; did you mean `States.Format`? at character 0",
        );
        refuse(
            "States.Base64Encod('')",
            "there is no function `States.Base64Encod`; did you mean `States.Base64Encode`? at character 0",
        );
        refuse(
            "States.Array(states.uuid())",
            "there is no function `states.uuid`; did you mean `States.UUID`? at character 13",
        );
        refuse(
            "States.MathAdd($.a)",
            "`States.MathAdd` takes 2 arguments, not 1 at character 0",
        );
        refuse(
            "States.UUID(1)",
            "`States.UUID` takes 0 arguments, not 1 at character 0",
        );
        refuse(
            "States.Format()",
            "`States.Format` takes at least 1 argument, not 0 at character 0",
        );
        refuse(
            "States.MathRandom(1)",
            "`States.MathRandom` takes 2 to 3 arguments, not 1 at character 0",
        );
        refuse(
            "States.Array(1,)",
            "expected an argument: text in single quotes, a number, a path or a call, found `)` at character 15",
        );
        refuse(
            "States.Array(1 2)",
            "expected `,` or `)`, found `2` at character 15",
        );
        refuse(
            "States.Array(\"a\")",
            "text stands in single quotes at character 13",
        );
        refuse(
            "States.Array('a",
            "the quotation mark that ends the text is missing at character 13",
        );
        refuse("States.Array(007)", "`007` is not a number at character 13");
        refuse(
            "States.Array(1e999)",
            "`1e999` is not a number at character 13",
        );
        refuse(
            "States.Array($.a..)",
            "expected a name, found `)` at character 18",
        );
        refuse("States.Array(1)\n", "unexpected `\n` at character 15");
        refuse(
            "States.StringSplit('a', 'b')[0]",
            "unexpected `[` at character 28",
        );
        refuse(
            "States.Array",
            "expected `(`, found the end at character 12",
        );
    }

    #[test]
    fn calls_nest_ten_deep() {
        let nested =
            |depth: usize| format!("{}{}", "States.Array(".repeat(depth), ")".repeat(depth));
        assert!(IntrinsicCall::parse(&nested(10)).is_ok());
        refuse(
            &nested(11),
            "calls nest deeper than 10 levels at character 130",
        );
        assert!(IntrinsicCall::parse(&"States.Array(".repeat(700)).is_err());
    }

    #[test]
    fn each_function_has_a_name_of_its_own() {
        for function in IntrinsicFunction::ALL {
            assert_eq!(IntrinsicFunction::find(function.name()), Some(function));
            assert!(looks_like_intrinsic(function.name()));
        }
        assert!(!looks_like_intrinsic("$.States.Format"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in r"[$@.*()\[\]'a-c0-2:,\\{} ]{0,40}") {
            let _ = IntrinsicCall::parse(&text);
            let _ = IntrinsicCall::parse(&format!("States.Array({text}"));
            let _ = IntrinsicCall::parse(&format!("States.{text}"));
        }
    }
}

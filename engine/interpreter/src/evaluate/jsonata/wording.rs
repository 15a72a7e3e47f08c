//! Errors of the library in the words of the language, and limits in those of AWS.

use stepwell_language::expression::JsonataExpression;

use super::JsonataError;

/// What AWS says when an answer, or what leads to it, is too large.
pub(super) const TOO_LARGE: JsonataError = JsonataError::Limit(
    "Expression evaluation memory limit exceeded: Check for excessive memory usage",
);

const TOO_LONG: JsonataError =
    JsonataError::Limit("Expression evaluation timeout: Check for infinite loop");

const TOO_DEEP: JsonataError = JsonataError::Limit(
    "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive.",
);

/// The error behind a message of the library, which begins with its code where it has one.
pub(super) fn error(message: &str, expression: &JsonataExpression) -> JsonataError {
    let Some((code, rest)) = message.split_once(": ").filter(|(code, _)| is_code(code)) else {
        return JsonataError::Language(message.to_owned());
    };
    match code {
        "D1011" | "U1001" => TOO_DEEP,
        "D1012" | "U1003" => TOO_LONG,
        "D2015" | "D2014" => TOO_LARGE,
        _ => JsonataError::Language(format!("{code}: {}", reword(code, rest, expression))),
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 5
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text[1..].bytes().all(|byte| byte.is_ascii_digit())
}

/// The message of a code in the language's own words, where the library's differ.
fn reword(code: &str, message: &str, expression: &JsonataExpression) -> String {
    match code {
        "T1006" => "Attempted to invoke a non-function".to_owned(),
        "T0410" | "T0412" => match (argument(message), only_function(expression)) {
            (Some(argument), Some(function)) if code == "T0410" => {
                format!(
                    "Argument {argument} of function \"{function}\" does not match function signature"
                )
            }
            (Some(argument), Some(function)) => {
                let kind = if message.ends_with("String") {
                    "strings"
                } else {
                    "numbers"
                };
                format!(
                    "Argument {argument} of function \"{function}\" must be an array of \"{kind}\""
                )
            }
            (_, _) => message.to_owned(),
        },
        "D3030" => match quoted(message) {
            Some(text) => format!("Unable to cast value to a number: \"{text}\""),
            None => message.to_owned(),
        },
        _ => quote_operator(message),
    }
}

/// The number in `Argument 1 must be Number`.
fn argument(message: &str) -> Option<&str> {
    message.strip_prefix("Argument ")?.split(' ').next()
}

/// The function that an expression calls, if it calls one only.
fn only_function(expression: &JsonataExpression) -> Option<&str> {
    let mut functions = expression.reads().functions.iter();
    let only = functions.next()?;
    functions.next().is_none().then_some(only)
}

/// What stands between single quotes.
fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('\'')?;
    rest.rsplit_once('\'').map(|(text, _)| text)
}

/// `side of the + operator` as `side of the "+" operator`.
fn quote_operator(message: &str) -> String {
    let Some((before, rest)) = message.split_once("side of the ") else {
        return message.to_owned();
    };
    match rest.split_once(" operator") {
        Some((operator, after)) if !operator.contains(['"', ' ']) => {
            format!("{before}side of the \"{operator}\" operator{after}")
        }
        _ => message.to_owned(),
    }
}

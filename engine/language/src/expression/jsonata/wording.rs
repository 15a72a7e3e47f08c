//! The library's names of tokens, as the language's messages spell them.

/// A token's own spelling; `None` for the end of the text.
pub(super) fn symbol(token: &str) -> Option<&str> {
    Some(match token {
        "Eof" => return None,
        "RightBrace" => "}",
        "LeftBrace" => "{",
        "RightBracket" => "]",
        "LeftBracket" => "[",
        "RightParen" => ")",
        "LeftParen" => "(",
        "Comma" => ",",
        "Colon" => ":",
        "ColonEqual" => ":=",
        "Semicolon" => ";",
        "Dot" => ".",
        "DotDot" => "..",
        "Equal" => "=",
        "NotEqual" => "!=",
        "LessThan" => "<",
        "LessThanOrEqual" => "<=",
        "GreaterThan" => ">",
        "GreaterThanOrEqual" => ">=",
        "Plus" => "+",
        "Minus" => "-",
        "Star" => "*",
        "Slash" => "/",
        "Percent" => "%",
        "Ampersand" => "&",
        "Question" => "?",
        "Caret" => "^",
        "Pipe" => "|",
        "At" => "@",
        "Hash" => "#",
        "Tilde" | "TildeArrow" | "Chain" => "~>",
        "In" => "in",
        "And" => "and",
        "Or" => "or",
        other => return Some(quoted(other).unwrap_or(other)),
    })
}

/// The text inside `Identifier("text")`.
fn quoted(token: &str) -> Option<&str> {
    let (_, rest) = token.split_once('(')?;
    let inner = rest.strip_suffix(')')?;
    Some(
        inner
            .strip_prefix('"')
            .and_then(|inner| inner.strip_suffix('"'))
            .unwrap_or(inner),
    )
}

/// `Syntax error: Identifier("b")` as `Syntax error: "b"`.
pub(super) fn syntax(message: &str) -> String {
    match message.strip_prefix("Syntax error: ") {
        Some(token) => format!("Syntax error: \"{}\"", symbol(token).unwrap_or("(end)")),
        None => message.to_owned(),
    }
}

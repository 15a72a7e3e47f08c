//! Findings as people read them on a terminal: code, message, the line at fault.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use super::lines::Lines;
use super::{Diagnostic, Severity};

/// Bytes of a line shown before a finding, when the line is too long to show.
const LEAD: usize = 60;

/// Bytes of a line that are shown at most.
const LINE_LENGTH_MAX: usize = 240;

/// Renders findings in the text of `path`, one block each, in the order given; nothing when there
/// are none. `colour` adds ANSI escapes.
///
/// Control characters in the source, the path and the messages are made visible, so a file cannot
/// take over the terminal of who checks it.
pub fn render(path: &str, source: &str, diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let path = normalize_untrusted_str(path);
    let lines = Lines::new(source);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let span = lines.clamp(diagnostic.span);
        let position = lines.position(span.start);
        let line = lines.line(position.line);
        // A span may start on the line break itself; one of several lines is shown on its first.
        let span = span.start.min(line.end)..span.end.min(line.end);
        let shown = cut(source, &line, span.start);
        let label = span.start - shown.start..span.end.min(shown.end) - shown.start;
        let shown_column = source[shown.start..span.start].chars().count() + 1;
        let snippet = (&source[shown], position.line, label);
        let block = renderer.render(&[group(&path, snippet, diagnostic)]);
        // The renderer counts columns in what it is shown.
        let origin = |column| format!("{path}:{}:{column}", position.line);
        text.push_str(&block.replacen(&origin(shown_column), &origin(position.column), 1));
        text.push_str("\n\n");
    }
    text
}

fn group<'a>(
    path: &'a str,
    (source, line, label): (&'a str, usize, Range<usize>),
    diagnostic: &'a Diagnostic,
) -> Group<'a> {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    // Where the text is no JSON, the location quotes it: the line below shows that better.
    let pointer = diagnostic
        .location
        .as_deref()
        .filter(|location| location.starts_with('/'));
    let annotation = AnnotationKind::Primary
        .span(label)
        .label(pointer.map(normalize_untrusted_str));
    let snippet = Snippet::source(source)
        .path(path)
        .line_start(line)
        .annotation(annotation);
    let group = level
        .primary_title(title(&diagnostic.message))
        .id(diagnostic.code.as_str())
        .element(snippet);
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(normalize_untrusted_str(help))),
        None => group,
    }
}

/// The message without the place that Jackson appends to it.
fn title(message: &str) -> &str {
    message
        .split_once("\n at [Source: ")
        .map_or(message, |(title, _)| title)
}

/// What to show of a line with a finding at `at`: all of it, or what surrounds the finding.
fn cut(source: &str, line: &Range<usize>, at: usize) -> Range<usize> {
    if line.len() <= LINE_LENGTH_MAX {
        return line.clone();
    }
    let start = source.ceil_char_boundary(at.saturating_sub(LEAD).max(line.start));
    start..source.floor_char_boundary((start + LINE_LENGTH_MAX).min(line.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    const SOURCE: &str = "{\n  \"StartAt\": \"Größe\",\n  \"States\": {\n    \"Größe\": {\n      \
        \"Type\": \"Pass\",\n\t\"Next\": \"Preis\"\n    }\n  }\n}\n";

    fn finding(code: Code, message: &str, location: &str, span: Span) -> Diagnostic {
        Diagnostic {
            code,
            message: message.into(),
            location: Some(location.into()),
            span,
            help: None,
        }
    }

    fn span_of(text: &str) -> Span {
        let start = SOURCE.find(text).unwrap();
        Span::new(start, start + text.len())
    }

    #[test]
    fn findings_show_their_line_and_their_location() {
        let mut missing = finding(
            Code::MissingTransitionTarget,
            "Missing 'Next' target: Preis",
            "/States/Größe/Next",
            span_of("\"Preis\""),
        );
        missing.help = Some("did you mean `Größe`?".into());
        let whole = finding(
            Code::SchemaValidationFailed,
            "An object over several lines",
            "/States/Größe",
            span_of(&SOURCE[span_of("{\n      \"Type\"").start..SOURCE.len() - 6]),
        );
        let mut unplaced = finding(
            Code::NoPath,
            "A warning without a place",
            "",
            Span::default(),
        );
        unplaced.location = None;
        let text = render("order.asl.json", SOURCE, &[missing, whole, unplaced], false);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_syntax_error_is_not_located_twice() {
        let message = "Unrecognized token 'nope': was expecting …\n at [Source: (String)\"nope\"; \
            line: 1, column: 5]";
        let location = "[Source: (String)\"nope\"; line: 1, column: 5]";
        let finding = finding(
            Code::InvalidJsonDescription,
            message,
            location,
            Span::new(0, 4),
        );
        insta::assert_snapshot!(render("a.json", "nope", &[finding], false));
    }

    #[test]
    fn a_long_line_is_cut_around_the_finding() {
        let source = format!("{}\"here\"{}", "ä".repeat(500_000), "ö".repeat(500_000));
        let span = Span::new(1_000_000, 1_000_006);
        let found = finding(Code::SchemaValidationFailed, "Found", "/States/A", span);
        let text = render("a.json", &source, std::slice::from_ref(&found), false);
        assert!(text.len() < 2_000, "{} bytes", text.len());
        insta::assert_snapshot!(text);
        let coloured = render("a.json", &source, std::slice::from_ref(&found), true);
        assert!(coloured.contains("a.json:1:500001"), "{coloured:?}");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut finding = finding(
            Code::SchemaValidationFailed,
            "a\u{1b}[2Jb",
            "/\u{1b}[2J",
            Span::new(0, 3),
        );
        finding.help = Some("\u{1b}[2J".into());
        let text = render("a\u{1b}[2J.json", "\u{1b}[2J", &[finding], false);
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn colour_is_an_option() {
        let finding = finding(Code::NoDollar, "Message", "/States", Span::new(0, 1));
        assert!(render("a", SOURCE, std::slice::from_ref(&finding), true).contains("\u{1b}["));
        assert!(!render("a", SOURCE, &[finding], false).contains("\u{1b}["));
        assert_eq!(render("a", SOURCE, &[], true), "");
    }

    #[test]
    fn any_span_in_any_text_is_rendered() {
        for source in ["", "\n", "\r\n", "ä", "a\nä\r\n\n", SOURCE, "\t\t\"a\""] {
            for start in 0..=source.len() + 2 {
                for end in [start, start + 1, start + 3, 0, usize::MAX] {
                    let finding = finding(
                        Code::SchemaValidationFailed,
                        "Found",
                        "/States",
                        Span { start, end },
                    );
                    assert!(render("a", source, &[finding], false).contains("Found"));
                }
            }
        }
    }
}

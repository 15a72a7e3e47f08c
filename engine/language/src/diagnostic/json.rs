//! Findings as programs read them. The format only ever grows.

use serde::Serialize;

use super::lines::Lines;
use super::{Code, Diagnostic, Severity};
use crate::source;

/// The findings in several files, ready to be serialized.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Report<'a> {
    /// Version of this format; it changes when a field changes meaning.
    pub version: u32,
    /// How many findings are errors.
    pub errors: usize,
    /// How many findings are warnings.
    pub warnings: usize,
    /// The findings, file by file, in the order of the rules that made them.
    pub findings: Vec<Finding<'a>>,
}

/// One finding.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding<'a> {
    /// The file, as it was named.
    pub file: &'a str,
    /// What kind of finding.
    pub code: Code,
    /// `ERROR` or `WARNING`.
    pub severity: Severity,
    /// What is wrong.
    pub message: &'a str,
    /// JSON pointer to what is wrong; absent for a finding about the whole text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<&'a str>,
    /// What to do about it, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<&'a str>,
    /// Where it starts in the text.
    pub start: Position,
    /// Where it ends in the text: the first character that does not belong to it.
    pub end: Position,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl From<source::Position> for Position {
    fn from(position: source::Position) -> Self {
        Self {
            line: position.line,
            column: position.column,
        }
    }
}

/// Renders the findings of files, each given with its path and its text, as one JSON document that
/// ends in a newline.
pub fn render(findings: &[(&str, &str, &[Diagnostic])]) -> String {
    let mut text = serde_json::to_string_pretty(&report(findings))
        .expect("a report holds nothing but texts and numbers");
    text.push('\n');
    text
}

/// The findings of files, each given with its path and its text.
pub fn report<'a>(files: &[(&'a str, &'a str, &'a [Diagnostic])]) -> Report<'a> {
    let mut findings = Vec::new();
    for (file, source, diagnostics) in files {
        if diagnostics.is_empty() {
            continue;
        }
        let lines = Lines::new(source);
        findings.extend(
            diagnostics
                .iter()
                .map(|diagnostic| finding(file, &lines, diagnostic)),
        );
    }
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    Report {
        version: 1,
        errors,
        warnings,
        findings,
    }
}

fn finding<'a>(file: &'a str, lines: &Lines<'_>, diagnostic: &'a Diagnostic) -> Finding<'a> {
    let span = lines.clamp(diagnostic.span);
    Finding {
        file,
        code: diagnostic.code,
        severity: diagnostic.severity(),
        message: &diagnostic.message,
        location: diagnostic.location.as_deref(),
        help: diagnostic.help.as_deref(),
        start: lines.position(span.start).into(),
        end: lines.position(span.end).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn findings_name_their_file_and_place() {
        let source = "{\n  \"ä\": 1\n}";
        let findings = [
            Diagnostic {
                code: Code::SchemaValidationFailed,
                message: "Field 'ä' is not \"known\"".into(),
                location: Some("/ä".into()),
                span: Span::new(4, 8),
                help: Some("remove it".into()),
            },
            Diagnostic {
                code: Code::NoPath,
                message: "A warning".into(),
                location: None,
                span: Span::new(0, 999),
                help: None,
            },
        ];
        insta::assert_snapshot!(render(&[
            ("a.asl.json", source, &findings[..1]),
            ("clean.asl.json", source, &[]),
            ("b.asl.json", source, &findings[1..]),
        ]));
    }

    #[test]
    fn no_findings_are_a_report_too() {
        assert_eq!(
            serde_json::to_string(&report(&[("a", "", &[])])).unwrap(),
            r#"{"version":1,"errors":0,"warnings":0,"findings":[]}"#
        );
    }
}

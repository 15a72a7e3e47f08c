//! Definitions as the commands read them: from a file, or from standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use stepwell::language::diagnostic::{Diagnostic, human};
use stepwell::language::json::{self, Node};
use stepwell::language::parse::DEFINITION_BYTES_MAX;
use stepwell::language::source::Span;

use super::Problem;

/// The text of a definition.
#[derive(Debug)]
pub(super) struct Definition {
    /// What messages call it.
    pub(super) path: String,
    pub(super) text: String,
}

impl Definition {
    /// Reads a definition; `-` is standard input. What is too long for a definition is cut there,
    /// so that it is still seen to be too long.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let is_stdin = path == Path::new("-");
        let shown = if is_stdin {
            "stdin".to_owned()
        } else {
            path.display().to_string()
        };
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            return Err(Problem::Yaml { path: shown });
        }
        let mut bytes = Vec::new();
        let limit = DEFINITION_BYTES_MAX as u64 + 1;
        let read = if is_stdin {
            io::stdin().lock().take(limit).read_to_end(&mut bytes)
        } else {
            File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
        };
        if let Err(source) = read {
            return Err(Problem::Read {
                path: shown,
                source,
            });
        }
        let text = if bytes.len() > DEFINITION_BYTES_MAX {
            // The cut may go through a character.
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => return Err(Problem::NotText { path: shown }),
            }
        };
        Ok(Self { path: shown, text })
    }

    /// What people read about findings in this definition.
    pub(super) fn render(&self, findings: &[Diagnostic], colour: bool) -> String {
        human::render(&self.path, &self.text, findings, colour)
    }

    /// Gives a place in the text to findings that only have a location.
    pub(super) fn place(&self, mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let Ok(root) = json::read(&self.text) else {
            return findings;
        };
        for finding in &mut findings {
            if finding.span == Span::default()
                && let Some(location) = &finding.location
            {
                finding.span = nearest(&root, location);
            }
        }
        findings
    }
}

/// Where a location such as `/States/Charge/Resource` stands, or what it should stand in.
fn nearest(root: &Node, location: &str) -> Span {
    let mut location = location;
    loop {
        match (find(root, location), location.rsplit_once('/')) {
            (Some(span), _) => return span,
            (None, Some((parent, _))) => location = parent,
            (None, None) => return root.span,
        }
    }
}

fn find(node: &Node, location: &str) -> Option<Span> {
    let Some(rest) = location.strip_prefix('/') else {
        return location.is_empty().then_some(node.span);
    };
    if let Some(object) = node.as_object() {
        // Names may have slashes in them, so each key is tried.
        return object.entries().find_map(|(key, entry)| {
            let rest = rest.strip_prefix(&**key)?;
            match rest {
                "" => Some(entry.key_span),
                _ => find(&entry.value, rest),
            }
        });
    }
    let end = rest.find('/').unwrap_or(rest.len());
    let index: usize = rest[..end].parse().ok()?;
    find(node.as_array()?.get(index)?, &rest[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(location: &str, expected: &str) {
        let text = r#"{"States": {"A/B": {"Resource": "x"}, "A": {"Branches": [{"C": 1}]}}}"#;
        let span = nearest(&json::read(text).unwrap(), location);
        assert_eq!(&text[span.range()], expected);
    }

    #[test]
    fn a_location_leads_to_the_nearest_place_in_the_text() {
        check("/States/A/B/Resource", "\"Resource\"");
        check("/States/A/Branches/0/C", "\"C\"");
        check("/States/A/Branches/0", "{\"C\": 1}");
        check("/States/A/Missing/Mode", "\"A\"");
    }

    #[test]
    fn yaml_is_refused_by_name() {
        let problem = Definition::read(Path::new("order.asl.yaml")).unwrap_err();
        assert_eq!(
            problem.line(),
            "order.asl.yaml: definitions in YAML are not supported yet"
        );
    }
}

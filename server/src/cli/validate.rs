//! `asl validate`: checks definitions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::value::RawValue;
use stepwell::language::diagnostic::{Diagnostic, Severity, json};
use stepwell::language::model::ExecutionType;
use stepwell::language::parse::parse;

use super::definition::Definition;
use super::{Exit, Problem, output};

const EXAMPLES: &str = "\
Examples:
  asl validate order.asl.json
  asl validate --format json workflows/ > findings.json
  generate-workflow | asl validate -

In a folder, all files that end in .asl.json are definitions, and those that end in .json and hold
`StartAt` and `States`. Hidden folders and node_modules are left out.

Exit codes:
  0  no findings of severity error
  1  findings of severity error
  2  a path could not be read, or no definition was found";

/// Check definitions for mistakes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Files or folders; `-` is standard input.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The type of the state machines.
    #[arg(long = "type", value_enum, ignore_case = true, default_value_t)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people, with the lines at fault.
    #[default]
    Human,
    /// For programs: one JSON document.
    Json,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Kind {
    #[default]
    #[value(name = "STANDARD")]
    Standard,
    #[value(name = "EXPRESS")]
    Express,
}

impl From<Kind> for ExecutionType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Standard => Self::Standard,
            Kind::Express => Self::Express,
        }
    }
}

/// Definitions with their findings, and what could not be read.
#[derive(Default)]
struct Checked {
    count: usize,
    found: Vec<(Definition, Vec<Diagnostic>)>,
    problems: Vec<Problem>,
}

/// Runs the command.
pub(super) fn validate(arguments: &Arguments) -> Result<Exit, Problem> {
    let mut checked = Checked::default();
    for path in candidates(&arguments.paths, &mut checked.problems) {
        checked.check(&path, arguments.kind.into());
    }
    if checked.count == 0 && checked.problems.is_empty() {
        let paths: Vec<String> = arguments
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(Problem::NoDefinitions(paths.join(", ")));
    }
    output::result(&match arguments.format {
        Format::Human => checked.human(),
        Format::Json => checked.json(),
    })?;
    for problem in &checked.problems {
        output::problem(problem);
    }
    Ok(
        match (
            checked.problems.is_empty(),
            checked.severities(Severity::Error),
        ) {
            (true, 0) => Exit::Success,
            (true, _) => Exit::No,
            (false, _) => Exit::CouldNotRun,
        },
    )
}

impl Checked {
    fn check(&mut self, candidate: &Candidate, kind: ExecutionType) {
        let definition = match Definition::read(&candidate.path) {
            Ok(definition) => definition,
            // Any other JSON file in the folder.
            Err(Problem::NotText { .. }) if candidate.is_guess => return,
            Err(problem) => return self.problems.push(problem),
        };
        if candidate.is_guess && !looks_like_definition(&definition.text) {
            return;
        }
        self.count += 1;
        let diagnostics = parse(&definition.text, kind).diagnostics;
        if !diagnostics.is_empty() {
            self.found.push((definition, diagnostics));
        }
    }

    fn severities(&self, severity: Severity) -> usize {
        let diagnostics = self.found.iter().flat_map(|(_, diagnostics)| diagnostics);
        diagnostics
            .filter(|diagnostic| diagnostic.severity() == severity)
            .count()
    }

    fn human(&self) -> String {
        let colour = output::colours_results();
        let mut text = String::new();
        for (definition, diagnostics) in &self.found {
            text.push_str(&definition.render(diagnostics, colour));
        }
        if self.count == 0 {
            return text;
        }
        let errors = self.severities(Severity::Error);
        let warnings = self.severities(Severity::Warning);
        let summary = match (errors, warnings) {
            (0, 0) => "no findings".to_owned(),
            (errors, 0) => output::count(errors, "error"),
            (0, warnings) => output::count(warnings, "warning"),
            (errors, warnings) => format!(
                "{}, {}",
                output::count(errors, "error"),
                output::count(warnings, "warning")
            ),
        };
        text + &format!(
            "checked {}: {summary}\n",
            output::count(self.count, "definition")
        )
    }

    fn json(&self) -> String {
        let files: Vec<_> = self
            .found
            .iter()
            .map(|(definition, diagnostics)| (&*definition.path, &*definition.text, &**diagnostics))
            .collect();
        json::render(&files)
    }
}

/// A file to look at.
struct Candidate {
    path: PathBuf,
    /// Nobody named it, and its name does not say that it is a definition.
    is_guess: bool,
}

/// The files that are named or lie in folders that are named, each once, folder by folder in
/// alphabetical order.
fn candidates(paths: &[PathBuf], problems: &mut Vec<Problem>) -> Vec<Candidate> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, &mut found, problems);
        } else {
            found.push(Candidate {
                path: path.clone(),
                is_guess: false,
            });
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|candidate| seen.insert(candidate.path.clone()));
    found
}

fn walk(folder: &Path, found: &mut Vec<Candidate>, problems: &mut Vec<Problem>) {
    // A list of folders, not recursion: depth is up to whoever made them.
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(source) => {
                problems.push(Problem::Read {
                    path: folder.display().to_string(),
                    source,
                });
                continue;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut inner = Vec::new();
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            // Links to folders may lead in circles; links to files are files.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !name.starts_with('.') && name != "node_modules" {
                    inner.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
                && path.is_file()
            {
                found.push(Candidate {
                    path,
                    is_guess: !name.ends_with(".asl.json"),
                });
            }
        }
        folders.extend(inner.into_iter().rev());
    }
}

/// Whether a JSON file is meant to be a definition.
fn looks_like_definition(text: &str) -> bool {
    let members = serde_json::from_str::<BTreeMap<String, &RawValue>>(text);
    members.is_ok_and(|members| members.contains_key("StartAt") && members.contains_key("States"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(looks_like_definition(text), expected, "{text}");
    }

    #[test]
    fn a_definition_is_told_from_other_json() {
        check(r#"{"StartAt": "A", "States": {}}"#, true);
        check(r#"{"StartAt": 1, "StartAt": 2, "States": null}"#, true);
        check(r#"{"StartAt": "A"}"#, false);
        check(r#"[{"StartAt": "A", "States": {}}]"#, false);
        check(r#"{"StartAt": "A", "States": {}"#, false);
        check("", false);
    }

    #[test]
    fn folders_are_walked_in_order_and_files_come_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "b/two.asl.json",
            "a/one.json",
            ".git/x.asl.json",
            "node_modules/y.asl.json",
            "z.txt",
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "{}").unwrap();
        }
        let mut problems = Vec::new();
        let paths = [root.to_owned(), root.join("b/two.asl.json")];
        let found: Vec<(PathBuf, bool)> = candidates(&paths, &mut problems)
            .into_iter()
            .map(|candidate| (candidate.path, candidate.is_guess))
            .collect();
        let expected = [
            (root.join("a/one.json"), true),
            (root.join("b/two.asl.json"), false),
        ];
        assert_eq!(found, expected);
        assert!(problems.is_empty());
    }
}

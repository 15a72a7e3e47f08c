//! All that the commands print: results on standard output, everything else on standard error.
//!
//! A reader that goes away early (`asl … | head`) is no problem of ours and ends nothing.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use super::{Exit, Problem};

/// Writes a result.
pub(super) fn result(text: &str) -> Result<(), Problem> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Problem::System {
            what: "write to standard output",
            source: error,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a result as JSON: readable for people, on one line for programs.
pub(super) fn json(value: &impl Serialize) -> Result<(), Problem> {
    let text = if io::stdout().is_terminal() {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    result(&format!("{}\n", text.expect("JSON values can be written")))
}

/// Writes to standard error. There is nobody to tell when that fails.
pub(super) fn note(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}

/// Says on one line why a command could not run.
pub(super) fn problem(problem: &Problem) {
    note(&format!("asl: {}\n", printable(&problem.line())));
}

/// Shows help, the version, or what is wrong with the arguments.
pub(super) fn usage(usage: &clap::Error) -> Result<Exit, Problem> {
    match usage.print() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Problem::System {
            what: "write",
            source: error,
        }),
        Ok(()) | Err(_) if usage.use_stderr() => Ok(Exit::CouldNotRun),
        Ok(()) | Err(_) => Ok(Exit::Success),
    }
}

/// Whether results may be coloured.
pub(super) fn colours_results() -> bool {
    io::stdout().is_terminal() && colour_is_wanted()
}

/// Whether notes may be coloured.
pub(super) fn colours_notes() -> bool {
    io::stderr().is_terminal() && colour_is_wanted()
}

/// Whether notes reach a terminal that can move its cursor.
pub(super) fn notes_are_live() -> bool {
    io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// <https://no-color.org>
fn colour_is_wanted() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A text of somebody else's with its control characters made visible, so that it cannot take over
/// the terminal. Line breaks and tabs stay.
pub(super) fn printable(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\t' => character,
        _ if character.is_control() => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    text.chars().map(shown).collect()
}

/// `1 file`, `2 files`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\n\tb"), "a\u{fffd}[2J\n\tb");
    }

    #[test]
    fn counts_have_a_plural() {
        assert_eq!(
            [0, 1, 2].map(|number| count(number, "file")),
            ["0 files", "1 file", "2 files"]
        );
    }
}

//! The command line: arguments in, an exit code out.
//!
//! Each command is a module with its `Arguments` and a function that runs it. Results go to
//! standard output, everything else to standard error, all through [`output`].

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod validate;
mod graph;
mod run;
mod serve;
mod db;
mod definition;
mod setup;
mod logs;
mod output;
mod problem;

use problem::Problem;

const EXAMPLES: &str = "\
Examples:
  asl validate workflows/
  asl graph order.asl.json --format dot
  asl run order.asl.json --input '{\"order\": 7}'
  asl serve --database stepwell.db
  asl db check stepwell.db

Exit codes:
  0  success
  1  the answer is no: findings of severity error, an execution that did not succeed
  2  the command could not run";

/// AWS Step Functions that runs anywhere.
#[derive(Debug, Parser)]
#[command(name = "asl", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Validate(validate::Arguments),
    Graph(graph::Arguments),
    Run(run::Arguments),
    Serve(serve::Arguments),
    Db(db::Arguments),
}

/// How a command ended that could run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Exit {
    /// The answer is yes.
    Success,
    /// The answer is no.
    No,
    /// It could not run, and has said why.
    CouldNotRun,
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::No => 1,
            Self::CouldNotRun => 2,
        }
    }
}

/// Runs the program `asl` with these arguments, the first of which is its own name, and returns
/// its exit code: 0 success, 1 the answer is no, 2 the command could not run.
pub fn run<I>(arguments: I) -> ExitCode
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    let done = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => match arguments.command {
            Command::Validate(arguments) => validate::validate(&arguments),
            Command::Graph(arguments) => graph::graph(&arguments),
            Command::Run(arguments) => run::run(&arguments),
            Command::Serve(arguments) => serve::serve(arguments),
            Command::Db(arguments) => db::db(&arguments),
        },
        // Help and version come this way too.
        Err(usage) => output::usage(&usage),
    };
    let exit = done.unwrap_or_else(|problem| {
        output::problem(&problem);
        Exit::CouldNotRun
    });
    exit.code().into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn exit_codes_are_the_documented_ones() {
        assert_eq!(
            [Exit::Success, Exit::No, Exit::CouldNotRun].map(Exit::code),
            [0, 1, 2]
        );
    }
}

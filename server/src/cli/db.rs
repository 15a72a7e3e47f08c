//! `asl db`: looking after a database file.

use std::path::PathBuf;

use stepwell::maintenance;

use super::{Exit, Problem, output};

const EXAMPLES: &str = "\
Examples:
  asl db check stepwell.db
  asl db backup stepwell.db backup.db

Exit codes:
  0  the database is sound; the copy was written
  1  the check found something
  2  the file could not be read, or the copy not be written";

/// Look after a database file, also while a server runs on it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read the whole file and replay every journal.
    Check {
        /// The database.
        #[arg(value_name = "FILE")]
        database: PathBuf,
    },
    /// Copy the database into a new file.
    Backup {
        /// The database.
        #[arg(value_name = "FILE")]
        database: PathBuf,
        /// The copy, which must not exist.
        #[arg(value_name = "COPY")]
        copy: PathBuf,
    },
}

/// Runs the command.
pub(super) fn db(arguments: &Arguments) -> Result<Exit, Problem> {
    match &arguments.command {
        Command::Check { database } => {
            let checked = maintenance::check(database)?;
            for finding in &checked.findings {
                output::result(&format!("{finding}\n"))?;
            }
            let findings = checked.findings.len();
            output::note(&format!(
                "executions: {}, events: {}, findings: {findings}\n",
                checked.executions, checked.events,
            ));
            Ok(if findings == 0 {
                Exit::Success
            } else {
                Exit::No
            })
        }
        Command::Backup { database, copy } => {
            let bytes = maintenance::back_up(database, copy)?;
            output::note(&format!("copied {bytes} bytes to {}\n", copy.display()));
            Ok(Exit::Success)
        }
    }
}

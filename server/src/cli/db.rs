//! `asl db`: looking after a database file.

use std::path::PathBuf;

use stepwell::maintenance::{self, Checked, LostEnds};

use super::{Exit, Problem, output};

const EXAMPLES: &str = "\
Examples:
  asl db check stepwell.db
  asl db repair stepwell.db
  asl db backup stepwell.db backup.db

Exit codes:
  0  the database is sound, or is now; the copy was written
  1  the check found something; the repair left something
  2  the file could not be read or written, or a server runs on what is to be repaired";

/// Look after a database file; check and backup also while a server runs on it.
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
    /// Write again what the journals say and the rows around them do not, then check.
    ///
    /// No server may run on the database; make a backup before. Prints what was found, and what is
    /// left. An execution whose record says that it ended while its journal does not (its last
    /// events are lost) is left as it is: its tasks would run again.
    Repair {
        /// The database.
        #[arg(value_name = "FILE")]
        database: PathBuf,
        /// Let executions whose journals have lost their ends go on with the next server. Tasks
        /// whose results were lost run again.
        #[arg(long)]
        reopen: bool,
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
            tell(&checked)?;
            Ok(exit(&checked))
        }
        Command::Repair { database, reopen } => {
            let lost_ends = if *reopen {
                LostEnds::Reopen
            } else {
                LostEnds::Leave
            };
            let repaired = maintenance::repair(database, lost_ends)?;
            tell(&repaired.before)?;
            let left = repaired.after.findings.len();
            output::note(&format!(
                "rows written: {}, findings left: {left}\n",
                repaired.rows
            ));
            for finding in &repaired.after.findings {
                output::note(&format!("left: {finding}\n"));
            }
            Ok(exit(&repaired.after))
        }
        Command::Backup { database, copy } => {
            let bytes = maintenance::back_up(database, copy)?;
            output::note(&format!("copied {bytes} bytes to {}\n", copy.display()));
            Ok(Exit::Success)
        }
    }
}

fn tell(checked: &Checked) -> Result<(), Problem> {
    for finding in &checked.findings {
        output::result(&format!("{finding}\n"))?;
    }
    output::note(&format!(
        "executions: {}, events: {}, findings: {}\n",
        checked.executions,
        checked.events,
        checked.findings.len(),
    ));
    Ok(())
}

fn exit(checked: &Checked) -> Exit {
    if checked.findings.is_empty() {
        Exit::Success
    } else {
        Exit::No
    }
}

//! `asl serve`: the server.

use std::io;
use std::path::PathBuf;

use stepwell::Engine;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::logs::{self, Style};
use super::setup::{self, StopSignals};
use super::{Exit, Problem, output};

const EXAMPLES: &str = "\
Examples:
  asl serve
  asl serve --listen 0.0.0.0:8083 --database /var/lib/stepwell.db --config stepwell.toml
  SFN_MOCK_CONFIG=mocks.json asl serve --database :memory:
  aws stepfunctions list-state-machines --endpoint-url http://127.0.0.1:8083

Prints `asl: listening on http://ADDRESS` once it accepts requests.
SIGINT or SIGTERM lets requests finish and ends it; open executions go on with the next start.

Exit codes:
  0  stopped by a signal
  2  could not start: the database, the address or a file";

/// Run the server: the AWS Step Functions API over HTTP.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Address and port; port 0 picks one that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8083")]
    listen: String,
    /// The SQLite file that keeps everything, created if it does not exist; `:memory:` keeps
    /// nothing beyond the process.
    #[arg(long, value_name = "FILE", default_value = "stepwell.db")]
    database: String,
    /// Functions, connections, region and account.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Mocked answers, in the format of Step Functions Local [env: `SFN_MOCK_CONFIG`].
    #[arg(long, value_name = "FILE")]
    mock_config: Option<PathBuf>,
    /// What is logged: off, error, warn, info, debug or trace, or directives such as
    /// `stepwell=debug,tower_http=info` [env: `STEPWELL_LOG`; default: info].
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

/// Runs the command.
pub(super) fn serve(arguments: Arguments) -> Result<Exit, Problem> {
    logs::start(arguments.log.as_deref(), "info", Style::Full, io::stderr)?;
    let runtime = setup::runtime()?;
    let done = runtime.block_on(start(arguments));
    runtime.shutdown_timeout(setup::SHUTDOWN);
    done
}

async fn start(arguments: Arguments) -> Result<Exit, Problem> {
    // An empty variable is one that somebody did not want to set.
    let from_environment = || std::env::var_os("SFN_MOCK_CONFIG").filter(|path| !path.is_empty());
    let mock_config = arguments
        .mock_config
        .or_else(|| from_environment().map(PathBuf::from));
    let mut builder =
        Engine::builder().configuration(setup::configuration(arguments.config.as_deref())?);
    if let Some(path) = mock_config {
        builder = builder.mocks(setup::mocks(&path)?);
    }
    builder = match database(&arguments.database)? {
        Some(file) => builder.database(file),
        None => builder.in_memory(),
    };
    let address = arguments.listen;
    let taken = |source| Problem::Listen {
        address: address.clone(),
        source,
    };
    // The address comes first: without it, no execution should go on.
    let listener = TcpListener::bind(&address).await.map_err(taken)?;
    let bound = listener.local_addr().map_err(taken)?;
    let mut signals = StopSignals::listen()?;
    let engine = builder.build().await?;
    output::result(&format!("asl: listening on http://{bound}\n"))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let served = crate::serve::serve(engine, listener, async {
        let _ = stopped.await;
    });
    let second_signal = async {
        signals.next().await;
        tracing::info!("stopping: requests may finish");
        let _ = stop.send(());
        signals.next().await;
    };
    tokio::select! {
        served = served => {
            served.map_err(|source| Problem::System { what: "go on serving", source })?;
        }
        // What was answered is durable; nothing is lost but the answers to these requests.
        () = second_signal => tracing::warn!("stopped before all requests had finished"),
    }
    Ok(Exit::Success)
}

/// The file that a `--database` names; `None` for memory.
fn database(text: &str) -> Result<Option<PathBuf>, Problem> {
    // The rest of such a URL may hold a password and is not repeated.
    match text.split_once("://") {
        Some((scheme @ ("postgres" | "postgresql"), _)) => Err(Problem::Arguments(format!(
            "{scheme}://…: PostgreSQL is not supported yet, a database is a SQLite file"
        ))),
        Some((scheme, _)) => Err(Problem::Arguments(format!(
            "{scheme}://…: a database is a SQLite file"
        ))),
        None if text.is_empty() => Err(Problem::Arguments(
            "--database needs the name of a file".to_owned(),
        )),
        None if text == ":memory:" => Ok(None),
        None => Ok(Some(PathBuf::from(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_file_or_memory() {
        assert_eq!(
            database("stepwell.db").unwrap(),
            Some(PathBuf::from("stepwell.db"))
        );
        assert_eq!(database(":memory:").unwrap(), None);
        let refused = database("postgres://me:secret@host/db").unwrap_err().line();
        assert_eq!(
            refused,
            "postgres://…: PostgreSQL is not supported yet, a database is a SQLite file"
        );
        assert!(database("mysql://x").is_err());
        assert!(database("").is_err());
    }
}

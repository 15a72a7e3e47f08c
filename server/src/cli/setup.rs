//! What `asl run` and `asl serve` are told by files and the environment.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use stepwell::configuration::Configuration;
use stepwell::integrations::mock::MockConfiguration;
use tokio::runtime::{Builder, Runtime};

use super::Problem;

/// How long the end of the program waits for what still runs.
pub(super) const SHUTDOWN: Duration = Duration::from_secs(2);

/// Reads `stepwell.toml`; without a file everything is as usual. Secrets that it names come from
/// the environment.
pub(super) fn configuration(path: Option<&Path>) -> Result<Configuration, Problem> {
    let Some(path) = path else {
        return Ok(Configuration::default());
    };
    let text = read(path)?;
    // The folder is made absolute: functions run elsewhere.
    let absolute = std::path::absolute(path).map_err(|source| Problem::Read {
        path: shown(path),
        source,
    })?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    Configuration::parse(&text, folder, &|name| std::env::var(name).ok()).map_err(|source| {
        Problem::Configuration {
            path: shown(path),
            source,
        }
    })
}

/// Reads a mock configuration file.
pub(super) fn mocks(path: &Path) -> Result<MockConfiguration, Problem> {
    MockConfiguration::parse(&read(path)?).map_err(|source| Problem::MockConfiguration {
        path: shown(path),
        source,
    })
}

/// The text of a file; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<String, Problem> {
    let (shown, bytes) = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        ("stdin".to_owned(), read.map(|_| bytes))
    } else {
        (shown(path), fs::read(path))
    };
    match bytes.map(String::from_utf8) {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(_)) => Err(Problem::NotText { path: shown }),
        Err(source) => Err(Problem::Read {
            path: shown,
            source,
        }),
    }
}

/// What an engine runs on.
pub(super) fn runtime() -> Result<Runtime, Problem> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Problem::System {
            what: "start threads",
            source,
        })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The signals that ask the program to stop: SIGINT and SIGTERM, or Ctrl-C where there are none.
/// From the first value of this type on, they no longer end the process by themselves.
pub(super) struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, Problem> {
        use tokio::signal::unix::{SignalKind, signal};

        let failed = |source| Problem::System {
            what: "listen for signals",
            source,
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl StopSignals {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, Problem> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // There is no Ctrl-C to wait for.
            std::future::pending::<()>().await;
        }
    }
}

//! Why a command could not run.

use std::error::Error;
use std::fmt::Write;
use std::io;

use stepwell::configuration::ConfigurationError;
use stepwell::integrations::mock::MockConfigurationError;
use stepwell::store::StoreError;
use stepwell::{BuildError, OperationError};

/// Why a command could not run. [`Problem::line`] says it with its causes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("cannot read {path}")]
    Read { path: String, source: io::Error },
    #[error("{path} is not UTF-8 text")]
    NotText { path: String },
    #[error("{path}: definitions in YAML are not supported yet")]
    Yaml { path: String },
    #[error(
        "no definitions found in {0}: they end in .asl.json, or in .json with `StartAt` and `States` inside"
    )]
    NoDefinitions(String),
    #[error("{path}")]
    Configuration {
        path: String,
        source: ConfigurationError,
    },
    #[error("{path}")]
    MockConfiguration {
        path: String,
        source: MockConfigurationError,
    },
    #[error("{0}")]
    Arguments(String),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Operation(#[from] OperationError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot listen on {address}")]
    Listen { address: String, source: io::Error },
    #[error("cannot {what}")]
    System {
        what: &'static str,
        source: io::Error,
    },
}

impl Problem {
    /// The problem and what lies under it, on one line.
    pub(super) fn line(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Writing to a string does not fail.
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_its_causes_on_one_line() {
        let source = io::Error::other("the disk\nis gone");
        let problem = Problem::Read {
            path: "a.json".to_owned(),
            source,
        };
        assert_eq!(problem.line(), "cannot read a.json: the disk is gone");
    }
}

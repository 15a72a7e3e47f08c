//! Where the logs go: standard error, as much of them as was asked for.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::{Problem, output};

/// The variable that says what is logged, unless `--log` does.
const VARIABLE: &str = "STEPWELL_LOG";

/// How logs look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    /// With time and origin, for a server.
    Full,
    /// The message and its fields, beside other output.
    Brief,
}

/// Lets logs through `writer` from now on. `level` is what `--log` says.
pub(super) fn start<W>(
    level: Option<&str>,
    usual: &str,
    style: Style,
    writer: W,
) -> Result<(), Problem>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let from_environment = std::env::var(VARIABLE)
        .ok()
        .filter(|level| !level.trim().is_empty());
    let (origin, level) = match (level, &from_environment) {
        (Some(level), _) => ("--log", level),
        (None, Some(level)) => (VARIABLE, &**level),
        (None, None) => ("", usual),
    };
    let filter = EnvFilter::builder()
        .parse(directives(level))
        .map_err(|error| {
            Problem::Arguments(format!("{origin}: {level:?} is no log level: {error}"))
        })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(output::colours_notes())
        .with_writer(writer);
    // A program that calls `run` may have logs of its own; then ours go there.
    let _ = match style {
        Style::Full => builder.try_init(),
        Style::Brief => builder.without_time().with_target(false).try_init(),
    };
    Ok(())
}

/// A level is meant for Stepwell; of other crates no more than warnings are wanted.
fn directives(level: &str) -> String {
    match level.trim().to_ascii_lowercase().as_str() {
        level @ ("info" | "debug" | "trace") => format!("warn,stepwell={level}"),
        level @ ("off" | "error" | "warn") => level.to_owned(),
        _ => level.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_meant_for_stepwell() {
        assert_eq!(directives("DEBUG"), "warn,stepwell=debug");
        assert_eq!(directives("error"), "error");
        assert_eq!(
            directives("stepwell=trace,tower_http=debug"),
            "stepwell=trace,tower_http=debug"
        );
    }
}

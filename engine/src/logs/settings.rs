//! What a state machine's `loggingConfiguration` asks for.

use serde_json::Value;
use stepwell_interpreter::event::EventKind;

use crate::error::OperationError;

/// Which events of whose executions go where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LogSettings {
    /// Which events.
    pub(crate) level: LogLevel,
    /// Whether inputs and outputs are shown.
    pub(crate) include_execution_data: bool,
    /// The name of the log group.
    pub(crate) group: String,
}

/// Which events are logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogLevel {
    /// Every one.
    All,
    /// Those that say that something failed.
    Error,
    /// Those that end an execution otherwise than well.
    Fatal,
}

/// Characters of a log group's name. Source: `CloudWatch` Logs API, `logGroupName`.
const GROUP_LENGTH_MAX: usize = 512;

impl LogSettings {
    /// What the configuration of a revision asks for; `None` when it is off.
    pub(crate) fn of_revision(configuration: &str) -> Option<Self> {
        let configuration: Value = serde_json::from_str(configuration).ok()?;
        // It was checked when it was written.
        Self::read(configuration.get("logging")?).ok()?
    }

    /// Reads a `loggingConfiguration`; `None` when it is off.
    ///
    /// # Errors
    ///
    /// [`OperationError`] without exactly one log group.
    pub(crate) fn read(configuration: &Value) -> Result<Option<Self>, OperationError> {
        let level = match configuration.get("level").and_then(Value::as_str) {
            Some("ALL") => LogLevel::All,
            Some("ERROR") => LogLevel::Error,
            Some("FATAL") => LogLevel::Fatal,
            // Other levels than `OFF` are refused before.
            Some(_) | None => return Ok(None),
        };
        let destinations = configuration.get("destinations").and_then(Value::as_array);
        let [destination] = destinations.map_or(&[][..], Vec::as_slice) else {
            return Err(invalid("Must specify exactly one Log Destination."));
        };
        let arn = destination.pointer("/cloudWatchLogsLogGroup/logGroupArn");
        let group = arn.and_then(Value::as_str).and_then(group_of);
        let data = configuration.get("includeExecutionData");
        Ok(Some(Self {
            level,
            include_execution_data: data.and_then(Value::as_bool).unwrap_or(false),
            group: group
                .ok_or_else(|| invalid("Log Destination not found."))?
                .to_owned(),
        }))
    }
}

impl LogLevel {
    /// Whether an event can be one that is logged; [`shows`](Self::shows) has the last word.
    pub(super) fn may_show(self, kind: &EventKind) -> bool {
        match self {
            Self::All | Self::Error => true,
            Self::Fatal => kind.is_terminal(),
        }
    }

    /// Whether an entry of the history is logged. Source: AWS's table of log levels.
    pub(super) fn shows(self, event_type: &str) -> bool {
        match self {
            Self::All => true,
            Self::Error => {
                event_type == "FailStateEntered"
                    || ["Failed", "TimedOut", "Aborted"]
                        .iter()
                        .any(|end| event_type.ends_with(end))
            }
            Self::Fatal => {
                ["ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"].contains(&event_type)
            }
        }
    }
}

/// The name in `arn:aws:logs:<region>:<account>:log-group:<name>:*`.
fn group_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(7, ':');
    let [scheme, partition, service, _, _, kind, rest] =
        std::array::from_fn(|_| parts.next().unwrap_or_default());
    let name = rest.strip_suffix(":*").unwrap_or(rest);
    let is_name = (1..=GROUP_LENGTH_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte));
    let is_group = scheme == "arn"
        && partition.starts_with("aws")
        && (service, kind) == ("logs", "log-group")
        && is_name;
    is_group.then_some(name)
}

fn invalid(message: &str) -> OperationError {
    OperationError::InvalidLoggingConfiguration(message.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(level: &str, arns: &[&str]) -> Value {
        let destinations: Vec<Value> = arns
            .iter()
            .map(|arn| json!({"cloudWatchLogsLogGroup": {"logGroupArn": arn}}))
            .collect();
        json!({"level": level, "includeExecutionData": true, "destinations": destinations})
    }

    #[track_caller]
    fn refused(configuration: &Value, message: &str) {
        let error = LogSettings::read(configuration).unwrap_err();
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn a_level_goes_to_one_group() {
        const GROUP: &str =
            "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/a:*";
        let settings = LogSettings::read(&with("ERROR", &[GROUP])).unwrap();
        let expected = LogSettings {
            level: LogLevel::Error,
            include_execution_data: true,
            group: "/aws/vendedlogs/states/a".to_owned(),
        };
        assert_eq!(settings, Some(expected));
        for off in [with("OFF", &[]), with("OFF", &[GROUP, GROUP]), json!({})] {
            assert_eq!(LogSettings::read(&off).unwrap(), None);
        }
        let count = "Invalid Logging Configuration: Must specify exactly one Log Destination.";
        refused(&with("ALL", &[]), count);
        refused(&with("ALL", &[GROUP, GROUP]), count);
        refused(&json!({"level": "ALL"}), count);
    }

    #[test]
    fn other_texts_are_no_group() {
        for arn in [
            "",
            "orders",
            "arn:aws:logs:us-east-1:123456789012:log-group",
            "arn:aws:logs:us-east-1:123456789012:log-group::*",
            "arn:aws:logs:us-east-1:123456789012:log-group:a b:*",
            "arn:aws:logs:us-east-1:123456789012:log-group:a:log-stream:b",
            "arn:aws:states:us-east-1:123456789012:stateMachine:a",
        ] {
            let message = "Invalid Logging Configuration: Log Destination not found.";
            refused(&with("ALL", &[arn]), message);
        }
    }

    #[test]
    fn levels_hold_each_other() {
        for (event_type, error, fatal) in [
            ("ExecutionStarted", false, false),
            ("ExecutionSucceeded", false, false),
            ("ExecutionFailed", true, true),
            ("ExecutionTimedOut", true, true),
            ("ExecutionAborted", true, true),
            ("FailStateEntered", true, false),
            ("PassStateEntered", false, false),
            ("LambdaFunctionScheduleFailed", true, false),
            ("ActivityTimedOut", true, false),
            ("WaitStateAborted", true, false),
            ("MapIterationFailed", true, false),
        ] {
            assert!(LogLevel::All.shows(event_type));
            assert_eq!(LogLevel::Error.shows(event_type), error, "{event_type}");
            assert_eq!(LogLevel::Fatal.shows(event_type), fatal, "{event_type}");
        }
    }
}

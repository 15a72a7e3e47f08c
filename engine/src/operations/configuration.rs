//! Logging, tracing and encryption, in the API's own form: what else belongs to a revision, and to
//! an activity.

use serde_json::{Map, Value, json};

use crate::error::OperationError;
use crate::logs::LogSettings;

use super::constraints;
use super::model::{self, Member, Rule, Shape, Structure, optional, required};

/// What else belongs to a revision, in the API's own form.
#[derive(Clone, Debug, PartialEq)]
pub struct StateMachineConfiguration {
    /// `loggingConfiguration`.
    pub logging: Value,
    /// `tracingConfiguration`.
    pub tracing: Value,
    /// `encryptionConfiguration`.
    pub encryption: Value,
}

/// `loggingConfiguration`. Source: API, `LoggingConfiguration`.
pub const LOGGING: Structure = Structure {
    name: "LoggingConfiguration",
    members: &[
        optional("level", Shape::OneOf(&["ALL", "ERROR", "FATAL", "OFF"])),
        optional("includeExecutionData", Shape::Boolean),
        optional(
            "destinations",
            Shape::List(&Shape::Structure(&DESTINATION), 0..=usize::MAX),
        ),
    ],
};

const DESTINATION: Structure = Structure {
    name: "LogDestination",
    members: &[optional(
        "cloudWatchLogsLogGroup",
        Shape::Structure(&Structure {
            name: "CloudWatchLogsLogGroup",
            members: &[optional(
                "logGroupArn",
                Shape::Text(&[Rule::Length(constraints::ARN)]),
            )],
        }),
    )],
};

/// `tracingConfiguration`. Source: API, `TracingConfiguration`.
pub const TRACING: Structure = Structure {
    name: "TracingConfiguration",
    members: &[optional("enabled", Shape::Boolean)],
};

/// `encryptionConfiguration`. Source: API, `EncryptionConfiguration`.
pub const ENCRYPTION: Structure = Structure {
    name: "EncryptionConfiguration",
    members: &[
        optional("kmsKeyId", Shape::Text(&[Rule::Length(1..=2_048)])),
        optional("kmsDataKeyReusePeriodSeconds", Shape::Integer(60..=900)),
        required(
            "type",
            Shape::OneOf(&["AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY"]),
        ),
    ],
};

const LOGGING_MEMBER: &str = "loggingConfiguration";
const TRACING_MEMBER: &str = "tracingConfiguration";
const ENCRYPTION_MEMBER: &str = "encryptionConfiguration";

/// Where a request has them.
const MEMBERS: [Member; 3] = [
    optional(LOGGING_MEMBER, Shape::Structure(&LOGGING)),
    optional(TRACING_MEMBER, Shape::Structure(&TRACING)),
    optional(ENCRYPTION_MEMBER, Shape::Structure(&ENCRYPTION)),
];

/// What an update makes of a configuration. What is absent stays.
pub(super) struct ConfigurationChange {
    pub(super) logging: Option<Value>,
    pub(super) tracing: Option<Value>,
    pub(super) encryption: Option<Value>,
}

impl Default for StateMachineConfiguration {
    fn default() -> Self {
        Self {
            logging: json!({"level": "OFF", "includeExecutionData": false}),
            tracing: json!({"enabled": false}),
            encryption: unencrypted(),
        }
    }
}

impl StateMachineConfiguration {
    pub(super) fn write(&self) -> String {
        json!({
            "logging": self.logging,
            "tracing": self.tracing,
            "encryption": self.encryption,
        })
        .to_string()
    }

    /// Reads what was written. Older revisions may hold what nobody would write today: what no
    /// model knows is left out, and whatever cannot be read has its default.
    pub(super) fn read(text: &str) -> Self {
        let mut read: Value = serde_json::from_str(text).unwrap_or_default();
        let mut take = |field: &str, structure: &Structure| {
            let value = read.get_mut(field).map(Value::take);
            model::known(structure, value.unwrap_or_default())
        };
        Self {
            logging: take("logging", &LOGGING),
            tracing: take("tracing", &TRACING),
            encryption: take("encryption", &ENCRYPTION),
        }
        .with_defaults()
    }

    /// The configuration of a new state machine: refuses what AWS refuses and what cannot be done
    /// here, fills in the defaults, and says what is logged.
    pub(super) fn checked(self) -> Result<(Self, Option<LogSettings>), OperationError> {
        let change = ConfigurationChange {
            logging: Some(self.logging),
            tracing: Some(self.tracing),
            encryption: Some(self.encryption),
        };
        Self::default().changed(change)
    }

    /// The same for an update. What stays is not looked at again: it may be older than a rule.
    pub(super) fn changed(
        self,
        change: ConfigurationChange,
    ) -> Result<(Self, Option<LogSettings>), OperationError> {
        let given = [
            (LOGGING_MEMBER, change.logging),
            (TRACING_MEMBER, change.tracing),
            (ENCRYPTION_MEMBER, change.encryption),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let mut read = model::read(&MEMBERS, given.collect())?;
        let mut take = |name: &str, kept: Value| read.remove(name).unwrap_or(kept);
        let configuration = Self {
            logging: take(LOGGING_MEMBER, self.logging),
            tracing: take(TRACING_MEMBER, self.tracing),
            encryption: take(ENCRYPTION_MEMBER, self.encryption),
        }
        .with_defaults();
        let logged = LogSettings::read(&configuration.logging)?;
        refuse_keys(&configuration.encryption)?;
        Ok((configuration, logged))
    }

    fn with_defaults(self) -> Self {
        let default = Self::default();
        Self {
            logging: over(default.logging, self.logging),
            tracing: over(default.tracing, self.tracing),
            encryption: over(default.encryption, self.encryption),
        }
    }
}

/// The encryption of an activity: refuses what AWS refuses and what cannot be done here.
pub(super) fn checked_encryption(given: Value) -> Result<Value, OperationError> {
    let given = Map::from_iter([(ENCRYPTION_MEMBER.to_owned(), given)]);
    let mut read = model::read(&MEMBERS, given)?;
    let encryption = over(
        unencrypted(),
        read.remove(ENCRYPTION_MEMBER).unwrap_or_default(),
    );
    refuse_keys(&encryption)?;
    Ok(encryption)
}

/// The encryption of an activity as it was written, which may have been long ago.
pub(super) fn read_encryption(text: &str) -> Value {
    let read = serde_json::from_str(text).unwrap_or_default();
    over(unencrypted(), model::known(&ENCRYPTION, read))
}

fn unencrypted() -> Value {
    json!({"type": "AWS_OWNED_KEY"})
}

fn refuse_keys(encryption: &Value) -> Result<(), OperationError> {
    if encryption.get("type").and_then(Value::as_str) == Some("CUSTOMER_MANAGED_KMS_KEY") {
        let message = "Stepwell does not encrypt with a customer managed key yet";
        return Err(OperationError::InvalidEncryptionConfiguration(
            message.to_owned(),
        ));
    }
    Ok(())
}

/// The members that were given, and the defaults of the others.
fn over(mut defaults: Value, given: Value) -> Value {
    if let (Value::Object(members), Value::Object(given)) = (&mut defaults, given) {
        members.extend(given);
    }
    defaults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let group = "arn:aws:logs:us-east-1:123456789012:log-group:a:*";
        let configuration = StateMachineConfiguration {
            logging: json!({"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]}),
            tracing: json!({"enabled": true, "x": 1}),
            encryption: json!({"type": "AWS_OWNED_KEY", "kmsDataKeyReusePeriodSeconds": 60}),
        };
        let (checked, logged) = configuration.checked().unwrap();
        assert_eq!(logged.unwrap().group, "a");
        assert_eq!(checked.logging["includeExecutionData"], false);
        assert_eq!(checked.tracing, json!({"enabled": true}));
        assert_eq!(StateMachineConfiguration::read(&checked.write()), checked);
    }

    #[test]
    fn older_revisions_are_readable_whatever_they_hold() {
        let default = StateMachineConfiguration::default();
        for text in ["", "[]", "{}", r#"{"logging": 1, "encryption": []}"#] {
            assert_eq!(StateMachineConfiguration::read(text), default, "{text}");
        }
        let text = json!({
            "logging": {"level": "ERROR", "includeExecutionData": "x", "destinations": [{"y": 1}, 2], "foo": 1},
            "tracing": {"enabled": "x"},
            "encryption": {"type": "X", "foo": {}},
        });
        let read = StateMachineConfiguration::read(&text.to_string());
        let expected =
            json!({"level": "ERROR", "includeExecutionData": false, "destinations": [{}]});
        assert_eq!(read.logging, expected);
        assert_eq!(read.tracing, json!({"enabled": false}));
        assert_eq!(read.encryption, json!({"type": "X"}));
        let change = ConfigurationChange {
            logging: Some(json!({"level": "OFF"})),
            tracing: None,
            encryption: None,
        };
        let (changed, _) = read.changed(change).unwrap();
        assert_eq!(changed.encryption, json!({"type": "X"}), "it is kept");
        assert_eq!(
            read_encryption("{\"x\": 1}"),
            json!({"type": "AWS_OWNED_KEY"})
        );
    }

    #[test]
    fn all_that_breaks_a_rule_is_told() {
        let configuration = StateMachineConfiguration {
            logging: json!({"level": "LOUD", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": ""}}]}),
            encryption: json!({"kmsDataKeyReusePeriodSeconds": 59, "kmsKeyId": "k"}),
            ..StateMachineConfiguration::default()
        };
        let message = configuration.checked().unwrap_err().to_string();
        let expected = [
            "4 validation errors detected: Value 'LOUD' at 'loggingConfiguration.level' failed to satisfy constraint: Member must satisfy enum value set: [ALL, ERROR, FATAL, OFF]",
            "Value '' at 'loggingConfiguration.destinations.1.member.cloudWatchLogsLogGroup.logGroupArn' failed to satisfy constraint: Member must have length greater than or equal to 1",
            "Value '59' at 'encryptionConfiguration.kmsDataKeyReusePeriodSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60",
            "Value null at 'encryptionConfiguration.type' failed to satisfy constraint: Member must not be null",
        ];
        assert_eq!(message, expected.join("; "));
        let message = checked_encryption(json!({"type": 1}))
            .unwrap_err()
            .to_string();
        assert_eq!(message, "NUMBER_VALUE can not be converted to a String");
    }
}

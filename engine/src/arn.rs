//! Amazon Resource Names of what the engine keeps.

use crate::configuration::Server;
use crate::error::{OperationError, ValidationReason};
use crate::store::StateMachineKind;

/// An ARN of Step Functions, taken apart.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Arn {
    StateMachine(StateMachineArn),
    /// `…:execution:<state machine>:<name>`.
    Execution {
        state_machine: String,
        name: String,
    },
    /// `…:activity:<name>`.
    Activity(String),
}

/// The ARN of a state machine, or of a part of one: `…:stateMachine:<name>`, with a qualifier
/// behind it, and with `#<case>` behind that for a test case of the mock configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct StateMachineArn {
    /// The state machine's name.
    pub(crate) name: String,
    /// Which part of it.
    pub(crate) qualifier: Option<Qualifier>,
    /// The test case.
    pub(crate) test_case: Option<String>,
}

/// A part of a state machine.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Qualifier {
    /// `…:<n>`: a version. 0, which no version has, stands for digits that name none.
    Version(u64),
    /// `…:<name>`: an alias.
    Alias(String),
}

/// What tags may be put on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Taggable {
    /// The state machine of this name.
    StateMachine(String),
    /// The activity of this name.
    Activity(String),
    /// A version or an alias, which have no tags.
    Nothing,
}

/// Writes and reads ARNs of one region and account.
#[derive(Clone, Debug)]
pub(crate) struct Arns {
    prefix: String,
}

impl Arns {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            prefix: format!("arn:aws:states:{}:{}:", server.region, server.account),
        }
    }

    pub(crate) fn state_machine(&self, name: &str) -> String {
        format!("{}stateMachine:{name}", self.prefix)
    }

    pub(crate) fn version(&self, state_machine: &str, number: u64) -> String {
        format!("{}stateMachine:{state_machine}:{number}", self.prefix)
    }

    pub(crate) fn alias(&self, state_machine: &str, alias: &str) -> String {
        format!("{}stateMachine:{state_machine}:{alias}", self.prefix)
    }

    pub(crate) fn execution(&self, state_machine: &str, name: &str) -> String {
        format!("{}execution:{state_machine}:{name}", self.prefix)
    }

    pub(crate) fn map_run(&self, state_machine: &str, label: &str, id: &str) -> String {
        format!("{}mapRun:{state_machine}/{label}:{id}", self.prefix)
    }

    /// Express executions may share a name; `id` tells them apart.
    pub(crate) fn express(&self, state_machine: &str, name: &str, id: &str) -> String {
        format!("{}express:{state_machine}:{name}:{id}", self.prefix)
    }

    pub(crate) fn activity(&self, name: &str) -> String {
        format!("{}activity:{name}", self.prefix)
    }

    /// The name of the activity that an ARN names.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`] for anything else, in AWS's words.
    pub(crate) fn parse_activity(text: &str) -> Result<String, OperationError> {
        match Self::parse(text)? {
            Arn::Activity(name) => Ok(name),
            Arn::StateMachine(_) => Err(not_valid_here("stateMachine")),
            Arn::Execution { .. } => Err(not_valid_here("execution")),
        }
    }

    /// The state machine that an ARN names, or a part of one.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`] for anything else, in AWS's words.
    pub(crate) fn parse_state_machine(text: &str) -> Result<StateMachineArn, OperationError> {
        match Self::parse(text)? {
            Arn::StateMachine(arn) => Ok(arn),
            Arn::Execution { .. } => Err(not_valid_here("execution")),
            Arn::Activity(_) => Err(not_valid_here("activity")),
        }
    }

    /// The state machine that an ARN names, and which part of it. Test cases are for starts alone.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`] for anything else, in AWS's words.
    pub(crate) fn parse_part(text: &str) -> Result<(String, Option<Qualifier>), OperationError> {
        let arn = Self::parse_state_machine(text)?;
        match arn.test_case {
            None => Ok((arn.name, arn.qualifier)),
            Some(_) => Err(invalid(format!("Invalid ARN: {text}"))),
        }
    }

    /// The name of the state machine that an ARN names as a whole.
    ///
    /// # Errors
    ///
    /// As [`Self::parse_state_machine`], and [`OperationError::Validation`] for a part of one.
    pub(crate) fn parse_whole_state_machine(text: &str) -> Result<String, OperationError> {
        let (name, qualifier) = Self::parse_part(text)?;
        match qualifier {
            None => Ok(name),
            Some(Qualifier::Version(_) | Qualifier::Alias(_)) => {
                Err(OperationError::Validation(format!(
                    "This operation takes the ARN of a state machine without a version or an alias. Received: {text}"
                )))
            }
        }
    }

    /// The state machine's name and the number of a version.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`] for anything else.
    pub(crate) fn parse_version(text: &str) -> Result<(String, u64), OperationError> {
        let (name, qualifier) = Self::parse_part(text)?;
        match qualifier {
            Some(Qualifier::Version(number)) => Ok((name, number)),
            Some(Qualifier::Alias(_)) | None => Err(not_valid_here("stateMachine")),
        }
    }

    /// The state machine's name and that of an alias.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`] for anything else.
    pub(crate) fn parse_alias(text: &str) -> Result<(String, String), OperationError> {
        let (name, qualifier) = Self::parse_part(text)?;
        match qualifier {
            Some(Qualifier::Alias(alias)) => Ok((name, alias)),
            Some(Qualifier::Version(_)) | None => Err(not_valid_here("stateMachine")),
        }
    }

    /// The state machine and the name of the execution that an ARN names.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`] for anything else, in AWS's words.
    pub(crate) fn parse_execution(text: &str) -> Result<(String, String), OperationError> {
        match Self::parse(text)? {
            Arn::Execution {
                state_machine,
                name,
            } => Ok((state_machine, name)),
            Arn::StateMachine(_) => Err(not_valid_here("stateMachine")),
            Arn::Activity(_) => Err(not_valid_here("activity")),
        }
    }

    /// Whether an ARN names a Map Run.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`] when it names anything else, in AWS's words.
    pub(crate) fn check_map_run(text: &str) -> Result<(), OperationError> {
        let mut parts = text.splitn(7, ':');
        if parts.nth(5) == Some("mapRun") && text.split(':').nth(2) == Some("states") {
            return match label_of(text) {
                Some(_) => Ok(()),
                None => Err(invalid(format!("Invalid ARN: {text}"))),
            };
        }
        match Self::parse(text)? {
            Arn::StateMachine(_) => Err(not_valid_here("stateMachine")),
            Arn::Execution { .. } => Err(not_valid_here("execution")),
            Arn::Activity(_) => Err(not_valid_here("activity")),
        }
    }

    /// What an ARN names that may have tags.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`] for anything else, in AWS's words.
    pub(crate) fn parse_taggable(text: &str) -> Result<Taggable, OperationError> {
        match Self::parse(text)? {
            Arn::StateMachine(arn) if arn.qualifier.is_none() && arn.test_case.is_none() => {
                Ok(Taggable::StateMachine(arn.name))
            }
            Arn::Activity(name) => Ok(Taggable::Activity(name)),
            Arn::StateMachine(_) => Ok(Taggable::Nothing),
            Arn::Execution { .. } => Err(not_valid_here("execution")),
        }
    }

    /// Whether the ARN stands in the region and account that this server has.
    pub(crate) fn is_own(&self, text: &str) -> bool {
        text.starts_with(&self.prefix)
    }

    fn parse(text: &str) -> Result<Arn, OperationError> {
        let Some(rest) = text.strip_prefix("arn:") else {
            return Err(invalid(format!("Invalid ARN prefix: {text}")));
        };
        let mut parts = rest.splitn(5, ':');
        let [_, service, _, _, resource] = std::array::from_fn(|_| parts.next().unwrap_or(""));
        if service != "states" {
            return Err(invalid(format!("ARN is not for Step Functions: {text}")));
        }
        let (kind, name) = resource.split_once(':').unwrap_or((resource, ""));
        match kind {
            "stateMachine" => StateMachineArn::parse(name, text).map(Arn::StateMachine),
            "execution" => match name.split_once(':') {
                Some((state_machine, name)) if !state_machine.is_empty() && !name.is_empty() => {
                    Ok(Arn::Execution {
                        state_machine: state_machine.to_owned(),
                        name: name.to_owned(),
                    })
                }
                Some(_) | None => Err(invalid(format!("Invalid ARN: {text}"))),
            },
            "activity" if !name.is_empty() && !name.contains(':') => {
                Ok(Arn::Activity(name.to_owned()))
            }
            "activity" | "" => Err(invalid(format!("Invalid ARN: {text}"))),
            other => Err(not_valid_here(other)),
        }
    }
}

impl StateMachineArn {
    /// Reads what stands behind `stateMachine:` in `text`.
    fn parse(resource: &str, text: &str) -> Result<Self, OperationError> {
        let (resource, test_case) = match resource.split_once('#') {
            Some((resource, case)) => (resource, Some(case.to_owned())),
            None => (resource, None),
        };
        let (name, qualifier) = match resource.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (resource, None),
        };
        let is_empty = name.is_empty() || qualifier.is_some_and(str::is_empty);
        if is_empty || qualifier.is_some_and(|qualifier| qualifier.contains(':')) {
            return Err(invalid(format!("Invalid ARN: {text}")));
        }
        if name.contains('/') {
            return Err(OperationError::ValidationFor {
                reason: ValidationReason::ApiDoesNotSupportLabeledArns,
                message: format!("This operation does not support labeled ARNs. Received: {text}"),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            qualifier: qualifier.map(Qualifier::parse),
            test_case,
        })
    }
}

impl Qualifier {
    /// Digits alone are a version, as no alias has such a name.
    fn parse(text: &str) -> Self {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Alias(text.to_owned());
        }
        let number: u64 = text.parse().unwrap_or_default();
        let is_canonical = number.to_string() == text;
        Self::Version(if is_canonical { number } else { 0 })
    }
}

/// The ARN of a Map Run's child. An Express one says which Map Run it belongs to.
pub(crate) fn of_child(map_run: &str, kind: StateMachineKind, name: &str) -> String {
    let (prefix, rest) = map_run.split_once(":mapRun:").unwrap_or(("", map_run));
    match kind {
        StateMachineKind::Standard => {
            let labelled = rest.rsplit_once(':').map_or(rest, |(labelled, _)| labelled);
            format!("{prefix}:execution:{labelled}:{name}")
        }
        StateMachineKind::Express => format!("{prefix}:express:{rest}:{name}"),
    }
}

/// The ARN and the name of the labelled state machine that a Map Run's children belong to.
pub(crate) fn labelled(map_run: &str) -> (String, String) {
    let (prefix, rest) = map_run.split_once(":mapRun:").unwrap_or(("", map_run));
    let labelled = rest.rsplit_once(':').map_or(rest, |(labelled, _)| labelled);
    let arn = format!("{prefix}:stateMachine:{labelled}");
    (arn, labelled.to_owned())
}

/// The ARN of the Map Run and the name of the child that the ARN of an Express child is made of;
/// `None` for anything else.
pub(crate) fn express_child(text: &str) -> Option<(String, &str)> {
    let (prefix, rest) = text.split_once(":express:")?;
    let (run, name) = rest.rsplit_once(':')?;
    let map_run = format!("{prefix}:mapRun:{run}");
    let is_whole = label_of(&map_run).is_some() && !name.is_empty();
    is_whole.then_some((map_run, name))
}

/// The state machine's name and the label of a Map Run.
pub(crate) fn label_of(map_run: &str) -> Option<(&str, &str)> {
    let (_, rest) = map_run.split_once(":mapRun:")?;
    let (labelled, _) = rest.rsplit_once(':')?;
    labelled.split_once('/')
}

fn invalid(reason: String) -> OperationError {
    OperationError::InvalidArn(reason)
}

fn not_valid_here(kind: &str) -> OperationError {
    invalid(format!("Resource type not valid in this context: {kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arns() -> Arns {
        Arns::new(&Server::default())
    }

    #[track_caller]
    fn refused(text: &str, message: &str) {
        let error = Arns::parse_execution(text).unwrap_err();
        assert_eq!(error.to_string(), format!("Invalid Arn: '{message}'"));
    }

    #[track_caller]
    fn qualified(resource: &str, qualifier: Option<Qualifier>, test_case: Option<&str>) {
        let expected = StateMachineArn {
            name: "orders".to_owned(),
            qualifier,
            test_case: test_case.map(str::to_owned),
        };
        let text = arns().state_machine(resource);
        assert_eq!(Arns::parse_state_machine(&text).unwrap(), expected);
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = arns().execution("orders", "7");
        assert_eq!(
            Arns::parse_execution(&text).unwrap(),
            ("orders".into(), "7".into())
        );
        let text = arns().version("orders", 7);
        assert_eq!(Arns::parse_version(&text).unwrap(), ("orders".into(), 7));
        let text = arns().alias("orders", "live");
        assert_eq!(
            Arns::parse_alias(&text).unwrap(),
            ("orders".into(), "live".into())
        );
    }

    #[test]
    fn children_are_named_after_their_map_run() {
        let run = "arn:aws:states:us-east-1:123456789012:mapRun:orders/each:7-8";
        let standard = of_child(run, StateMachineKind::Standard, "c");
        assert_eq!(standard, arns().execution("orders/each", "c"));
        assert_eq!(express_child(&standard), None);
        let express = of_child(run, StateMachineKind::Express, "c");
        assert!(express.ends_with(":express:orders/each:7-8:c"), "{express}");
        assert_eq!(express_child(&express), Some((run.to_owned(), "c")));
        assert_eq!(express_child(&arns().express("orders", "c", "7")), None);
    }

    #[test]
    fn a_state_machine_has_parts() {
        let alias = |name: &str| Some(Qualifier::Alias(name.to_owned()));
        qualified("orders", None, None);
        qualified("orders#Happy", None, Some("Happy"));
        qualified("orders:7", Some(Qualifier::Version(7)), None);
        qualified("orders:7#Happy", Some(Qualifier::Version(7)), Some("Happy"));
        qualified("orders:live", alias("live"), None);
        qualified("orders:7a#a:b", alias("7a"), Some("a:b"));
        for none in ["orders:0", "orders:07", "orders:99999999999999999999"] {
            qualified(none, Some(Qualifier::Version(0)), None);
        }
    }

    #[test]
    fn half_a_part_is_no_arn() {
        for resource in ["", ":1", "orders:", "orders:1:2", "orders:live:1", "#Happy"] {
            let text = arns().state_machine(resource);
            let error = Arns::parse_state_machine(&text).unwrap_err();
            let message = format!("Invalid Arn: 'Invalid ARN: {text}'");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn labels_belong_to_other_operations() {
        for resource in ["orders/label", "orders/label:1"] {
            let text = arns().state_machine(resource);
            let error = Arns::parse_state_machine(&text).unwrap_err();
            assert_eq!(error.code(), "ValidationException");
        }
    }

    #[test]
    fn other_texts_are_refused_as_aws_does() {
        refused("x", "Invalid ARN prefix: x");
        refused(
            "arn:aws:states:us-east-1:123456789012:express:a:b:c",
            "Resource type not valid in this context: express",
        );
        refused(
            "arn:aws:states:us-east-1:123456789012:stateMachine:a",
            "Resource type not valid in this context: stateMachine",
        );
        refused("arn:", "ARN is not for Step Functions: arn:");
    }
}

//! Amazon Resource Names of what the engine keeps.

use crate::configuration::Server;
use crate::error::OperationError;

/// An ARN of Step Functions, taken apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Arn {
    /// `…:stateMachine:<name>`, with `#<case>` behind it for a test case of the mock configuration.
    StateMachine {
        name: String,
        test_case: Option<String>,
    },
    /// `…:execution:<state machine>:<name>`.
    Execution { state_machine: String, name: String },
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

    pub(crate) fn execution(&self, state_machine: &str, name: &str) -> String {
        format!("{}execution:{state_machine}:{name}", self.prefix)
    }

    /// The state machine that an ARN names, and the test case behind it.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`] for anything else, in AWS's words.
    pub(crate) fn parse_state_machine(
        text: &str,
    ) -> Result<(String, Option<String>), OperationError> {
        match Self::parse(text)? {
            Arn::StateMachine { name, test_case } => Ok((name, test_case)),
            Arn::Execution { .. } => Err(not_valid_here("execution")),
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
            Arn::StateMachine { .. } => Err(not_valid_here("stateMachine")),
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
            "stateMachine" => {
                let (name, test_case) = match name.split_once('#') {
                    Some((name, case)) => (name, Some(case.to_owned())),
                    None => (name, None),
                };
                if name.is_empty() {
                    return Err(invalid(format!("Invalid ARN: {text}")));
                }
                Ok(Arn::StateMachine {
                    name: name.to_owned(),
                    test_case,
                })
            }
            "execution" => match name.split_once(':') {
                Some((state_machine, name)) if !state_machine.is_empty() && !name.is_empty() => {
                    Ok(Arn::Execution {
                        state_machine: state_machine.to_owned(),
                        name: name.to_owned(),
                    })
                }
                Some(_) | None => Err(invalid(format!("Invalid ARN: {text}"))),
            },
            "" => Err(invalid(format!("Invalid ARN: {text}"))),
            other => Err(not_valid_here(other)),
        }
    }
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

    #[test]
    fn what_is_written_reads_back() {
        let (machine, case) =
            Arns::parse_state_machine(&(arns().state_machine("orders") + "#Happy")).unwrap();
        assert_eq!(
            (machine.as_str(), case.as_deref()),
            ("orders", Some("Happy"))
        );
        let text = arns().execution("orders", "7");
        assert_eq!(
            Arns::parse_execution(&text).unwrap(),
            ("orders".into(), "7".into())
        );
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

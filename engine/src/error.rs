//! Why an operation was refused: the errors of the AWS API, in its names and words.

use stepwell_language::diagnostic::Diagnostic;

use crate::store::StoreError;

/// Why an operation was refused. Displays as the API's message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// The text is not an ARN, or one of another kind.
    #[error("Invalid Arn: '{0}'")]
    InvalidArn(String),
    /// The text is not the ARN of a role.
    #[error("Invalid Role Arn: '{0}'")]
    InvalidRoleArn(String),
    /// A name breaks the naming rules.
    #[error("Invalid Name: '{0}'")]
    InvalidName(String),
    /// The definition has errors; never empty.
    #[error("Invalid State Machine Definition: '{}'", join(.0))]
    InvalidDefinition(Vec<Diagnostic>),
    /// A state cannot be tested as it is asked for.
    #[error("{0}")]
    Untestable(&'static str),
    /// The input is not JSON.
    #[error("Invalid State Machine Execution Input: '{0}'")]
    InvalidExecutionInput(String),
    /// A page token is not one of ours, or belongs to other arguments; a task token is none.
    #[error("Invalid Token: 'Invalid token'")]
    InvalidToken,
    /// Logging cannot be done as asked.
    #[error("Invalid Logging Configuration: {0}")]
    InvalidLoggingConfiguration(String),
    /// Encryption cannot be done as asked.
    #[error("{0}")]
    InvalidEncryptionConfiguration(String),
    /// Another state machine has the name.
    #[error("State Machine Already Exists: '{0}'")]
    StateMachineAlreadyExists(String),
    /// No state machine has the ARN.
    #[error("State Machine Does Not Exist: '{0}'")]
    StateMachineDoesNotExist(String),
    /// The state machine is about to go.
    #[error("State Machine is being deleted: '{0}'")]
    StateMachineDeleting(String),
    /// The state machine's type does not have the operation.
    #[error("{0}")]
    StateMachineTypeNotSupported(String),
    /// Another execution of the state machine has the name.
    #[error("Execution Already Exists: '{0}'")]
    ExecutionAlreadyExists(String),
    /// The execution has to stay as it is, and why.
    #[error("{0}")]
    ExecutionNotRedrivable(String),
    /// No execution has the ARN.
    #[error("Execution Does Not Exist: '{0}'")]
    ExecutionDoesNotExist(String),
    /// Another activity has the name.
    #[error("Activity Already Exists: '{0}'")]
    ActivityAlreadyExists(String),
    /// No activity has the ARN.
    #[error("Activity Does Not Exist: '{0}'")]
    ActivityDoesNotExist(String),
    /// As many workers poll the activity as may.
    #[error(
        "The maximum number of workers concurrently polling for activity tasks has been reached."
    )]
    ActivityWorkerLimitExceeded,
    /// A task token is one of ours, but there never was such a task here.
    #[error("Task Does Not Exist: 'Provided task does not exist'")]
    TaskDoesNotExist,
    /// The task of a task token has been closed.
    #[error("Task Timed Out: 'Provided task does not exist anymore'")]
    TaskTimedOut,
    /// The result of a task is not JSON.
    #[error("Invalid Output: '{0}'")]
    InvalidOutput(String),
    /// No resource has the ARN.
    #[error("Request references a resource that does not exist.")]
    ResourceNotFound {
        /// The ARN.
        resource: String,
    },
    /// A resource would have more tags than it may.
    #[error("A resource can have at most {maximum} tags")]
    TooManyTags {
        /// The resource's ARN.
        resource: String,
        /// How many it may have.
        maximum: usize,
    },
    /// There would be more of something than there may be.
    #[error("{0}")]
    ServiceQuotaExceeded(String),
    /// What is there contradicts what was asked.
    #[error("{0}")]
    Conflict(String),
    /// Nothing to update was given.
    #[error("{0}")]
    MissingRequiredParameter(String),
    /// An argument breaks a rule.
    #[error("{0}")]
    Validation(String),
    /// The same, with the rule's name in the API.
    #[error("{message}")]
    ValidationFor {
        /// The rule.
        reason: ValidationReason,
        /// What is wrong.
        message: String,
    },
    /// As many executions are open as there may be.
    #[error(
        "The maximum number of running executions has been reached. Running executions must end or be stopped before a new execution can be started."
    )]
    ExecutionLimitExceeded,
    /// More executions are started than the store can take: ask again later.
    #[error("Rate exceeded")]
    Throttled,
    /// The store failed; the cause is for the log, not for the caller.
    #[error("the store could not do it")]
    Store(#[source] StoreError),
    /// What the store holds cannot be understood; the cause is for the log.
    #[error("the journal of {execution} cannot be read: {reason}")]
    Journal {
        /// The execution's ARN.
        execution: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<StoreError> for OperationError {
    fn from(error: StoreError) -> Self {
        if let StoreError::Overloaded { .. } = error {
            Self::Throttled
        } else {
            Self::Store(error)
        }
    }
}

/// A rule that an argument breaks, as the API names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValidationReason {
    /// The ARN names a part of a state machine that the operation does not take.
    ApiDoesNotSupportLabeledArns,
    /// Of some arguments at least one has to be there.
    MissingRequiredParameter,
    /// A Map Run that has ended has no limits to change.
    CannotUpdateCompletedMapRun,
    /// Versions and weights do not go together.
    InvalidRoutingConfiguration,
}

impl ValidationReason {
    /// The rule's name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiDoesNotSupportLabeledArns => "API_DOES_NOT_SUPPORT_LABELED_ARNS",
            Self::MissingRequiredParameter => "MISSING_REQUIRED_PARAMETER",
            Self::CannotUpdateCompletedMapRun => "CANNOT_UPDATE_COMPLETED_MAP_RUN",
            Self::InvalidRoutingConfiguration => "INVALID_ROUTING_CONFIGURATION",
        }
    }
}

impl OperationError {
    /// The execution cannot go on.
    pub(crate) fn given_up(execution: &str) -> Self {
        Self::Journal {
            execution: execution.to_owned(),
            reason: "it was set aside; the log says why".to_owned(),
        }
    }

    /// The operation is for state machines of the other type.
    pub(crate) fn type_not_supported() -> Self {
        let message = "This operation is not supported by this type of state machine";
        Self::StateMachineTypeNotSupported(message.to_owned())
    }

    /// The error's name in the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidArn(_) | Self::InvalidRoleArn(_) => "InvalidArn",
            Self::InvalidName(_) => "InvalidName",
            Self::InvalidDefinition(_) | Self::Untestable(_) => "InvalidDefinition",
            Self::InvalidExecutionInput(_) => "InvalidExecutionInput",
            Self::InvalidToken => "InvalidToken",
            Self::InvalidLoggingConfiguration(_) => "InvalidLoggingConfiguration",
            Self::InvalidEncryptionConfiguration(_) => "InvalidEncryptionConfiguration",
            Self::StateMachineAlreadyExists(_) => "StateMachineAlreadyExists",
            Self::StateMachineDoesNotExist(_) => "StateMachineDoesNotExist",
            Self::StateMachineDeleting(_) => "StateMachineDeleting",
            Self::StateMachineTypeNotSupported(_) => "StateMachineTypeNotSupported",
            Self::ExecutionAlreadyExists(_) => "ExecutionAlreadyExists",
            Self::ExecutionDoesNotExist(_) => "ExecutionDoesNotExist",
            Self::ActivityAlreadyExists(_) => "ActivityAlreadyExists",
            Self::ActivityDoesNotExist(_) => "ActivityDoesNotExist",
            Self::ActivityWorkerLimitExceeded => "ActivityWorkerLimitExceeded",
            Self::TaskDoesNotExist => "TaskDoesNotExist",
            Self::TaskTimedOut => "TaskTimedOut",
            Self::InvalidOutput(_) => "InvalidOutput",
            Self::ExecutionNotRedrivable(_) => "ExecutionNotRedrivable",
            Self::ResourceNotFound { .. } => "ResourceNotFound",
            Self::TooManyTags { .. } => "TooManyTags",
            Self::ServiceQuotaExceeded(_) => "ServiceQuotaExceededException",
            Self::Conflict(_) => "ConflictException",
            Self::MissingRequiredParameter(_) => "MissingRequiredParameter",
            Self::Validation(_) | Self::ValidationFor { .. } => "ValidationException",
            Self::ExecutionLimitExceeded => "ExecutionLimitExceeded",
            Self::Throttled => "ThrottlingException",
            Self::Store(_) | Self::Journal { .. } => "InternalFailure",
        }
    }
}

/// `CODE: message at /location, …`; a finding without a place is `at null`, as AWS prints it.
fn join(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    lines.join(", ")
}

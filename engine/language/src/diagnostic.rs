//! What is wrong with a definition, in AWS's codes and, where it was recorded, AWS's words.

use std::fmt;

use serde::Serialize;

use crate::source::Span;

mod lines;
pub mod human;
pub mod json;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// The definition is refused.
    Error,
    /// The definition is accepted, but probably does not mean what its author meant.
    Warning,
}

/// The codes of `ValidateStateMachineDefinition`. They never change meaning.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The text is not JSON.
    InvalidJsonDescription,
    /// The definition is empty.
    MissingDescription,
    /// Structure, types, ranges, paths, expressions, resources.
    SchemaValidationFailed,
    /// A text between `{%` and `%}` is not JSONata.
    InvalidJsonataExpression,
    /// A JSONata expression reads what is not there.
    UnsupportedJsonataExpression,
    /// No terminal state in a `States` map.
    MissingEndState,
    /// A state name is used twice in the document.
    DuplicateStateName,
    /// A state name breaks the naming rules.
    InvalidStateName,
    /// A label is used twice in the document.
    DuplicateLabelName,
    /// A label breaks the naming rules.
    InvalidLabelName,
    /// A transition leads nowhere, or no transition leads to a state.
    MissingTransitionTarget,
    /// Branches and processors nest too deeply.
    TooDeeplyNested,
    /// A JSON key stands twice in one object. AWS takes the last one without a word, so this
    /// keeps nobody from creating a state machine.
    DuplicateKey,
    /// A value looks like a path or an intrinsic call, but its key lacks `.$`.
    NoDollar,
    /// A value looks like a path, but its field does not end in `Path`.
    NoPath,
    /// A path inside `Pass.Result`, which is literal.
    PassResultIsStatic,
}

impl Code {
    /// The code as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJsonDescription => "INVALID_JSON_DESCRIPTION",
            Self::MissingDescription => "MISSING_DESCRIPTION",
            Self::SchemaValidationFailed => "SCHEMA_VALIDATION_FAILED",
            Self::InvalidJsonataExpression => "INVALID_JSONATA_EXPRESSION",
            Self::UnsupportedJsonataExpression => "UNSUPPORTED_JSONATA_EXPRESSION",
            Self::MissingEndState => "MISSING_END_STATE",
            Self::DuplicateStateName => "DUPLICATE_STATE_NAME",
            Self::InvalidStateName => "INVALID_STATE_NAME",
            Self::DuplicateLabelName => "DUPLICATE_LABEL_NAME",
            Self::InvalidLabelName => "INVALID_LABEL_NAME",
            Self::MissingTransitionTarget => "MISSING_TRANSITION_TARGET",
            Self::TooDeeplyNested => "TOO_DEEPLY_NESTED",
            Self::DuplicateKey => "DUPLICATE_KEY",
            Self::NoDollar => "NO_DOLLAR",
            Self::NoPath => "NO_PATH",
            Self::PassResultIsStatic => "PASS_RESULT_IS_STATIC",
        }
    }

    /// How much findings of this code weigh.
    pub fn severity(self) -> Severity {
        match self {
            Self::NoDollar | Self::NoPath | Self::PassResultIsStatic => Severity::Warning,
            Self::InvalidJsonDescription
            | Self::MissingDescription
            | Self::SchemaValidationFailed
            | Self::InvalidJsonataExpression
            | Self::UnsupportedJsonataExpression
            | Self::MissingEndState
            | Self::DuplicateStateName
            | Self::InvalidStateName
            | Self::DuplicateLabelName
            | Self::InvalidLabelName
            | Self::MissingTransitionTarget
            | Self::TooDeeplyNested
            | Self::DuplicateKey => Severity::Error,
        }
    }

    /// Whether a state machine with such a finding cannot be created.
    pub fn is_refused(self) -> bool {
        self.severity() == Severity::Error && self != Self::DuplicateKey
    }
}

/// One finding in a definition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// What kind of finding.
    pub code: Code,
    /// What is wrong, in AWS's words where they are known.
    pub message: String,
    /// Where, as AWS names it: `/States/X/Next`. `None` for a finding about the whole text.
    pub location: Option<String>,
    /// Where in the text.
    pub span: Span,
    /// What to do about it, where there is something to say.
    pub help: Option<String>,
}

impl Diagnostic {
    /// How much the finding weighs.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether a state machine with this finding cannot be created.
    pub fn is_refused(&self) -> bool {
        self.code.is_refused()
    }
}

/// `CODE: message at /location`, as create and update report it: ` at null` without a location.
impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.message)?;
        match &self.location {
            Some(location) => write!(formatter, " at {location}"),
            None => write!(formatter, " at null"),
        }
    }
}

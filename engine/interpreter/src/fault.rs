//! What can go wrong while a state is evaluated, before it has a place in the history.

use std::sync::Arc;

use stepwell_language::json::Value;
use stepwell_language::model::State;

use crate::event::HistoryId;
use crate::failure::{Failure, FailureClass, name};
use crate::retry::Failed;

/// A failure on its way out of a state's evaluation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    failure: Failure,
    class: FailureClass,
    /// Whether the cause names the state and the event it was entered with.
    prefixed: bool,
    /// Set when a JSONata expression failed; there is an event for these.
    pub(crate) evaluation: Option<FailedEvaluation>,
}

/// How the history shows that the evaluation of a JSONata state failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FailedEvaluation {
    /// The field with the expression, where there is one.
    pub(crate) location: Option<Arc<str>>,
    /// What the event follows from.
    pub(crate) follows: Follows,
}

/// What the event of a failed evaluation follows from: AWS was recorded to do either.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Follows {
    /// From what the state's entered event follows from.
    BeforeEntered,
    /// From the state's entered event.
    Entered,
}

impl Fault {
    /// `States.Runtime`: what the service could not process.
    pub(crate) fn runtime(cause: impl Into<String>) -> Self {
        Self::prefixed(name::RUNTIME, cause)
    }

    /// An error whose cause begins with where it happened.
    pub(crate) fn prefixed(error: &str, cause: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(error, cause.into()),
            class: FailureClass::ByName,
            prefixed: true,
            evaluation: None,
        }
    }

    /// The evaluation of a JSONata state failed.
    pub(crate) fn evaluation(location: Option<&str>, cause: impl Into<String>) -> Self {
        let evaluation = FailedEvaluation {
            location: location.map(Arc::from),
            follows: Follows::BeforeEntered,
        };
        Self {
            evaluation: Some(evaluation),
            ..Self::prefixed(name::QUERY_EVALUATION_ERROR, cause)
        }
    }

    /// The same, in the history after the state's entered event.
    pub(crate) fn after_entered(mut self) -> Self {
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.follows = Follows::Entered;
        }
        self
    }

    /// An error with its cause as it stands.
    pub(crate) fn plain(failure: Failure) -> Self {
        Self {
            failure,
            class: FailureClass::ByName,
            prefixed: false,
            evaluation: None,
        }
    }

    /// A step of a reference path cannot be applied to the document that it leads into.
    pub(crate) fn reference_path(step: &str, document: &Value) -> Self {
        Self::plain(Failure::new(
            name::REFERENCE_PATH_CONFLICT,
            format!("Unable to apply step \"{step}\" to input {document}"),
        ))
    }

    /// A payload beyond the limit; `what` is how AWS names the culprit, `did` what it did.
    pub(crate) fn data_limit(what: &str, did: &str) -> Self {
        Self::plain(Failure::new(
            name::DATA_LIMIT_EXCEEDED,
            format!(
                "The state/task '{what}' {did} with a size exceeding the maximum number of bytes service limit."
            ),
        ))
    }

    /// The output of the state itself is beyond the limit: no catcher helps.
    pub(crate) fn own_output(state: &State) -> Self {
        let fault = Self::data_limit(&state.name, "returned a result");
        Self {
            class: FailureClass::OwnOutput,
            ..fault
        }
    }

    /// The variables of the execution are too large together.
    pub(crate) fn variables() -> Self {
        Self {
            class: FailureClass::OwnOutput,
            ..Self::prefixed(
                name::DATA_LIMIT_EXCEEDED,
                "The variables of the execution exceed the limit of 10 MiB.",
            )
        }
    }

    /// Whether any retrier or catcher can answer to it; see [`Failed::may_be_caught`].
    pub(crate) fn may_be_caught(&self) -> bool {
        self.clone().into_unplaced().may_be_caught()
    }

    /// The failure of a state by itself, which has no place in a history to name.
    pub(crate) fn into_unplaced(self) -> Failed {
        Failed {
            failure: self.failure.within_limits(),
            class: self.class,
        }
    }

    /// The failure itself, without a place.
    pub(crate) fn into_failure(self) -> Failure {
        self.failure
    }

    /// The failure as the history shows it.
    pub(crate) fn into_failed(self, state: &State, entered: HistoryId) -> Failed {
        let Self {
            mut failure,
            class,
            prefixed,
            ..
        } = self;
        if let (true, Some(cause)) = (prefixed, &failure.cause) {
            failure.cause = Some(
                format!(
                    "An error occurred while executing the state '{}' (entered at the event id #{}). {cause}",
                    state.name, entered.0
                )
                .into(),
            );
        }
        // A cause may quote a whole input; the API shows the beginning of it.
        let failure = failure.within_limits();
        Failed { failure, class }
    }
}

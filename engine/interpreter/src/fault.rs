//! What can go wrong while a state is evaluated, before it has a place in the history.

use std::sync::Arc;

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
    /// The field of a JSONata expression that failed; there is an event for these.
    pub(crate) evaluation: Option<FailedField>,
}

/// Which field had the expression that failed, where there is one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FailedField(pub(crate) Option<Arc<str>>);

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

    /// An error with its cause as it stands.
    pub(crate) fn plain(failure: Failure) -> Self {
        Self {
            failure,
            class: FailureClass::ByName,
            prefixed: false,
            evaluation: None,
        }
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

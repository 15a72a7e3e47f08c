//! `ValidateStateMachineDefinition`: what is wrong with a definition, without creating anything.

use stepwell_language::diagnostic::{Code, Diagnostic, Severity};
use stepwell_language::model::ExecutionType;
use stepwell_language::parse::parse;

use crate::engine::Engine;
use crate::error::OperationError;
use crate::store::StateMachineKind;

use super::constraints::Violations;

/// A request for [`Engine::validate_state_machine_definition`].
#[derive(Clone, Debug)]
pub struct ValidateStateMachineDefinition {
    /// The definition, up to 1 MiB.
    pub definition: String,
    /// The type of the state machine that it is for.
    pub kind: StateMachineKind,
    /// Whether warnings are wanted too.
    pub severity: Severity,
    /// At most so many findings, 0 to 100; 0 means 100.
    pub max_results: Option<i64>,
}

/// What [`Engine::validate_state_machine_definition`] answers.
#[derive(Clone, Debug)]
pub struct ValidatedDefinition {
    /// Whether a state machine may have the definition.
    pub is_valid: bool,
    /// What was found, of very much the first.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether there is more.
    pub truncated: bool,
}

/// Findings in one answer.
const RESULTS_MAX: usize = 100;

impl ValidateStateMachineDefinition {
    /// Errors in a definition of a Standard machine.
    pub fn new(definition: &str) -> Self {
        Self {
            definition: definition.to_owned(),
            kind: StateMachineKind::Standard,
            severity: Severity::Error,
            max_results: None,
        }
    }
}

impl Engine {
    /// `ValidateStateMachineDefinition`. Judges the definition by itself: whether this engine
    /// reaches the resources that it names is found out when it is created.
    ///
    /// # Errors
    ///
    /// [`OperationError::Validation`]: a number of results that is none.
    pub fn validate_state_machine_definition(
        &self,
        request: &ValidateStateMachineDefinition,
    ) -> Result<ValidatedDefinition, OperationError> {
        let mut violations = Violations::default();
        if let Some(number) = request.max_results {
            let most = i64::try_from(RESULTS_MAX).unwrap_or(i64::MAX);
            violations.range(number, "maxResults", &(0..=most));
        }
        violations.finish()?;
        let maximum = request
            .max_results
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number > 0)
            .unwrap_or(RESULTS_MAX);
        let execution_type = match request.kind {
            StateMachineKind::Standard => ExecutionType::Standard,
            StateMachineKind::Express => ExecutionType::Express,
        };
        let found = parse(&request.definition, execution_type).diagnostics;
        let is_valid = !found.iter().any(Diagnostic::is_refused);
        let mut diagnostics: Vec<Diagnostic> = found
            .into_iter()
            .filter(|diagnostic| is_wanted(diagnostic, request.severity))
            .collect();
        let truncated = diagnostics.len() > maximum;
        diagnostics.truncate(maximum);
        Ok(ValidatedDefinition {
            is_valid,
            diagnostics,
            truncated,
        })
    }
}

/// AWS takes keys that stand twice without a word.
fn is_wanted(diagnostic: &Diagnostic, severity: Severity) -> bool {
    diagnostic.code != Code::DuplicateKey
        && match severity {
            Severity::Error => diagnostic.severity() == Severity::Error,
            Severity::Warning => true,
        }
}

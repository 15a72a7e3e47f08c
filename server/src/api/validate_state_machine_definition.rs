//! `ValidateStateMachineDefinition`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::language::diagnostic::{Diagnostic, Severity};
use stepwell::operations::ValidateStateMachineDefinition;
use stepwell::operations::model::{Member, Shape, optional, required};
use stepwell::store::StateMachineKind;

use super::ApiError;
use super::extract::Arguments;
use super::render::Members;
use super::shapes::{DEFINITION, TYPE, TYPES, names};

const SEVERITIES: [(&str, Severity); 2] =
    [("ERROR", Severity::Error), ("WARNING", Severity::Warning)];
const SEVERITY_NAMES: &[&str] = &names(&SEVERITIES);

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[
    required("definition", DEFINITION),
    optional("type", TYPE),
    optional("severity", Shape::OneOf(SEVERITY_NAMES)),
    optional("maxResults", Shape::Integer(0..=100)),
];

#[expect(
    clippy::unused_async,
    reason = "every action is a future, and this one has nothing to wait for"
)]
pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let validate = ValidateStateMachineDefinition {
        definition: request.required_text("definition"),
        kind: request
            .one_of("type", &TYPES)
            .unwrap_or(StateMachineKind::Standard),
        severity: request
            .one_of("severity", &SEVERITIES)
            .unwrap_or(Severity::Error),
        max_results: request.integer("maxResults"),
    };
    let validated = engine.validate_state_machine_definition(&validate)?;
    let diagnostics: Vec<Value> = validated.diagnostics.iter().map(render).collect();
    Ok(Members::default()
        .with("result", if validated.is_valid { "OK" } else { "FAIL" })
        .with("diagnostics", diagnostics)
        .with("truncated", validated.truncated)
        .done())
}

fn render(diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity() {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
    };
    Members::default()
        .with("severity", severity)
        .with("code", diagnostic.code.as_str())
        .with("message", diagnostic.message.as_str())
        .maybe("location", diagnostic.location.as_deref())
        .done()
}

//! `ValidateStateMachineDefinition`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::language::diagnostic::{Diagnostic, Severity};
use stepwell::operations::ValidateStateMachineDefinition;
use stepwell::store::StateMachineKind;

use super::ApiError;
use super::extract::Request;
use super::render::Members;

#[expect(
    clippy::unused_async,
    reason = "every action is a future, and this one has nothing to wait for"
)]
pub(super) async fn act(engine: Engine, request: Request) -> Result<Value, ApiError> {
    let types = [
        ("STANDARD", StateMachineKind::Standard),
        ("EXPRESS", StateMachineKind::Express),
    ];
    let severities = [("ERROR", Severity::Error), ("WARNING", Severity::Warning)];
    let validate = ValidateStateMachineDefinition {
        definition: request
            .definition()?
            .ok_or_else(|| ApiError::constraint("null", "definition", "not be null"))?,
        kind: request
            .one_of("type", &types)?
            .unwrap_or(StateMachineKind::Standard),
        severity: request
            .one_of("severity", &severities)?
            .unwrap_or(Severity::Error),
        max_results: request.integer("maxResults")?,
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

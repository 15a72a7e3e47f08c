//! What is not built yet is refused by name, where the definition is created.

use stepwell_language::diagnostic::{Code, Diagnostic};
use stepwell_language::model::{MapMode, StateKind, StateMachine};
use stepwell_language::source::Span;

use crate::executor::Executor;

/// Every state of a machine that cannot be run here.
///
/// With a mock configuration a task may name any resource that AWS knows: a test case covers the
/// states on its way, not all of them. A task that is reached and has no answer fails by name.
pub(super) fn unsupported(executor: &Executor, machine: &StateMachine) -> Vec<Diagnostic> {
    let is_mocked = executor.mocks().is_some();
    let mut found = Vec::new();
    for state in machine.states.values() {
        let location = location(machine, state.scope, &state.name);
        let mut report = |message: String, field: &str| {
            found.push(Diagnostic {
                code: Code::SchemaValidationFailed,
                message,
                location: Some(format!("{location}{field}")),
                span: Span::default(),
                help: None,
            });
        };
        match &state.kind {
            StateKind::Task(task) => {
                if !is_mocked && !executor.handlers().reaches(&task.resource) {
                    report(
                        format!(
                            "Nothing runs the resource {} here: register a task handler, name the function in stepwell.toml, or start with a mock configuration",
                            task.resource
                        ),
                        "/Resource",
                    );
                }
            }
            StateKind::Map(map) => match &map.mode {
                MapMode::Inline => {}
                MapMode::Distributed(distributed) => {
                    let missing = |field: &str| {
                        format!("The field '{field}' is not supported yet by Stepwell")
                    };
                    if distributed.item_reader.is_some() {
                        report(missing("ItemReader"), "/ItemReader");
                    }
                    let writer = distributed.result_writer.as_ref();
                    if writer.is_some_and(|writer| writer.has_resource) {
                        report(missing("Resource"), "/ResultWriter/Resource");
                    }
                }
            },
            StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Parallel(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => {}
        }
    }
    found
}

fn location(
    machine: &StateMachine,
    scope: stepwell_language::model::ScopeId,
    name: &str,
) -> String {
    format!("{}/States/{name}", machine.scope(scope).location)
}

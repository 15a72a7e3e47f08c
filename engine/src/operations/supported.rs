//! What is not built yet is refused by name, where the definition is created.

use stepwell_language::diagnostic::{Code, Diagnostic};
use stepwell_language::model::{MapMode, QueryLanguage, Resource, StateKind, StateMachine};
use stepwell_language::source::Span;

use crate::executor::Executor;

/// Every state of a machine that cannot be run here. A task that the mock configuration covers in
/// some test case may name a resource that nothing here reaches.
pub(super) fn unsupported(
    executor: &Executor,
    name: &str,
    machine: &StateMachine,
) -> Vec<Diagnostic> {
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
        if state.query_language == QueryLanguage::Jsonata {
            report(
                "The QueryLanguage 'JSONata' is not supported yet by Stepwell".to_owned(),
                "",
            );
        }
        match &state.kind {
            StateKind::Task(task) => {
                let is_mocked = executor
                    .mocks()
                    .is_some_and(|mocks| mocks.covers_in_some_case(name, &state.name));
                if !is_mocked && !reaches(executor, &task.resource) {
                    report(
                        format!(
                            "Nothing runs the resource {} here: register a task handler, name the function in stepwell.toml, or cover the state in the mock configuration",
                            task.resource
                        ),
                        "/Resource",
                    );
                }
            }
            StateKind::Map(map) => match map.mode {
                MapMode::Inline => {}
                MapMode::Distributed(_) => report(
                    "The processor mode 'DISTRIBUTED' is not supported yet by Stepwell".to_owned(),
                    "/ItemProcessor/ProcessorConfig/Mode",
                ),
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

fn reaches(executor: &Executor, resource: &Resource) -> bool {
    match resource {
        // Nobody can poll for activities yet.
        Resource::Activity { .. } => false,
        Resource::Function { .. } | Resource::Service { .. } => {
            executor.handlers().reaches(resource)
        }
    }
}

fn location(
    machine: &StateMachine,
    scope: stepwell_language::model::ScopeId,
    name: &str,
) -> String {
    format!("{}/States/{name}", machine.scope(scope).location)
}

//! The AWS Step Functions API over HTTP: `POST /` with `X-Amz-Target`, as every AWS SDK sends it.
//!
//! `ACTIONS` lists every operation; each has a file of its own that says what a request may hold,
//! calls one function of the engine, and writes the answer. `perform` compares each request with
//! what it may hold before its operation sees it. The plain REST face calls the same actions.

mod router;
mod rest;
mod extract;
mod shapes;
mod error;
mod render;

mod create_state_machine;
mod update_state_machine;
mod delete_state_machine;
mod describe_state_machine;
mod describe_state_machine_for_execution;
mod list_state_machines;
mod publish_state_machine_version;
mod list_state_machine_versions;
mod delete_state_machine_version;
mod create_state_machine_alias;
mod update_state_machine_alias;
mod describe_state_machine_alias;
mod delete_state_machine_alias;
mod list_state_machine_aliases;
mod tag_resource;
mod untag_resource;
mod list_tags_for_resource;
mod start_execution;
mod start_sync_execution;
mod describe_execution;
mod stop_execution;
mod redrive_execution;
mod list_executions;
mod get_execution_history;
mod describe_map_run;
mod list_map_runs;
mod update_map_run;
mod create_activity;
mod delete_activity;
mod describe_activity;
mod list_activities;
mod get_activity_task;
mod send_task_success;
mod send_task_failure;
mod send_task_heartbeat;
mod test_state;
mod validate_state_machine_definition;

use std::pin::Pin;
use std::time::Instant;

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::model::Member;

pub use error::ApiError;
pub use router::router;

use extract::{Arguments, Request};

use crate::metrics;

/// What an action answers: the body of a 200.
type Answer = Pin<Box<dyn Future<Output = Result<Value, ApiError>> + Send>>;

/// An operation of the API.
struct Action {
    name: &'static str,
    /// The model of its requests.
    request: &'static [Member],
    act: fn(Engine, Arguments) -> Answer,
}

macro_rules! actions {
    ($($name:literal => $module:ident,)*) => {
        &[$(Action {
            name: $name,
            request: $module::REQUEST,
            act: |engine, request| Box::pin($module::act(engine, request)),
        },)*]
    };
}

/// Every operation there is.
const ACTIONS: &[Action] = actions! {
    "CreateStateMachine" => create_state_machine,
    "UpdateStateMachine" => update_state_machine,
    "DeleteStateMachine" => delete_state_machine,
    "DescribeStateMachine" => describe_state_machine,
    "DescribeStateMachineForExecution" => describe_state_machine_for_execution,
    "ListStateMachines" => list_state_machines,
    "PublishStateMachineVersion" => publish_state_machine_version,
    "ListStateMachineVersions" => list_state_machine_versions,
    "DeleteStateMachineVersion" => delete_state_machine_version,
    "CreateStateMachineAlias" => create_state_machine_alias,
    "UpdateStateMachineAlias" => update_state_machine_alias,
    "DescribeStateMachineAlias" => describe_state_machine_alias,
    "DeleteStateMachineAlias" => delete_state_machine_alias,
    "ListStateMachineAliases" => list_state_machine_aliases,
    "TagResource" => tag_resource,
    "UntagResource" => untag_resource,
    "ListTagsForResource" => list_tags_for_resource,
    "StartExecution" => start_execution,
    "StartSyncExecution" => start_sync_execution,
    "DescribeExecution" => describe_execution,
    "StopExecution" => stop_execution,
    "RedriveExecution" => redrive_execution,
    "ListExecutions" => list_executions,
    "GetExecutionHistory" => get_execution_history,
    "DescribeMapRun" => describe_map_run,
    "ListMapRuns" => list_map_runs,
    "UpdateMapRun" => update_map_run,
    "CreateActivity" => create_activity,
    "DeleteActivity" => delete_activity,
    "DescribeActivity" => describe_activity,
    "ListActivities" => list_activities,
    "GetActivityTask" => get_activity_task,
    "SendTaskSuccess" => send_task_success,
    "SendTaskFailure" => send_task_failure,
    "SendTaskHeartbeat" => send_task_heartbeat,
    "TestState" => test_state,
    "ValidateStateMachineDefinition" => validate_state_machine_definition,
};

/// Runs the operation of this name, and takes its time.
async fn perform(engine: Engine, operation: &str, request: Request) -> Result<Value, ApiError> {
    let action = ACTIONS
        .iter()
        .find(|action| action.name == operation)
        .ok_or_else(|| ApiError::unknown_operation(operation))?;
    let begun = Instant::now();
    let answer = match request.fit(action.request) {
        Ok(request) => (action.act)(engine, request).await,
        Err(misfit) => Err(misfit),
    };
    let error = answer.as_ref().err().map(|error| error.code);
    metrics::request(action.name, error, begun.elapsed());
    answer
}

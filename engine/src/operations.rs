//! The operations of the AWS Step Functions API, without HTTP: what servers and embedding programs
//! call alike.
//!
//! Requests and answers carry what the API's do, under the same names. Each operation is a method
//! of [`Engine`](crate::Engine).

pub mod model;
mod names;
mod constraints;
mod paging;
mod configuration;
mod state_machines;
mod updates;
mod versions;
mod aliases;
mod tags;
mod executions;
mod redrives;
mod express;
mod history;
mod map_runs;
mod supported;
mod activities;
mod task_answers;
mod test_state;
mod validation;

pub use activities::{
    Activity, ActivityTask, CreateActivity, GetActivityTask, ListActivities, ListedActivities,
};
pub use aliases::{
    ALIAS_NAME, CreateStateMachineAlias, ListStateMachineAliases, ListedStateMachineAliases,
    RoutingConfiguration, StateMachineAlias, StateMachineAliasDescription, UpdateStateMachineAlias,
};
pub use configuration::{ENCRYPTION, LOGGING, StateMachineConfiguration, TRACING};
pub use executions::{
    DescribeExecution, ExecutionDescription, ExecutionSummary, ListExecutions, ListedExecutions,
    StartExecution, StopExecution,
};
pub use express::SyncExecution;
pub use history::{GetExecutionHistory, HistoryPage};
pub use map_runs::{
    ListMapRunExecutions, ListMapRuns, ListedMapRuns, MapRunCounts, MapRunDescription,
    MapRunSummary, UpdateMapRun,
};
pub use redrives::{CLIENT_TOKEN, RedriveExecution, RedriveStatus};
pub use state_machines::{
    CreateStateMachine, CreatedStateMachine, ListStateMachines, ListedStateMachines,
    StateMachineDescription, StateMachineSummary,
};
pub use tags::{Tag, TagResource, UntagResource};
pub use task_answers::{SendTaskFailure, SendTaskSuccess};
pub use test_state::{
    FieldValidationMode, MockErrorOutput, MockInput, TestState, TestStateConfiguration, TestedState,
};
pub use updates::{UpdateStateMachine, UpdatedStateMachine};
pub use validation::{ValidateStateMachineDefinition, ValidatedDefinition};
pub use versions::{
    ListStateMachineVersions, ListedStateMachineVersions, PublishStateMachineVersion,
    StateMachineVersion,
};

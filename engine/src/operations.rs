//! The operations of the AWS Step Functions API, without HTTP: what servers and embedding programs
//! call alike.
//!
//! Requests and answers carry what the API's do, under the same names. Each operation is a method
//! of [`Engine`](crate::Engine).

mod names;
mod paging;
mod state_machines;
mod executions;
mod history;
mod supported;

pub use executions::{
    DescribeExecution, ExecutionDescription, ExecutionSummary, ListExecutions, ListedExecutions,
    StartExecution, StopExecution,
};
pub use history::{GetExecutionHistory, HistoryPage};
pub use state_machines::{
    CreateStateMachine, CreatedStateMachine, ListStateMachines, ListedStateMachines,
    StateMachineConfiguration, StateMachineDescription, StateMachineSummary, UpdateStateMachine,
    UpdatedStateMachine,
};

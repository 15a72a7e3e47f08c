//! The server as the AWS SDK sees it: one file per operation, each success and each error that can
//! be reached, in AWS's names and words. What the SDK cannot send is in [`protocol`].

mod definitions;

mod create_state_machine;
mod update_state_machine;
mod delete_state_machine;
mod describe_state_machine;
mod describe_state_machine_for_execution;
mod list_state_machines;
mod start_execution;
mod describe_execution;
mod stop_execution;
mod list_executions;
mod get_execution_history;
mod protocol;

//! The server as the AWS SDK sees it: one file per operation, each success and each error that can
//! be reached, in AWS's names and words. What the SDK cannot send is in [`protocol`].

mod definitions;
mod versions;
mod activities;

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
mod create_activity;
mod delete_activity;
mod describe_activity;
mod list_activities;
mod get_activity_task;
mod send_task_success;
mod send_task_failure;
mod send_task_heartbeat;
mod workers;
mod execution_logs;
mod test_state;
mod validate_state_machine_definition;
mod protocol;
mod rest;
mod metrics;

//! What every store promises, checked on each of them.
//!
//! A test is written once, as a function of a fresh [`Store`]; the macro at the end runs it on
//! every kind of store. What a store must keep when it is opened again is in `reopening`, what is
//! special about a file in `sqlite_file`.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

mod samples;
mod executions;
mod journal;
mod state_machines;
mod versions;
mod activities;
mod retention;
mod map_runs;
mod owners;
mod concurrency;
mod reopening;
mod sqlite_file;

use std::path::Path;
use std::sync::Arc;

use stepwell::store::Store;
use stepwell::store::memory::MemoryStore;
use stepwell::store::sqlite::SqliteStore;

fn memory_store(_folder: &Path) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

fn sqlite_store(folder: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(&folder.join("test.db")).unwrap())
}

macro_rules! contract {
    ($($module:ident: $($test:ident)+;)+) => {
        contract!(memory, memory_store, $($module: $($test)+;)+);
        contract!(sqlite, sqlite_store, $($module: $($test)+;)+);
    };
    ($kind:ident, $open:ident, $($module:ident: $($test:ident)+;)+) => {
        mod $kind {
            $(mod $module {
                $(#[tokio::test]
                async fn $test() {
                    let folder = tempfile::tempdir().unwrap();
                    let store = crate::$open(folder.path());
                    let store = crate::samples::joined(store).await;
                    crate::$module::$test(store).await;
                })+
            })+
        }
    };
}

contract! {
    executions:
        a_new_execution_is_found_by_key_and_by_name
        an_unknown_execution_is_none
        an_execution_may_be_finished_when_it_is_created
        a_taken_name_answers_with_its_execution
        one_name_serves_several_state_machines
        a_taken_key_is_refused
        an_unknown_state_machine_or_revision_is_refused
        a_deleting_state_machine_starts_nothing
        an_append_brings_the_record_up_to_date
        an_append_to_nothing_is_refused
        numbers_beyond_the_limit_are_refused
        executions_are_listed_latest_start_first
        pages_stay_put_while_executions_start
        a_status_filters_the_list
        only_running_executions_are_open
        a_redriven_execution_runs_again
        redrives_filter_the_list;
    journal:
        a_journal_reads_back_in_order
        a_journal_is_read_from_the_chunk_that_holds_a_number
        a_journal_is_read_in_parts
        a_gap_an_overlap_and_a_repetition_are_refused
        a_history_gap_is_refused
        a_beginning_with_a_gap_creates_nothing
        a_history_range_finds_its_chunks
        a_history_is_read_in_parts
        silent_chunks_show_nothing;
    state_machines:
        a_state_machine_is_found_by_name_and_key
        a_taken_name_answers_with_its_state_machine
        an_update_adds_a_revision
        an_outdated_update_changes_nothing
        a_revision_id_is_used_once
        tags_belong_to_no_revision
        tags_replace_those_they_were_made_from
        a_deleted_state_machine_frees_its_name
        a_state_machine_is_deleted_when_nothing_of_it_runs
        a_deletion_waits_for_map_runs
        executions_outlive_their_state_machine
        state_machines_are_listed_by_name;
    retention:
        what_ended_long_ago_is_gone_with_its_journal
        a_removed_name_is_free_again
        what_goes_on_or_may_go_on_is_kept
        a_walk_goes_in_small_parts
        children_of_map_runs_go_with_their_parents
        a_parent_stays_while_a_child_runs
        long_journals_are_removed_one_by_one
        executions_of_deleted_state_machines_are_removed_too
        revisions_go_with_the_last_execution_of_a_deleted_state_machine;
    versions:
        a_version_stands_for_a_revision
        only_the_current_revision_is_published
        a_state_machine_comes_with_a_version
        an_update_comes_with_a_version
        version_numbers_never_come_back
        versions_have_a_limit
        versions_are_listed_highest_first
        an_alias_stands_for_versions
        an_alias_needs_its_versions
        a_version_with_an_alias_stays
        an_alias_is_updated_in_parts
        aliases_are_listed_as_they_were_created
        executions_are_listed_by_what_started_them;
    map_runs:
        a_map_run_begins_once
        children_are_counted_where_they_are_added
        a_child_is_added_once
        only_the_owner_of_the_parent_adds_children
        the_end_of_a_child_is_counted_with_its_last_append
        children_are_listed_with_their_run_alone
        results_come_in_the_order_of_items
        limits_change_until_the_end
        open_map_runs_are_found
        a_map_run_is_redriven_once_for_each_number
        children_are_chosen_for_a_redrive_until_it_has_them
        only_the_owner_of_the_parent_chooses_children;
    owners:
        each_owner_has_a_higher_epoch
        an_owner_without_a_lease_writes_nothing
        a_stale_owner_is_refused
        an_execution_that_is_held_is_not_claimed
        an_execution_that_has_ended_is_free
        a_lease_is_taken_over_when_it_has_run_out
        a_lease_that_was_ended_frees_at_once
        a_renewed_lease_goes_on
        an_inbox_is_drained_once
        a_letter_waits_for_whoever_holds_its_execution
        a_letter_that_came_too_late_says_so
        whoever_waits_for_letters_is_woken
        timers_come_in_order
        timers_are_those_that_nobody_else_holds;
    activities:
        an_activity_is_found_by_its_name
        a_taken_name_answers_with_its_activity
        a_deleted_activity_is_gone
        activities_are_listed_by_name
        tags_of_an_activity_replace_those_they_were_made_from
        tasks_wait_in_order
        a_refused_step_changes_no_queue;
    concurrency:
        many_creations_at_once_are_all_there
        a_name_is_given_once
        a_dropped_write_breaks_nothing;
}

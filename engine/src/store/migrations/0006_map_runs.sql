-- status: 0 running, 1 succeeded, 2 failed, 3 aborted.
-- Counts are by the status of executions.
CREATE TABLE map_run (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL,
    execution INTEGER NOT NULL,
    status INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    stopped_at INTEGER,
    failure TEXT,
    concurrency_max INTEGER NOT NULL,
    tolerated_failure_percentage REAL NOT NULL,
    tolerated_failure_count INTEGER NOT NULL,
    items INTEGER NOT NULL,
    children INTEGER,
    next_child INTEGER NOT NULL,
    next_item INTEGER NOT NULL,
    executions_running INTEGER NOT NULL,
    executions_succeeded INTEGER NOT NULL,
    executions_failed INTEGER NOT NULL,
    executions_timed_out INTEGER NOT NULL,
    executions_aborted INTEGER NOT NULL,
    executions_pending_redrive INTEGER NOT NULL,
    items_running INTEGER NOT NULL,
    items_succeeded INTEGER NOT NULL,
    items_failed INTEGER NOT NULL,
    items_timed_out INTEGER NOT NULL,
    items_aborted INTEGER NOT NULL,
    items_pending_redrive INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX map_run_by_arn ON map_run (arn);

CREATE INDEX map_run_by_execution ON map_run (execution, key);

CREATE INDEX map_run_open ON map_run (key) WHERE status = 0;

-- The Map Run whose child an execution is, its number there, and how many items it was given.
ALTER TABLE execution ADD COLUMN map_run INTEGER;
ALTER TABLE execution ADD COLUMN child_index INTEGER;
ALTER TABLE execution ADD COLUMN child_items INTEGER;

CREATE UNIQUE INDEX execution_by_child_index ON execution (map_run, child_index)
    WHERE map_run IS NOT NULL;

CREATE INDEX execution_by_map_run ON execution (map_run, started_at) WHERE map_run IS NOT NULL;

CREATE INDEX execution_by_map_run_status ON execution (map_run, status, started_at)
    WHERE map_run IS NOT NULL AND status <> 1;

-- Children are listed with their Map Run, not with their state machine, however many they are.
DROP INDEX execution_by_start;
CREATE INDEX execution_by_start ON execution (state_machine, started_at) WHERE map_run IS NULL;

DROP INDEX execution_by_status;
CREATE INDEX execution_by_status ON execution (state_machine, status, started_at)
    WHERE status <> 1 AND map_run IS NULL;

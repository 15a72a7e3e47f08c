-- Who may write. A write under another epoch is refused.
CREATE TABLE owner (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL
) STRICT;

INSERT INTO owner (one, epoch) VALUES (1, 0);

-- Rows are never deleted, so that keys are never given again.
-- kind: 0 standard, 1 express. status: 0 active, 1 deleting, 2 deleted.
CREATE TABLE state_machine (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    status INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    tags TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX state_machine_by_name ON state_machine (name) WHERE status <> 2;

-- For the executions of deleted state machines.
CREATE INDEX state_machine_ever_by_name ON state_machine (name);

CREATE TABLE revision (
    key INTEGER PRIMARY KEY,
    state_machine INTEGER NOT NULL,
    id TEXT NOT NULL,
    role TEXT NOT NULL,
    configuration TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    definition TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX revision_by_id ON revision (state_machine, id);

-- The journal: append-only. Everything below it is an index that can be rebuilt from it.
CREATE TABLE journal (
    execution INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    first_history INTEGER NOT NULL,
    last_history INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (execution, first)
) STRICT, WITHOUT ROWID;

-- status: 0 running, 1 succeeded, 2 failed, 3 timed out, 4 aborted, 5 pending redrive.
-- Instants are milliseconds since 1970.
CREATE TABLE execution (
    key INTEGER PRIMARY KEY,
    state_machine INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    name TEXT NOT NULL,
    status INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    stopped_at INTEGER,
    wake_at INTEGER,
    details TEXT
) STRICT;

CREATE UNIQUE INDEX execution_by_name ON execution (state_machine, name);

CREATE INDEX execution_by_start ON execution (state_machine, started_at);

-- An execution that succeeds in its first commit, the common case, never enters the indexes below.
CREATE INDEX execution_by_status ON execution (state_machine, status, started_at)
    WHERE status <> 1;

CREATE INDEX execution_open ON execution (status) WHERE status = 0;

CREATE INDEX execution_timer ON execution (wake_at) WHERE wake_at IS NOT NULL;

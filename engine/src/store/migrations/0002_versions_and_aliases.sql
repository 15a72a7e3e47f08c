-- Rows are never deleted, so that numbers are never given again.
-- with_creation: 1 for the version that came with its state machine.
CREATE TABLE version (
    state_machine INTEGER NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    description TEXT,
    created_at INTEGER NOT NULL,
    with_creation INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (state_machine, number)
) STRICT, WITHOUT ROWID;

-- What an alias stands for: one version, and perhaps another. Weights are parts of 100.
CREATE TABLE alias (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    state_machine INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    version INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    other_version INTEGER,
    other_weight INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX alias_by_name ON alias (state_machine, name);

-- Executions that were started by a version or an alias say so in their details. The others never
-- enter these indexes.
CREATE INDEX execution_by_version ON execution (
    state_machine, iif(json_valid(details), details ->> 'version', NULL), started_at
) WHERE details IS NOT NULL;

CREATE INDEX execution_by_alias ON execution (
    state_machine, iif(json_valid(details), details ->> 'alias', NULL), started_at
) WHERE details IS NOT NULL;

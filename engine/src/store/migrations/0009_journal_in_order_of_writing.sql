-- Chunks lie in the order in which they are written, so that those of a commit share their pages,
-- whichever executions they belong to.
ALTER TABLE journal RENAME TO journal_by_key;

CREATE TABLE journal (
    execution INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    first_history INTEGER NOT NULL,
    last_history INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

INSERT INTO journal (execution, first, last, first_history, last_history, bytes)
    SELECT execution, first, last, first_history, last_history, bytes
    FROM journal_by_key ORDER BY execution, first;

DROP TABLE journal_by_key;

CREATE UNIQUE INDEX journal_by_execution ON journal (execution, first);

-- encryption: a JSON object in the API's form.
CREATE TABLE activity (
    name TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    tags TEXT NOT NULL,
    encryption TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- An index of the journals: the tasks that no worker has taken up, in the order in which they are
-- handed out. It has its own rows alone: a task that is taken up leaves nothing behind.
CREATE TABLE waiting_task (
    activity TEXT NOT NULL,
    scheduled_at INTEGER NOT NULL,
    execution INTEGER NOT NULL,
    task INTEGER NOT NULL,
    PRIMARY KEY (activity, scheduled_at, execution, task)
) STRICT, WITHOUT ROWID;

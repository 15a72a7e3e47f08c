-- opened: how often the file was opened. A connection of an earlier opening writes nothing.
-- epoch: the highest that was given.
ALTER TABLE owner ADD COLUMN opened INTEGER NOT NULL DEFAULT 0;

-- The owners there are. until: milliseconds since 1970.
CREATE TABLE lease (
    epoch INTEGER PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;

-- The epoch of the owner who created the execution or claimed it last.
ALTER TABLE execution ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;

-- answer: 1 taken, 0 discarded, none while it waits.
CREATE TABLE letter (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    execution INTEGER NOT NULL,
    content BLOB NOT NULL,
    answer INTEGER
) STRICT;

CREATE INDEX letter_waiting ON letter (key) WHERE answer IS NULL;

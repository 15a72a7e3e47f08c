-- The kind of the children, as of state machines: 0 Standard, 1 Express.
ALTER TABLE map_run ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;

-- How often and when it was redriven last.
ALTER TABLE map_run ADD COLUMN redrive_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE map_run ADD COLUMN redriven_at INTEGER;

-- Whether children are still to be chosen that this redrive is for.
ALTER TABLE map_run ADD COLUMN is_choosing INTEGER NOT NULL DEFAULT 0;

-- Children, and items with them, that this redrive cannot bring back.
ALTER TABLE map_run ADD COLUMN executions_not_redrivable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE map_run ADD COLUMN items_not_redrivable INTEGER NOT NULL DEFAULT 0;

CREATE INDEX execution_by_map_run_redriven ON execution (map_run, started_at)
    WHERE map_run IS NOT NULL AND details IS NOT NULL
        AND iif(json_valid(details), details ->> 'redrive', NULL) IS NOT NULL;

-- The few executions that were redriven say so in their details.
CREATE INDEX execution_redriven ON execution (state_machine, started_at)
    WHERE details IS NOT NULL
        AND iif(json_valid(details), details ->> 'redrive', NULL) IS NOT NULL;

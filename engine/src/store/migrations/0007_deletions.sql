-- A start looks for the state machines whose deletion is under way. There are few of them.
CREATE INDEX state_machine_deleting ON state_machine (key) WHERE status = 1;

//! Redriven executions go on with their Map Runs.

//! What the tests of this suite run.

/// Ends at once with what it was given.
pub(crate) const PASS: &str =
    r#"{"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": true}}}"#;

/// Ends when somebody stops it.
pub(crate) const WAIT: &str =
    r#"{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 86400, "End": true}}}"#;

/// Fails at once.
pub(crate) const FAIL: &str = r#"{"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "Broken", "Cause": "It is broken."}}}"#;

/// Ends in time only if time does not matter.
pub(crate) const TIMED_OUT: &str = r#"{"StartAt": "Wait", "TimeoutSeconds": 1, "States": {"Wait": {"Type": "Wait", "Seconds": 86400, "End": true}}}"#;

/// A state machine that nobody created.
pub(crate) const ABSENT_MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:absent";

/// An execution that nobody started.
pub(crate) const ABSENT_EXECUTION: &str =
    "arn:aws:states:us-east-1:123456789012:execution:absent:absent";

/// Texts that name no state machine, and what is said about them.
pub(crate) const NOT_MACHINES: [(&str, &str); 4] = [
    ("orders", "Invalid Arn: 'Invalid ARN prefix: orders'"),
    (
        ABSENT_EXECUTION,
        "Invalid Arn: 'Resource type not valid in this context: execution'",
    ),
    (
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "Invalid Arn: 'Resource type not valid in this context: activity'",
    ),
    (
        "arn:aws:states:us-east-1:123456789012:express:a:b:c",
        "Invalid Arn: 'Resource type not valid in this context: express'",
    ),
];

/// Texts that name no execution, and what is said about them.
pub(crate) const NOT_EXECUTIONS: [(&str, &str); 4] = [
    ("7", "Invalid Arn: 'Invalid ARN prefix: 7'"),
    (
        ABSENT_MACHINE,
        "Invalid Arn: 'Resource type not valid in this context: stateMachine'",
    ),
    (
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "Invalid Arn: 'Resource type not valid in this context: activity'",
    ),
    (
        "arn:aws:states:us-east-1:123456789012:express:a:b:c",
        "Invalid Arn: 'Resource type not valid in this context: express'",
    ),
];

/// Page sizes that are refused, and what is said about them.
pub(crate) const NOT_SIZES: [(i32, &str); 2] = [
    (
        1001,
        "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000",
    ),
    (
        -1,
        "1 validation error detected: Value '-1' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 0",
    ),
];

/// What is said about a page token that is none.
pub(crate) const INVALID_TOKEN: &str = "Invalid Token: 'Invalid token'";

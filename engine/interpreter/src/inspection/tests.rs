use stepwell_language::model::ExecutionType;
use stepwell_language::parse::parse_state;

use super::*;

const NOW: i64 = 1_700_000_000_000;

fn test(definition: &Value, input: Value, retries: u64) -> (StateTest, Chance) {
    let source = definition.to_string();
    let machine = parse_state(&source, "Tested", ExecutionType::Standard).into_result();
    let machine = machine.unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
    let setup = Setup {
        input: Payload::from_value(input),
        variables: BTreeMap::new(),
        context: TestContext::Given(tree!({"Execution": {"Name": "given"}})),
        retries,
        reader_data: None,
    };
    let mut chance = Chance::from_number(1);
    let now = Timestamp::from_milliseconds(NOW);
    let id = machine.root().states[0];
    let test = StateTest::new(Arc::new(machine), id, setup, now, &mut chance);
    (test, chance)
}

#[track_caller]
fn begin(definition: &Value, input: Value) -> (Progress, StateTest, Chance) {
    let (mut test, mut chance) = test(definition, input, 0);
    let progress = test.begin(Timestamp::from_milliseconds(NOW), &mut chance);
    (progress, test, chance)
}

#[track_caller]
fn ended(progress: Progress) -> Report {
    match progress {
        Progress::Ended(report) => *report,
        Progress::Waits(_) | Progress::Works(_) => panic!("it has not ended: {progress:?}"),
    }
}

fn value(payload: Option<&Payload>) -> Value {
    payload.map_or(Value::Null, |payload| payload.value().clone())
}

#[test]
fn a_failure_shows_how_far_the_data_got() {
    let definition = tree!({
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "InputPath": "$.a",
        "Parameters": {"QueueUrl.$": "$.b", "MessageBody": "m"},
        "End": true
    });
    let (progress, ..) = begin(&definition, tree!({"a": {"c": 1}}));
    let report = ended(progress);
    assert_eq!(report.status, TestStatus::Failed);
    let cause = report.failure.unwrap().cause.unwrap();
    assert!(
        cause.starts_with("The JSONPath '$.b' specified"),
        "no place: {cause}"
    );
    let inspection = report.inspection;
    assert_eq!(value(inspection.after_input_path.as_ref()), tree!({"c": 1}));
    assert_eq!(inspection.after_parameters, None);
}

#[test]
fn a_result_that_is_too_large_can_be_caught() {
    let definition = tree!({
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "Parameters": {"ApiEndpoint": "https://a", "Method": "GET", "Authentication": {"ConnectionArn": "arn:aws:events:us-east-1:1:connection/c"}},
        "Catch": [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "Smaller"}],
        "End": true
    });
    let (progress, mut test, mut chance) = begin(&definition, tree!({}));
    assert!(matches!(progress, Progress::Works(Work::Task { .. })));
    let large = Payload::from_value(tree!("a".repeat(300_000)));
    let report = test.succeed(&large, Timestamp::from_milliseconds(NOW), &mut chance);
    assert_eq!(report.status, TestStatus::CaughtError);
    assert_eq!(report.next.as_deref(), Some("Smaller"));
}

#[test]
fn a_given_context_is_all_there_is() {
    let pass = |path: &str| tree!({"Type": "Pass", "InputPath": path, "End": true});
    let (progress, ..) = begin(&pass("$$"), tree!(1));
    let output = ended(progress).output;
    assert_eq!(
        value(output.as_ref()),
        tree!({"Execution": {"Name": "given"}})
    );
    let (progress, ..) = begin(&pass("$$.State"), tree!(1));
    assert_eq!(ended(progress).status, TestStatus::Failed);
}

#[test]
fn a_wait_ends_with_its_output() {
    let definition = tree!({"Type": "Wait", "Seconds": 5, "OutputPath": "$.a", "Next": "B"});
    let (progress, mut test, mut chance) = begin(&definition, tree!({"a": 1}));
    let until = Timestamp::from_milliseconds(NOW + 5_000);
    assert!(matches!(progress, Progress::Waits(at) if at == until));
    let report = test.wake(until, &mut chance);
    assert_eq!(value(report.output.as_ref()), tree!(1));
    assert_eq!(report.next.as_deref(), Some("B"));
}

#[test]
fn backoff_grows_with_the_retries_before() {
    let definition = tree!({
        "Type": "Parallel",
        "Branches": [{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}],
        "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 3, "MaxAttempts": 2}],
        "End": true
    });
    let details = |retries| {
        let (mut test, mut chance) = test(&definition, tree!({}), retries);
        let now = Timestamp::from_milliseconds(NOW);
        assert!(matches!(
            test.begin(now, &mut chance),
            Progress::Works(Work::Branches)
        ));
        let report = test.fail(Failure::without_cause("E"), now, &mut chance);
        (
            report.status,
            report
                .inspection
                .error
                .retry_backoff
                .map(|backoff| backoff.as_secs()),
        )
    };
    assert_eq!(details(0), (TestStatus::Retriable, Some(3)));
    assert_eq!(details(1), (TestStatus::Retriable, Some(6)));
    assert_eq!(details(2), (TestStatus::Failed, None));
}

#[test]
fn tolerance_counts_and_divides() {
    let exceeded =
        |count, percentage, failures| Tolerance { count, percentage }.is_exceeded(failures, 10);
    assert!(!exceeded(None, None, 10));
    assert!(!exceeded(Some(2), None, 2));
    assert!(exceeded(Some(2), None, 3));
    assert!(!exceeded(None, Some(30.0), 3));
    assert!(exceeded(Some(9), Some(30.0), 4));
    assert!(
        !Tolerance {
            count: Some(0),
            percentage: Some(0.0)
        }
        .is_exceeded(0, 0)
    );
}

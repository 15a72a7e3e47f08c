//! Rules of the API's model: whatever a request breaks of them is told together, before anything
//! else is looked at. The rules of one member are tested with its operation.

use serde_json::{Value, json};

use crate::protocol::Face;

const SHORT: &str = "have length greater than or equal to 1";

/// A broken rule: the value as it is told, the member, the rule.
type Broken<'a> = (&'a str, &'a str, &'a str);

fn message(broken: &[Broken<'_>]) -> String {
    let broken: Vec<String> = broken
        .iter()
        .map(|(value, member, rule)| {
            format!("Value{value} at '{member}' failed to satisfy constraint: Member must {rule}")
        })
        .collect();
    let plural = if broken.len() == 1 { "" } else { "s" };
    let (count, broken) = (broken.len(), broken.join("; "));
    format!("{count} validation error{plural} detected: {broken}")
}

fn long(length: &str) -> String {
    format!("have length less than or equal to {length}")
}

fn most(value: &str) -> String {
    format!("have value less than or equal to {value}")
}

async fn refuses(operation: &str, request: Value, broken: &[Broken<'_>]) {
    let face = Face::new().await;
    let answer = face.call(operation, request.to_string()).await;
    answer.refuses(400, "ValidationException", &message(broken));
}

#[tokio::test]
async fn state_machines() {
    let types = "satisfy enum value set: [STANDARD, EXPRESS]";
    let text = "x".repeat(257);
    refuses(
        "CreateStateMachine",
        json!({
            "name": "", "definition": "", "type": "X", "versionDescription": text,
            "tags": [{"key": ""}], "loggingConfiguration": {"level": "X"},
        }),
        &[
            (" ''", "name", SHORT),
            ("", "definition", SHORT),
            (" null", "roleArn", "not be null"),
            (" 'X'", "type", types),
            (
                " 'X'",
                "loggingConfiguration.level",
                "satisfy enum value set: [ALL, ERROR, FATAL, OFF]",
            ),
            (" ''", "tags.1.member.key", SHORT),
            ("", "versionDescription", &long("256")),
        ],
    )
    .await;
    refuses(
        "UpdateStateMachine",
        json!({"definition": "", "roleArn": "", "encryptionConfiguration": {}}),
        &[
            (" null", "stateMachineArn", "not be null"),
            ("", "definition", SHORT),
            (" ''", "roleArn", SHORT),
            (" null", "encryptionConfiguration.type", "not be null"),
        ],
    )
    .await;
    let included = "satisfy enum value set: [ALL_DATA, METADATA_ONLY]";
    for (operation, member) in [
        ("DescribeStateMachine", "stateMachineArn"),
        ("DescribeStateMachineForExecution", "executionArn"),
        ("DescribeExecution", "executionArn"),
    ] {
        let broken = [(" ''", member, SHORT), (" 'X'", "includedData", included)];
        refuses(operation, json!({member: "", "includedData": "X"}), &broken).await;
    }
    refuses(
        "ValidateStateMachineDefinition",
        json!({"definition": "", "type": "X", "severity": "X", "maxResults": 101}),
        &[
            ("", "definition", SHORT),
            (" 'X'", "type", types),
            (
                " 'X'",
                "severity",
                "satisfy enum value set: [ERROR, WARNING]",
            ),
            (" '101'", "maxResults", &most("100")),
        ],
    )
    .await;
}

#[tokio::test]
async fn versions_aliases_and_tags() {
    let text = "x".repeat(257);
    refuses(
        "PublishStateMachineVersion",
        json!({"stateMachineArn": text, "description": text}),
        &[
            (&format!(" '{text}'"), "stateMachineArn", &long("256")),
            ("", "description", &long("256")),
        ],
    )
    .await;
    let weight = "routingConfiguration.1.member.weight";
    let arn = "routingConfiguration.1.member.stateMachineVersionArn";
    let routing = json!([{"stateMachineVersionArn": "", "weight": 101}]);
    let pattern = r"satisfy regular expression pattern: ^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$";
    refuses(
        "CreateStateMachineAlias",
        json!({"name": "1", "description": text, "routingConfiguration": routing}),
        &[
            ("", "description", &long("256")),
            (" '1'", "name", pattern),
            (" ''", arn, SHORT),
            (" '101'", weight, &most("100")),
        ],
    )
    .await;
    refuses(
        "UpdateStateMachineAlias",
        json!({"stateMachineAliasArn": "", "routingConfiguration": [{"stateMachineVersionArn": "x"}]}),
        &[
            (" ''", "stateMachineAliasArn", SHORT),
            (" null", weight, "not be null"),
        ],
    )
    .await;
    refuses(
        "TagResource",
        json!({"resourceArn": "", "tags": [{"value": "x"}, {"key": "", "value": text}]}),
        &[
            (" ''", "resourceArn", SHORT),
            (" null", "tags.1.member.key", "not be null"),
            (" ''", "tags.2.member.key", SHORT),
            (&format!(" '{text}'"), "tags.2.member.value", &long("256")),
        ],
    )
    .await;
    refuses(
        "UntagResource",
        json!({"resourceArn": "", "tagKeys": ["a", ""]}),
        &[
            (" ''", "resourceArn", SHORT),
            (" ''", "tagKeys.2.member", SHORT),
        ],
    )
    .await;
}

#[tokio::test]
async fn executions() {
    let (name, text) = ("x".repeat(81), "x".repeat(257));
    let payload = json!("x".repeat(262_143)).to_string();
    let (shown_name, shown_text) = (format!(" '{name}'"), format!(" '{text}'"));
    let start = [
        (" ''", "stateMachineArn", SHORT),
        (&*shown_name, "name", &*long("80")),
        ("", "input", &*long("262144")),
        (&*shown_text, "traceHeader", &*long("256")),
    ];
    let request = json!({
        "stateMachineArn": "", "name": name, "input": payload, "traceHeader": text,
        "includedData": "X",
    });
    refuses("StartExecution", request.clone(), &start).await;
    let included = "satisfy enum value set: [ALL_DATA, METADATA_ONLY]";
    let mut sync = start.to_vec();
    sync.push((" 'X'", "includedData", included));
    refuses("StartSyncExecution", request, &sync).await;
    refuses(
        "StopExecution",
        json!({"executionArn": "", "error": text, "cause": "x".repeat(32_769)}),
        &[
            (" ''", "executionArn", SHORT),
            ("", "error", &long("256")),
            ("", "cause", &long("32768")),
        ],
    )
    .await;
    refuses(
        "RedriveExecution",
        json!({"clientToken": ""}),
        &[
            (" null", "executionArn", "not be null"),
            (" ''", "clientToken", SHORT),
            (
                " ''",
                "clientToken",
                "satisfy regular expression pattern: [!-~]+",
            ),
        ],
    )
    .await;
    refuses(
        "GetExecutionHistory",
        json!({"executionArn": text, "maxResults": 5_000, "nextToken": ""}),
        &[
            (&shown_text, "executionArn", &long("256")),
            (" '5000'", "maxResults", &most("1000")),
            (" ''", "nextToken", SHORT),
        ],
    )
    .await;
    refuses(
        "UpdateMapRun",
        json!({"mapRunArn": "", "maxConcurrency": -1, "toleratedFailurePercentage": 100.5, "toleratedFailureCount": -1}),
        &[
            (" ''", "mapRunArn", SHORT),
            (" '-1'", "maxConcurrency", "have value greater than or equal to 0"),
            (" '100.5'", "toleratedFailurePercentage", &most("100")),
            (
                " '-1'",
                "toleratedFailureCount",
                "have value greater than or equal to 0",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn lists() {
    let size = (" '1001'", "maxResults", &*most("1000"));
    let token = (" ''", "nextToken", SHORT);
    let machine = (" ''", "stateMachineArn", SHORT);
    for (operation, broken) in [
        ("ListStateMachines", &[size, token][..]),
        ("ListActivities", &[size, token]),
        (
            "ListMapRuns",
            &[(" null", "executionArn", "not be null"), size, token],
        ),
        ("ListStateMachineVersions", &[machine, token, size]),
        ("ListStateMachineAliases", &[machine, token, size]),
        (
            "ListExecutions",
            &[
                machine,
                (
                    " 'X'",
                    "statusFilter",
                    "satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]",
                ),
                size,
                token,
                (" ''", "mapRunArn", SHORT),
                (
                    " 'X'",
                    "redriveFilter",
                    "satisfy enum value set: [REDRIVEN, NOT_REDRIVEN]",
                ),
            ],
        ),
    ] {
        let request = json!({
            "stateMachineArn": "", "mapRunArn": "", "maxResults": 1_001, "nextToken": "",
            "statusFilter": "X", "redriveFilter": "X",
        });
        refuses(operation, request, broken).await;
    }
}

#[tokio::test]
async fn activities_and_tasks() {
    refuses(
        "CreateActivity",
        json!({"name": "", "tags": [{"key": ""}], "encryptionConfiguration": {"type": "X"}}),
        &[
            (" ''", "name", SHORT),
            (" ''", "tags.1.member.key", SHORT),
            (
                " 'X'",
                "encryptionConfiguration.type",
                "satisfy enum value set: [AWS_OWNED_KEY, CUSTOMER_MANAGED_KMS_KEY]",
            ),
        ],
    )
    .await;
    refuses(
        "GetActivityTask",
        json!({"activityArn": "", "workerName": ""}),
        &[(" ''", "activityArn", SHORT), (" ''", "workerName", SHORT)],
    )
    .await;
    refuses(
        "SendTaskSuccess",
        json!({"output": json!("x".repeat(262_143)).to_string()}),
        &[
            (" null", "taskToken", "not be null"),
            ("", "output", &long("262144")),
        ],
    )
    .await;
    refuses(
        "SendTaskFailure",
        json!({"taskToken": "", "error": "x".repeat(257), "cause": "x".repeat(32_769)}),
        &[
            (" ''", "taskToken", SHORT),
            ("", "error", &long("256")),
            ("", "cause", &long("32768")),
        ],
    )
    .await;
}

#[tokio::test]
async fn tests_of_states() {
    let payload = json!("x".repeat(262_143)).to_string();
    let few = "have value greater than or equal to 0";
    refuses(
        "TestState",
        json!({
            "definition": "", "roleArn": "", "input": payload, "inspectionLevel": "X",
            "stateName": "", "mock": {
                "result": payload, "errorOutput": {"error": "x".repeat(257)}, "fieldValidationMode": "x",
            },
            "stateConfiguration": {"retrierRetryCount": -1, "errorCausedByState": ""},
        }),
        &[
            ("", "definition", SHORT),
            (" ''", "roleArn", SHORT),
            ("", "input", &long("262144")),
            (
                " 'X'",
                "inspectionLevel",
                "satisfy enum value set: [INFO, DEBUG, TRACE]",
            ),
            ("", "stateName", SHORT),
            ("", "mock.result", &long("262144")),
            ("", "mock.errorOutput.error", &long("256")),
            (
                " 'x'",
                "mock.fieldValidationMode",
                "satisfy enum value set: [STRICT, PRESENT, NONE]",
            ),
            (" '-1'", "stateConfiguration.retrierRetryCount", few),
            ("", "stateConfiguration.errorCausedByState", SHORT),
        ],
    )
    .await;
}

#[tokio::test]
async fn another_type_is_told_first_and_by_itself() {
    let face = Face::new().await;
    for (operation, request, message) in [
        (
            "CreateStateMachine",
            json!({"name": "", "publish": "yes"}),
            "STRING_VALUE can not be converted to a Boolean",
        ),
        (
            "TestState",
            json!({"definition": "", "mock": {"result": 1}}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            "TagResource",
            json!({"tags": [{"key": ""}, 1]}),
            "NUMBER_VALUE can not be converted to a structure",
        ),
        (
            "UpdateMapRun",
            json!({"maxConcurrency": -1, "toleratedFailurePercentage": "1"}),
            "STRING_VALUE can not be converted to a Float",
        ),
    ] {
        let answer = face.call(operation, request.to_string()).await;
        answer.refuses(400, "SerializationException", message);
    }
}

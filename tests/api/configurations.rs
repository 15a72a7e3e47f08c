//! The members of `loggingConfiguration`, `tracingConfiguration` and `encryptionConfiguration`.

use serde_json::{Value, json};
use stepwell_tests::server::ROLE;

use crate::definitions::PASS;
use crate::protocol::Face;

const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:orders";
const GROUP: &str = "arn:aws:logs:us-east-1:123456789012:log-group:orders:*";

/// The requests that have a configuration of this name.
fn requests(name: &str, configuration: &Value) -> Vec<(&'static str, Value)> {
    let mut requests = vec![
        (
            "CreateStateMachine",
            json!({"name": "other", "definition": PASS, "roleArn": ROLE}),
        ),
        ("UpdateStateMachine", json!({"stateMachineArn": MACHINE})),
    ];
    if name == "encryptionConfiguration" {
        requests.push(("CreateActivity", json!({"name": "work"})));
    }
    for (_, request) in &mut requests {
        request[name] = configuration.clone();
    }
    requests
}

async fn face() -> Face {
    let face = Face::new().await;
    let orders = json!({"name": "orders", "definition": PASS, "roleArn": ROLE});
    face.call("CreateStateMachine", orders.to_string()).await;
    face
}

async fn describe(face: &Face, arn: &str) -> Value {
    let request = json!({"stateMachineArn": arn}).to_string();
    face.call("DescribeStateMachine", request).await.json()
}

/// Where a log goes.
fn to(arn: &Value) -> Value {
    json!([{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}])
}

#[tokio::test]
async fn members_have_their_types() {
    let face = face().await;
    let to_structure = "Start of structure or map found where not expected.";
    for (name, configuration, message) in [
        (
            "encryptionConfiguration",
            json!({"type": 1}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            "encryptionConfiguration",
            json!({"type": "X", "kmsDataKeyReusePeriodSeconds": "300"}),
            "STRING_VALUE can not be converted to an Integer",
        ),
        (
            "tracingConfiguration",
            json!({"enabled": "x"}),
            "STRING_VALUE can not be converted to a Boolean",
        ),
        (
            "loggingConfiguration",
            json!({"includeExecutionData": "x"}),
            "STRING_VALUE can not be converted to a Boolean",
        ),
        ("loggingConfiguration", json!({"level": {}}), to_structure),
        (
            "loggingConfiguration",
            json!({"level": "ALL", "destinations": {}}),
            "Expected list or null",
        ),
        (
            "loggingConfiguration",
            json!({"level": "ALL", "destinations": to(&json!(true))}),
            "TRUE_VALUE can not be converted to a String",
        ),
    ] {
        for (operation, request) in requests(name, &configuration) {
            let answer = face.call(operation, request.to_string()).await;
            answer.refuses(400, "SerializationException", message);
        }
    }
}

#[tokio::test]
async fn members_follow_their_rules() {
    let face = face().await;
    let types = "satisfy enum value set: [AWS_OWNED_KEY, CUSTOMER_MANAGED_KMS_KEY]";
    let arn = "loggingConfiguration.destinations.1.member.cloudWatchLogsLogGroup.logGroupArn";
    let long = "a".repeat(257);
    let is_long = format!(" '{long}'");
    let owned = |member: &str, value: Value| json!({"type": "AWS_OWNED_KEY", member: value});
    for (name, configuration, value, member, rule) in [
        (
            "encryptionConfiguration",
            json!({}),
            " null",
            "encryptionConfiguration.type",
            "not be null",
        ),
        (
            "encryptionConfiguration",
            json!({"type": "X"}),
            " 'X'",
            "encryptionConfiguration.type",
            types,
        ),
        (
            "encryptionConfiguration",
            owned("kmsKeyId", json!("")),
            " ''",
            "encryptionConfiguration.kmsKeyId",
            "have length greater than or equal to 1",
        ),
        (
            "encryptionConfiguration",
            owned("kmsDataKeyReusePeriodSeconds", json!(59)),
            " '59'",
            "encryptionConfiguration.kmsDataKeyReusePeriodSeconds",
            "have value greater than or equal to 60",
        ),
        (
            "encryptionConfiguration",
            owned("kmsDataKeyReusePeriodSeconds", json!(901)),
            " '901'",
            "encryptionConfiguration.kmsDataKeyReusePeriodSeconds",
            "have value less than or equal to 900",
        ),
        (
            "loggingConfiguration",
            json!({"level": "LOUD"}),
            " 'LOUD'",
            "loggingConfiguration.level",
            "satisfy enum value set: [ALL, ERROR, FATAL, OFF]",
        ),
        (
            "loggingConfiguration",
            json!({"level": "OFF", "destinations": to(&json!(""))}),
            " ''",
            arn,
            "have length greater than or equal to 1",
        ),
        (
            "loggingConfiguration",
            json!({"level": "ALL", "destinations": to(&json!(long))}),
            &is_long,
            arn,
            "have length less than or equal to 256",
        ),
    ] {
        let message = format!(
            "1 validation error detected: Value{value} at '{member}' failed to satisfy constraint: Member must {rule}"
        );
        for (operation, request) in requests(name, &configuration) {
            let answer = face.call(operation, request.to_string()).await;
            answer.refuses(400, "ValidationException", &message);
        }
    }
    let described = describe(&face, MACHINE).await;
    assert_eq!(described.get("revisionId"), None, "nothing came of it");
}

#[tokio::test]
async fn what_is_unknown_in_them_is_dropped() {
    let face = face().await;
    let known = json!({
        "loggingConfiguration": {"level": "ALL", "includeExecutionData": false, "destinations": to(&json!(GROUP))},
        "tracingConfiguration": {"enabled": true},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    });
    let mut more = known.clone();
    for name in known.as_object().unwrap().keys() {
        more[name]["foo"] = json!(1);
    }
    let destination = &mut more["loggingConfiguration"]["destinations"][0];
    destination["foo"] = json!({});
    destination["cloudWatchLogsLogGroup"]["foo"] = json!([]);
    more["encryptionConfiguration"]["kmsKeyId"] = Value::Null;
    let with = |mut request: Value, configuration: &Value| {
        let members = request.as_object_mut().unwrap();
        members.extend(configuration.as_object().unwrap().clone());
        request.to_string()
    };
    let shown = |described: &Value| {
        let members = known.as_object().unwrap().keys();
        let members = members.map(|name| (name.clone(), described[name].clone()));
        Value::Object(members.collect())
    };
    let create = json!({"name": "more", "definition": PASS, "roleArn": ROLE});
    let arn = MACHINE.replace("orders", "more");
    for configuration in [&more, &known] {
        let request = with(create.clone(), configuration);
        let created = face.call("CreateStateMachine", request).await;
        assert_eq!(created.status, 200, "the same in all that counts");
        assert_eq!(shown(&describe(&face, &arn).await), known);
    }
    let update = json!({"stateMachineArn": arn});
    for configuration in [&more, &known] {
        let request = with(update.clone(), configuration);
        let updated = face.call("UpdateStateMachine", request).await;
        assert_eq!(updated.json().get("revisionId"), None, "nothing is new");
    }
    let request = with(json!({"stateMachineArn": MACHINE}), &more);
    face.call("UpdateStateMachine", request).await;
    assert_eq!(shown(&describe(&face, MACHINE).await), known);

    let encryption = &more["encryptionConfiguration"];
    let create = json!({"name": "work", "encryptionConfiguration": encryption});
    let created = face.call("CreateActivity", create.to_string()).await.json();
    let request = json!({"activityArn": created["activityArn"]}).to_string();
    let described = face.call("DescribeActivity", request).await.json();
    assert_eq!(
        described["encryptionConfiguration"],
        known["encryptionConfiguration"]
    );
}

//! Task states: resources, parameters, credentials, retriers and catchers.

use super::*;

fn task(resource: &str, fields: &str) -> String {
    format!(r#"{{"Type": "Task", "Resource": "{resource}", "End": true{fields}}}"#)
}

fn function(fields: &str) -> String {
    task("arn:aws:lambda:us-east-1:1:function:f", fields)
}

#[test]
fn known_resources_are_accepted() {
    for resource in [
        "arn:aws:lambda:eu-west-1:123456789012:function:f:PROD",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:f",
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:::ecs:runTask.sync",
        "arn:aws:states:::glue:startJobRun.sync",
        "arn:aws:states:::http:invoke",
        "arn:aws:states:::aws-sdk:dynamodb:query",
        "arn:aws:states:::aws-sdk:s3:getObject.waitForTaskToken",
    ] {
        check_state(&task(resource, ""), "");
    }
    check_state(
        r#"{"Type": "Task", "End": true}"#,
        "{S}: These fields are required: [Resource] at @",
    );
    check_state(
        r#"{"Type": "Task", "Resource": 5, "End": true}"#,
        "{S}: Expected value of type String at @/Resource",
    );
}

#[test]
fn unknown_resources_are_refused() {
    for resource in [
        "",
        "charge",
        "arn:aws:s3:::bucket",
        "arn:aws:lambda:us-east-1:1:layer:f",
        "arn:aws:states:::dynamodb:query",
        "arn:aws:states:::dynamodb:getItem.sync",
        "arn:aws:states:::sqs:sendMessage.sync",
        "arn:aws:states:::http:invoke.waitForTaskToken",
        "arn:aws:states:::glue:startJobRun.sync:2",
        "arn:aws:states:::aws-sdk:codebuild:startBuild.sync",
        "arn:aws:states:::aws-sdk:cloudwatchlogs:CreateLogStream",
        "arn:aws:states:::aws-sdk:CloudWatchLogs:createLogStream",
        "arn:aws:states:::nothing:here",
    ] {
        check_state(
            &task(resource, ""),
            &format!(
                "{{S}}: The resource provided {resource} is not recognized. The value is not a \
                 valid resource ARN, or the resource is not available in this region. at @/Resource"
            ),
        );
    }
}

#[test]
fn express_waits_for_nobody() {
    let refused = |resource: &str, what: &str| {
        check_state(&task(resource, ""), "");
        let message = format!("{{S}}: Express state machine does not support {what} at @/Resource");
        check_express(&task(resource, ""), &message);
    };
    refused("arn:aws:states:us-east-1:1:activity:a", "Activity ARN");
    let sync = "'.sync' service integration";
    refused("arn:aws:states:::ecs:runTask.sync", sync);
    refused("arn:aws:states:::states:startExecution.sync:2", sync);
    // The blanks are AWS's.
    let token = "'.waitForTaskToken' service integration ";
    refused("arn:aws:states:::sns:publish.waitForTaskToken", token);
    refused(
        "arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken",
        token,
    );
    check_express(&task("arn:aws:states:::sns:publish", ""), "");
    check_express(&function(""), "");
}

#[test]
fn the_children_of_a_distributed_map_have_their_own_type() {
    let map = |kind: &str| {
        let inner = task("arn:aws:states:::ecs:runTask.sync", "");
        format!(
            r#"{{"Type": "Map", "End": true, "ItemProcessor": {{"ProcessorConfig":
                {{"Mode": "DISTRIBUTED", "ExecutionType": "{kind}"}},
                "StartAt": "T", "States": {{"T": {inner}}}}}}}"#
        )
    };
    check_state(&map("STANDARD"), "");
    check_state(
        &map("EXPRESS"),
        "{S}: Express state machine does not support '.sync' service integration at \
         @/ItemProcessor/States/T/Resource",
    );
}

#[test]
fn an_integration_asks_for_its_parameters() {
    let sqs = "arn:aws:states:::sqs:sendMessage";
    check_state(
        &task(
            sqs,
            r#", "Parameters": {"QueueUrl": "q", "MessageBody.$": "$"}"#,
        ),
        "",
    );
    check_state(&task(sqs, ""), "");
    check_state(
        &task(sqs, r#", "Parameters": {"MessageBody.$": "$"}"#),
        "{S}: The field 'QueueUrl' is required but was missing at @/Parameters",
    );
    check_state(
        &task(
            sqs,
            r#", "Parameters": {"QueueUrl": "q", "MessageBody": "m", "Foo.$": "$"}"#,
        ),
        "{S}: The field \"Foo\" is not supported by Step Functions at @/Parameters",
    );
    check_jsonata(&task(sqs, r#", "Arguments": "{% $states.input %}""#), "");
    check_jsonata(
        &task(
            "arn:aws:states:::lambda:invoke",
            r#", "Arguments": {"Payload": 1}"#,
        ),
        "{S}: The field 'FunctionName' is required but was missing at @/Arguments",
    );
    check_jsonata(
        &task(
            sqs,
            r#", "Arguments": {"QueueUrl.$": "q", "MessageBody": "m"}"#,
        ),
        "{S}: The field 'QueueUrl' is required but was missing at @/Arguments, \
         {S}: The field \"QueueUrl.$\" is not supported by Step Functions at @/Arguments",
    );
}

#[test]
fn credentials_name_a_role() {
    check_state(
        &function(r#", "Credentials": {"RoleArn": "arn:aws:iam::1:role/r"}"#),
        "",
    );
    check_state(&function(r#", "Credentials": {"RoleArn.$": "$.role"}"#), "");
    check_jsonata(
        &function(r#", "Credentials": {"RoleArn": "{% $role %}"}"#),
        "",
    );
    check_jsonata(&function(r#", "Credentials": "{% $credentials %}""#), "");
    let missing = "{S}: The field 'RoleArn' is required but was missing at @/Credentials";
    check_state(&function(r#", "Credentials": {}"#), missing);
    check_jsonata(
        &function(r#", "Credentials": {"InvalidField": "invalid"}"#),
        missing,
    );
    check_jsonata(
        &function(r#", "Credentials": {"RoleArn.$": "$.role"}"#),
        missing,
    );
    check_state(
        &function(r#", "Credentials": "r""#),
        "{S}: Expected value of type Object at @/Credentials",
    );
    check_state(
        &function(r#", "Credentials": {"RoleArn": 5}"#),
        "{S}: Expected value of type String at @/Credentials/RoleArn",
    );
}

#[test]
fn an_http_task_asks_for_what_it_may() {
    let task = |parameters: &str| task("arn:aws:states:::http:invoke", &format!(", {parameters}"));
    let arn = "arn:aws:events:us-east-1:123456789012:connection/a/0f9a2c1e-5b7d";
    let connection = format!(r#""InvocationConfig": {{"ConnectionArn": "{arn}"}}"#);
    let with = |endpoint: &str, method: &str, more: &str| {
        task(&format!(
            r#""Parameters": {{"ApiEndpoint": {endpoint}, "Method": {method}, {connection}{more}}}"#
        ))
    };
    let get = |endpoint: &str| with(&format!("\"{endpoint}\""), r#""GET""#, "");
    let url = r#""https://example.com""#;
    for endpoint in [
        "https://example.com",
        "https://example.com:8443/a?b=c#d",
        "HTTPS://example.com/",
        "http://localhost:8080/",
        "http://127.0.0.1",
        "http://[::1]:9/x",
    ] {
        check_state(&get(endpoint), "");
    }
    let invalid = |field: &str| {
        format!("{{S}}: The value for the '{field}' field is not valid at @/Parameters")
    };
    for endpoint in [
        "",
        "example.com",
        "https://",
        "https:///path",
        "https://a b",
        "http://example.com",
        "ftp://localhost",
        "http://localhost.example.com",
    ] {
        check_state(&get(endpoint), &invalid("ApiEndpoint"));
    }
    check_state(&with("5", r#""GET""#, ""), &invalid("ApiEndpoint"));
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
        check_state(&with(url, &format!("\"{method}\""), ""), "");
    }
    for method in [r#""""#, r#""get""#, r#""TRACE""#, "null"] {
        check_state(&with(url, method, ""), &invalid("Method"));
    }
    let headers = |headers: &str| with(url, r#""GET""#, &format!(r#", "Headers": {headers}"#));
    check_state(&headers(r#"{"Accept": "a", "X-Api-Key.$": "$.key"}"#), "");
    check_state(
        &headers(r#"{"Host": "x", "Accept": "a", "authorization.$": "$.a", "X-Amz-Date": ["1"]}"#),
        "{S}: The 'Headers' field contains unsupported values: [host, authorization, x-amz-date] at @/Parameters",
    );
    check_state(
        &task(
            r#""Parameters": {"ApiEndpoint.$": "$.url", "Method.$": "$.method", "Headers.$": "$.headers", "Authentication.$": "$.c"}"#,
        ),
        "",
    );
    check_jsonata(
        &task(
            r#""Arguments": {"ApiEndpoint": "{% 'https://' & $url %}", "Method": "{% $method %}", "Headers": "{% $h %}", "InvocationConfig": "{% $c %}"}"#,
        ),
        "",
    );
    check_jsonata(
        &task(
            r#""Arguments": {"ApiEndpoint": "http://example.com", "Method": "X", "Authentication": {"ConnectionArn": "{% $c %}"}}"#,
        ),
        "{S}: The value for the 'ApiEndpoint' field is not valid at @/Arguments, \
         {S}: The value for the 'Method' field is not valid at @/Arguments",
    );
}

#[test]
fn an_http_task_has_a_connection() {
    let check = |field: &str, expected: &str| {
        let parameters = r#""ApiEndpoint": "https://example.com", "Method": "GET""#;
        let fields = format!(r#", "Parameters": {{{parameters}{field}}}"#);
        check_state(&task("arn:aws:states:::http:invoke", &fields), expected);
    };
    check(
        "",
        "{S}: The field 'InvocationConfig' is required but was missing at @/Parameters",
    );
    for field in ["InvocationConfig", "Authentication"] {
        let with = |value: &str| format!(r#", "{field}": {value}"#);
        check(&with(r#"{"ConnectionArn.$": "$.arn"}"#), "");
        check(
            &with(r#"{"ConnectionArn": "arn:aws-cn:events:r:1:connection/Stripe"}"#),
            "",
        );
        check(
            &with("{}"),
            &format!(
                "{{S}}: The field 'ConnectionArn' is required but was missing at @/Parameters/{field}"
            ),
        );
        check(
            &with(r#""arn""#),
            &format!("{{S}}: Expected value of type Object at @/Parameters/{field}"),
        );
        for arn in [
            "foo",
            "${ConnectionArn}",
            "arn:aws:events:r:1:connection/",
            "arn:aws:s3:r:1:connection/x",
        ] {
            check(
                &with(&format!(r#"{{"ConnectionArn": "{arn}"}}"#)),
                &format!(
                    "{{S}}: The value for the 'ConnectionArn' field is not valid at @/Parameters/{field}"
                ),
            );
        }
    }
}

#[test]
fn a_heartbeat_is_shorter_than_the_timeout() {
    check_state(
        &function(r#", "TimeoutSeconds": 2, "HeartbeatSeconds": 1"#),
        "",
    );
    check_state(
        &function(r#", "TimeoutSecondsPath": "$.t", "HeartbeatSeconds": 9"#),
        "",
    );
    check_state(
        &function(r#", "TimeoutSeconds": 2, "HeartbeatSeconds": 2"#),
        "{S}: HeartbeatSeconds must be smaller than TimeoutSeconds at @",
    );
    for field in ["TimeoutSeconds", "HeartbeatSeconds"] {
        check_state(
            &function(&format!(r#", "{field}": 1, "{field}Path": "$.t""#)),
            &format!(
                "{{S}}: There should only be one of the following fields: [{field}, {field}Path] at @"
            ),
        );
        check_state(
            &function(&format!(r#", "{field}": 0"#)),
            &format!("{{S}}: Minimum value is 1 at @/{field}"),
        );
        check_state(
            &function(&format!(r#", "{field}": 100000000"#)),
            &format!("{{S}}: Maximum value is 99999999 at @/{field}"),
        );
        check_state(
            &function(&format!(r#", "{field}Path": "t""#)),
            &format!(
                "{{S}}: Value is not a Reference Path: Reference path didn't start with '$' at @/{field}Path"
            ),
        );
    }
}

#[test]
fn a_retrier_stays_in_its_ranges() {
    let retry =
        |fields: &str| function(&format!(r#", "Retry": [{{"ErrorEquals": ["E"]{fields}}}]"#));
    check_state(&retry(""), "");
    check_state(
        &retry(
            r#", "IntervalSeconds": 99999998, "MaxAttempts": 0, "BackoffRate": 1, "JitterStrategy": "FULL", "Comment": "c""#,
        ),
        "",
    );
    check_state(
        &retry(r#", "MaxDelaySeconds": 31622400, "JitterStrategy": "NONE""#),
        "",
    );
    for (field, value, problem) in [
        ("IntervalSeconds", "0", "Minimum value is 1"),
        ("IntervalSeconds", "100000000", "Maximum value is 99999999"),
        ("MaxAttempts", "-1", "Minimum value is 0"),
        ("MaxAttempts", "100000000", "Maximum value is 99999999"),
        ("BackoffRate", "0.5", "Minimum value is 1.0"),
        ("MaxDelaySeconds", "31622401", "Maximum value is 31622400"),
        ("BackoffRate", r#""2""#, "Expected value of type Number"),
        ("MaxAttempts", "1.5", "Expected value of type Integer"),
        (
            "JitterStrategy",
            r#""HALF""#,
            "The field 'JitterStrategy' should have one of these values: [FULL, NONE]",
        ),
    ] {
        check_state(
            &retry(&format!(r#", "{field}": {value}"#)),
            &format!("{{S}}: {problem} at @/Retry[0]/{field}"),
        );
    }
    check_state(
        &retry(r#", "IntervalSeconds": 5, "MaxDelaySeconds": 5"#),
        "{S}: MaxDelaySeconds must be greater than IntervalSeconds at @/Retry[0]",
    );
    check_state(
        &retry(r#", "Next": "X""#),
        "{S}: Field 'Next' is not supported at @/Retry[0]",
    );
    check_state(
        &function(r#", "Retry": [{}, 5]"#),
        "{S}: These fields are required: [ErrorEquals] at @/Retry[0], \
         {S}: Expected value of type Object at @/Retry[1]",
    );
    check_state(
        &function(r#", "Retry": {}"#),
        "{S}: Expected value of type Array at @/Retry",
    );
}

#[test]
fn a_catcher_names_errors_and_a_target() {
    let catch = |fields: &str| function(&format!(r#", "Catch": [{{{fields}}}]"#));
    let base = r#""ErrorEquals": ["E"], "Next": "Y""#;
    check_state(
        &catch(&format!(
            r#"{base}, "ResultPath": null, "Assign": {{"v": 1}}, "Comment": "c""#
        )),
        "",
    );
    check_jsonata(
        &catch(&format!(
            r#"{base}, "Output": "{{% 1 %}}", "Assign": {{"v": 1}}"#
        )),
        "",
    );
    check_state(
        &catch(""),
        "{S}: These fields are required: [ErrorEquals, Next] at @/Catch[0]",
    );
    check_state(
        &catch(r#""ErrorEquals": "E", "Next": "Y""#),
        "{S}: Expected value of type Array at @/Catch[0]/ErrorEquals",
    );
    check_state(
        &catch(r#""ErrorEquals": ["E", 5], "Next": "Y""#),
        "{S}: Expected value of type String at @/Catch[0]/ErrorEquals[1]",
    );
    check_state(
        &catch(&format!(r#"{base}, "ResultPath": "$[*]""#)),
        "{S}: Value is not a Reference Path: '[' must be followed by ' or '[' at @/Catch[0]/ResultPath",
    );
    check_state(
        &catch(&format!(r#"{base}, "Output": 1"#)),
        "{S}: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the \
         'JSONata' QueryLanguage at @/Catch[0]",
    );
    check_jsonata(
        &catch(&format!(r#"{base}, "ResultPath": null"#)),
        "{S}: The QueryLanguage is set to 'JSONata', but field 'ResultPath' is only supported for \
         the 'JSONPath' QueryLanguage at @/Catch[0]",
    );
}

#[test]
fn the_wildcard_stands_alone_and_last() {
    let check_both = |lists: &[&str], at: Option<usize>| {
        for (field, next) in [("Retry", ""), ("Catch", r#", "Next": "Y""#)] {
            let elements: Vec<String> = lists
                .iter()
                .map(|names| format!(r#"{{"ErrorEquals": [{names}]{next}}}"#))
                .collect();
            let expected = at.map(|at| {
                format!(
                    "{{S}}: States.ALL must appear alone and at end of list at \
                     @/{field}[{at}]/ErrorEquals[0]"
                )
            });
            check_state(
                &function(&format!(r#", "{field}": [{}]"#, elements.join(", "))),
                &expected.unwrap_or_default(),
            );
        }
    };
    let all = r#""States.ALL""#;
    check_both(&[all], None);
    check_both(&[r#""E""#, all], None);
    check_both(&[all, r#""E""#], Some(0));
    check_both(&[r#""F""#, r#""E", "States.ALL""#], Some(1));
}

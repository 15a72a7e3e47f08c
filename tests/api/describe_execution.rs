//! `DescribeExecution`.

use aws_sdk_sfn::types::{ExecutionRedriveStatus, ExecutionStatus};
use stepwell_tests::client::{ended, refused};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_EXECUTION, FAIL, NOT_EXECUTIONS, PASS, TIMED_OUT, WAIT};
use crate::map_runs::{self, children, distributed, express, start};

#[tokio::test]
async fn a_running_execution_has_no_end() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let started = server
        .client
        .start_execution()
        .state_machine_arn(&arn)
        .name("one")
        .input("[1]")
        .trace_header("Root=1-5759e988-bd862e3fe1be46a994272793")
        .send()
        .await
        .unwrap();
    let describe = server.client.describe_execution();
    let describe = describe.execution_arn(started.execution_arn());
    let found = describe.send().await.unwrap();
    assert_eq!(found.execution_arn(), started.execution_arn());
    assert_eq!(found.state_machine_arn(), arn);
    assert_eq!(found.name(), Some("one"));
    assert_eq!(found.status(), &ExecutionStatus::Running);
    assert_eq!(found.start_date(), started.start_date());
    assert_eq!(found.stop_date(), None);
    assert_eq!(found.input(), Some("[1]"));
    assert!(found.input_details().unwrap().included());
    assert_eq!((found.output(), found.output_details()), (None, None));
    assert_eq!((found.error(), found.cause()), (None, None));
    assert_eq!(
        found.trace_header(),
        Some("Root=1-5759e988-bd862e3fe1be46a994272793")
    );
    assert_eq!(found.redrive_count(), Some(0));
    assert_eq!(
        found.redrive_status(),
        Some(&ExecutionRedriveStatus::NotRedrivable)
    );
    assert_eq!(
        found.redrive_status_reason(),
        Some("Execution is RUNNING and cannot be redriven")
    );
}

#[tokio::test]
async fn a_success_has_an_output() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let execution = server.begin(&arn, "one", r#"{"a": 1}"#).await;
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.status(), &ExecutionStatus::Succeeded);
    let output: serde_json::Value = serde_json::from_str(found.output().unwrap()).unwrap();
    assert_eq!(output, serde_json::json!({"a": 1}));
    assert!(found.output_details().unwrap().included());
    assert!(found.stop_date().unwrap() >= found.start_date());
    assert_eq!((found.error(), found.cause()), (None, None));
    assert_eq!(
        found.redrive_status_reason(),
        Some("Execution is SUCCEEDED and cannot be redriven")
    );
}

#[tokio::test]
async fn other_ends_have_an_error() {
    let server = Server::start().await;
    let fail = server.create("fail", FAIL).await;
    let failed = server.begin(&fail, "one", "{}").await;
    let late = server.create("late", TIMED_OUT).await;
    let timed_out = server.begin(&late, "one", "{}").await;
    let found = ended(&server.client, &failed).await;
    assert_eq!(found.status(), &ExecutionStatus::Failed);
    assert_eq!(found.error(), Some("Broken"));
    assert_eq!(found.cause(), Some("It is broken."));
    assert_eq!((found.output(), found.output_details()), (None, None));
    assert_eq!(
        found.redrive_status(),
        Some(&ExecutionRedriveStatus::Redrivable)
    );
    assert_eq!(found.redrive_status_reason(), None);

    let found = ended(&server.client, &timed_out).await;
    assert_eq!(found.status(), &ExecutionStatus::TimedOut);
    assert_eq!((found.error(), found.cause()), (None, None));
    assert!(found.stop_date().is_some());
}

#[tokio::test]
async fn a_child_shows_its_map_run() {
    for definition in [distributed(map_runs::PASS, ""), express(map_runs::PASS, "")] {
        let server = Server::start().await;
        let (_, run) = start(&server, &definition, "[7]").await;
        let child = children(&server, &run, 1).await.remove(0);
        let found = ended(&server.client, child.execution_arn()).await;
        assert_eq!(found.execution_arn(), child.execution_arn());
        assert_eq!(found.state_machine_arn(), run.state_machine_arn());
        assert_eq!(found.name(), Some(child.name()));
        assert_eq!(found.map_run_arn(), Some(run.map_run_arn()));
        assert_eq!((found.input(), found.output()), (Some("7"), Some("7")));
        let status = Some(&ExecutionRedriveStatus::NotRedrivable);
        assert_eq!(found.redrive_status(), status);
    }
}

#[tokio::test]
async fn a_child_that_failed_can_be_redriven_by_its_map_run() {
    let fail = r#"{"Type": "Fail", "Error": "No"}"#;
    for definition in [distributed(fail, ""), express(fail, "")] {
        let server = Server::start().await;
        let (execution, run) = start(&server, &definition, "[7]").await;
        ended(&server.client, &execution).await;
        let child = children(&server, &run, 1).await.remove(0);
        let found = ended(&server.client, child.execution_arn()).await;
        assert_eq!(found.error(), Some("No"));
        let status = Some(&ExecutionRedriveStatus::RedrivableByMapRun);
        assert_eq!(found.redrive_status(), status);
        assert_eq!(found.redrive_status_reason(), None);
    }
}

#[tokio::test]
async fn the_execution_has_to_be_there() {
    let server = Server::start().await;
    let describe = |arn: &str| server.client.describe_execution().execution_arn(arn).send();
    let message = format!("Execution Does Not Exist: '{ABSENT_EXECUTION}'");
    refused(
        describe(ABSENT_EXECUTION).await,
        "ExecutionDoesNotExist",
        &message,
    );
    for (arn, message) in NOT_EXECUTIONS {
        refused(describe(arn).await, "InvalidArn", message);
    }
}

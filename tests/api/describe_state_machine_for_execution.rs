//! `DescribeStateMachineForExecution`.

use stepwell_tests::client::refused;
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{ABSENT_EXECUTION, NOT_EXECUTIONS, PASS, WAIT};
use crate::map_runs::{self, NOT_FOR_EXPRESS, children, distributed, express, start};

#[tokio::test]
async fn an_execution_shows_the_definition_it_was_started_with() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let old = server.begin(&arn, "old", "{}").await;
    let update = server.client.update_state_machine().state_machine_arn(&arn);
    let role = "arn:aws:iam::123456789012:role/other";
    let updated = update.definition(PASS).role_arn(role).send().await.unwrap();
    let new = server.begin(&arn, "new", "{}").await;
    let describe = |execution: &str| {
        let describe = server.client.describe_state_machine_for_execution();
        describe.execution_arn(execution).send()
    };

    let found = describe(&old).await.unwrap();
    assert_eq!((found.definition(), found.role_arn()), (WAIT, ROLE));
    assert_eq!(found.revision_id(), None);
    assert_eq!((found.state_machine_arn(), found.name()), (&*arn, "orders"));
    assert!(!found.tracing_configuration().unwrap().enabled());

    let found = describe(&new).await.unwrap();
    assert_eq!((found.definition(), found.role_arn()), (PASS, role));
    assert_eq!(found.revision_id(), updated.revision_id());
    assert_eq!(Some(found.update_date()), updated.update_date().into());

    let delete = server.client.delete_state_machine().state_machine_arn(&arn);
    delete.send().await.unwrap();
    let found = describe(&old).await.unwrap();
    assert_eq!(found.definition(), WAIT, "also when the machine is gone");
}

#[tokio::test]
async fn a_child_runs_the_processor_of_its_map() {
    let server = Server::start().await;
    let (_, run) = start(&server, &distributed(map_runs::PASS, ""), "[7]").await;
    let child = children(&server, &run, 1).await.remove(0);
    let describe = |server: &Server, arn: &str| {
        let describe = server.client.describe_state_machine_for_execution();
        describe.execution_arn(arn).send()
    };
    let found = describe(&server, child.execution_arn()).await.unwrap();
    assert_eq!(found.state_machine_arn(), run.state_machine_arn());
    assert_eq!((found.name(), found.label()), ("orders/each", Some("each")));
    assert_eq!(found.map_run_arn(), Some(run.map_run_arn()));
    let definition = r#"{"StartAt":"Inner","States":{"Inner":{"Type":"Pass","End":true}}}"#;
    assert_eq!(found.definition(), definition);
    let server = Server::start().await;
    let (_, run) = start(&server, &express(map_runs::PASS, ""), "[7]").await;
    let child = children(&server, &run, 1).await.remove(0);
    let refusal = describe(&server, child.execution_arn()).await;
    refused(refusal, "InvalidArn", NOT_FOR_EXPRESS);
}

#[tokio::test]
async fn the_execution_has_to_be_there() {
    let server = Server::start().await;
    let describe = |execution: &str| {
        let describe = server.client.describe_state_machine_for_execution();
        describe.execution_arn(execution).send()
    };
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

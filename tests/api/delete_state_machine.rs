//! `DeleteStateMachine`.

use stepwell_tests::client::refused;
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, NOT_MACHINES, PASS, WAIT};
use crate::versions::publish;

async fn delete(server: &Server, arn: &str) {
    let delete = server.client.delete_state_machine();
    delete.state_machine_arn(arn).send().await.unwrap();
}

#[tokio::test]
async fn a_deleted_state_machine_is_gone() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    delete(&server, &arn).await;
    let (code, message) = (
        "StateMachineDoesNotExist",
        format!("State Machine Does Not Exist: '{arn}'"),
    );
    let client = &server.client;
    let describe = client.describe_state_machine().state_machine_arn(&arn);
    refused(describe.send().await, code, &message);
    let start = client.start_execution().state_machine_arn(&arn);
    refused(start.send().await, code, &message);
    let update = client.update_state_machine().state_machine_arn(&arn);
    refused(update.definition(WAIT).send().await, code, &message);
    let list = client.list_executions().state_machine_arn(&arn);
    refused(list.send().await, code, &message);
    let machines = client.list_state_machines().send().await.unwrap();
    assert!(machines.state_machines().is_empty());
}

#[tokio::test]
async fn deleting_what_is_not_there_succeeds() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    for arn in [
        ABSENT_MACHINE,
        "arn:aws:states:eu-west-1:000000000000:stateMachine:orders",
        &arn,
        &arn,
    ] {
        delete(&server, arn).await;
    }
}

#[tokio::test]
async fn a_machine_elsewhere_is_not_the_one_here() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    delete(&server, &arn.replace("us-east-1", "eu-west-1")).await;
    let describe = server.client.describe_state_machine();
    describe.state_machine_arn(&arn).send().await.unwrap();
}

#[tokio::test]
async fn executions_outlive_their_state_machine() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    delete(&server, &arn).await;
    let client = &server.client;
    let described = client.describe_execution().execution_arn(&execution);
    assert_eq!(described.send().await.unwrap().status().as_str(), "RUNNING");
    let stop = client.stop_execution().execution_arn(&execution);
    stop.send().await.unwrap();
    let history = client.get_execution_history().execution_arn(&execution);
    assert_eq!(history.send().await.unwrap().events().len(), 3);
}

#[tokio::test]
async fn the_name_is_free_again() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    server.begin(&arn, "one", "{}").await;
    delete(&server, &arn).await;
    assert_eq!(server.create("orders", PASS).await, arn);
    let describe = server.client.describe_state_machine();
    let described = describe.state_machine_arn(&arn).send().await.unwrap();
    assert_eq!(described.definition(), PASS);
    let list = server.client.list_executions().state_machine_arn(&arn);
    assert!(list.send().await.unwrap().executions().is_empty());
}

#[tokio::test]
async fn the_arn_has_to_be_one() {
    let server = Server::start().await;
    for (arn, message) in NOT_MACHINES {
        let delete = server.client.delete_state_machine().state_machine_arn(arn);
        refused(delete.send().await, "InvalidArn", message);
    }
}

#[tokio::test]
async fn a_version_is_no_state_machine() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let version = publish(&server, &arn).await;
    for part in [&version, &format!("{arn}:live")] {
        let delete = server.client.delete_state_machine().state_machine_arn(part);
        let message = format!(
            "This operation takes the ARN of a state machine without a version or an alias. Received: {part}"
        );
        refused(delete.send().await, "ValidationException", &message);
    }
    let describe = server.client.describe_state_machine();
    describe.state_machine_arn(&version).send().await.unwrap();
}

//! `DeleteStateMachine`.

use aws_sdk_sfn::types::{ExecutionListItem, StateMachineStatus, StateMachineType};
use serde_json::{Value, json};
use stepwell_tests::client::{ended, refused, until};
use stepwell_tests::server::{ROLE, Server};

use crate::activities::{activity, definition, events, take};
use crate::definitions::{ABSENT_MACHINE, NOT_MACHINES, PASS, WAIT};
use crate::map_runs::map_run;
use crate::versions::{NOT_FOUND, alias, publish, route};

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

/// Waits until nothing has the name of the state machine any more.
async fn gone(server: &Server, arn: &str) {
    until("the end of a deletion", || async {
        let describe = server.client.describe_state_machine();
        let described = describe.state_machine_arn(arn).send().await;
        described.is_err().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_state_machine_stays_until_its_executions_have_ended() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let version = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&version, 100)]).await;
    let execution = server.begin(&arn, "one", "{}").await;
    for _ in 0..2 {
        delete(&server, &arn).await;
    }
    let client = &server.client;
    let describe = || client.describe_state_machine().state_machine_arn(&arn);
    let described = describe().send().await.unwrap();
    assert_eq!(described.status(), Some(&StateMachineStatus::Deleting));
    let machines = client.list_state_machines().send().await.unwrap();
    assert_eq!(machines.state_machines()[0].state_machine_arn(), arn);
    let list = client.list_executions().state_machine_arn(&arn);
    assert_eq!(list.send().await.unwrap().executions().len(), 1);
    let described = client.describe_execution().execution_arn(&execution);
    assert_eq!(described.send().await.unwrap().status().as_str(), "RUNNING");
    let described = client.describe_state_machine_alias();
    let described = described.state_machine_alias_arn(&live).send().await;
    assert_eq!(described.unwrap().name(), Some("live"));

    let stop = client.stop_execution().execution_arn(&execution);
    stop.send().await.unwrap();
    gone(&server, &arn).await;
    let described = client.describe_state_machine_alias();
    let described = described.state_machine_alias_arn(&live).send().await;
    refused(described, "ResourceNotFound", NOT_FOUND);
    let history = client.get_execution_history().execution_arn(&execution);
    assert_eq!(history.send().await.unwrap().events().len(), 3);
    let described = client.describe_execution().execution_arn(&execution);
    let described = described.send().await.unwrap();
    assert_eq!(
        described.redrive_status_reason(),
        Some("State machine is in DELETING status")
    );

    assert_eq!(server.create("orders", PASS).await, arn, "the name is free");
    let described = describe().send().await.unwrap();
    assert_eq!(described.definition(), PASS);
    let list = client.list_executions().state_machine_arn(&arn);
    assert!(list.send().await.unwrap().executions().is_empty());
}

#[tokio::test]
async fn nothing_new_is_made_of_what_is_being_deleted() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let version = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&version, 100)]).await;
    server.begin(&arn, "one", "{}").await;
    delete(&server, &arn).await;

    const CODE: &str = "StateMachineDeleting";
    let said = |arn: &str| format!("State Machine is being deleted: '{arn}'");
    let message = said(&arn);
    let client = &server.client;
    for (part, name) in [
        (&arn, "one"),
        (&arn, "two"),
        (&version, "three"),
        (&live, "four"),
    ] {
        let start = client.start_execution().state_machine_arn(part).name(name);
        refused(start.input("{}").send().await, CODE, &said(part));
    }
    let create = client.create_state_machine().name("orders").role_arn(ROLE);
    refused(create.definition(WAIT).send().await, CODE, &message);
    let update = client.update_state_machine().state_machine_arn(&arn);
    refused(update.definition(PASS).send().await, CODE, &message);
    let publish = client.publish_state_machine_version();
    let publish = publish.state_machine_arn(&arn).send().await;
    refused(publish, CODE, &message);
    let routes = route(&version, 100);
    let create = client.create_state_machine_alias().name("other");
    let create = create.routing_configuration(routes).send().await;
    refused(create, CODE, &message);
    let update = client.update_state_machine_alias();
    let update = update.state_machine_alias_arn(&live).description("new");
    refused(update.send().await, CODE, &message);
    let list = client.list_state_machine_aliases().state_machine_arn(&arn);
    refused(list.send().await, CODE, &message);
}

#[tokio::test]
async fn executions_fail_at_their_next_transition() {
    let server = Server::start().await;
    let activity = activity(&server, "work").await;
    let more = json!({"Next": "After"});
    let mut definition: Value = serde_json::from_str(&definition(&activity, &more)).unwrap();
    let states = &mut definition["States"];
    states["Work"].as_object_mut().unwrap().remove("End");
    states["After"] = json!({"Type": "Pass", "End": true});
    let arn = server.create("orders", &definition.to_string()).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let task = take(&server, &activity).await;
    delete(&server, &arn).await;

    let answer = server.client.send_task_success().output("1");
    let token = task.task_token.unwrap();
    answer.task_token(token).send().await.unwrap();
    let ended = ended(&server.client, &execution).await;
    assert_eq!(ended.status().as_str(), "FAILED");
    assert_eq!(ended.error(), Some("States.Runtime"));
    assert_eq!(
        ended.cause(),
        Some("State machine orders has been deleted.")
    );
    let events = events(&server, &execution).await;
    let kinds: Vec<&str> = events.iter().map(|event| event.r#type().as_str()).collect();
    assert_eq!(
        kinds[kinds.len() - 3..],
        ["ActivitySucceeded", "TaskStateExited", "ExecutionFailed"]
    );
    gone(&server, &arn).await;
}

/// A state machine with a distributed Map whose children have these states, and an execution.
async fn with_map_run(server: &Server, inner: &Value) -> (String, String) {
    let processor = json!({
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Work",
        "States": inner,
    });
    let state = json!({"Type": "Map", "Label": "each", "MaxConcurrency": 2,
        "ItemProcessor": processor, "End": true});
    let definition = json!({"StartAt": "Each", "States": {"Each": state}});
    let arn = server.create("orders", &definition.to_string()).await;
    let execution = server.begin(&arn, "one", "[1, 2, 3]").await;
    (arn, execution)
}

/// Asserts that an execution failed because its state machine was deleted, and that nothing is left
/// of either.
async fn check_deleted(server: &Server, arn: &str, execution: &str) {
    let ended = ended(&server.client, execution).await;
    assert_eq!(ended.status().as_str(), "FAILED");
    assert_eq!(ended.error(), Some("States.Runtime"));
    let cause = "State machine orders has been deleted.";
    assert_eq!(ended.cause(), Some(cause));
    gone(server, arn).await;
    let run = map_run(server, execution).await;
    let list = server.client.list_executions();
    let listed = list.map_run_arn(run.map_run_arn()).send().await.unwrap();
    let is_running = |child: &ExecutionListItem| child.status().as_str() == "RUNNING";
    assert!(!listed.executions().iter().any(is_running), "{listed:?}");
}

#[tokio::test]
async fn a_map_run_ends_with_its_next_child() {
    let server = Server::start().await;
    let activity = activity(&server, "work").await;
    let work = json!({"Work": {"Type": "Task", "Resource": activity, "End": true}});
    let (arn, execution) = with_map_run(&server, &work).await;
    let token = take(&server, &activity).await.task_token.unwrap();
    delete(&server, &arn).await;
    let answer = server.client.send_task_success().output("1");
    answer.task_token(token).send().await.unwrap();
    check_deleted(&server, &arn, &execution).await;
}

#[tokio::test]
async fn a_child_fails_at_its_next_transition_too() {
    let server = Server::start().await;
    let activity = activity(&server, "work").await;
    let work = json!({
        "Work": {"Type": "Task", "Resource": activity, "Next": "Again"},
        "Again": {"Type": "Task", "Resource": activity, "End": true},
    });
    let (arn, execution) = with_map_run(&server, &work).await;
    let token = take(&server, &activity).await.task_token.unwrap();
    delete(&server, &arn).await;
    let answer = server.client.send_task_success().output("1");
    answer.task_token(token).send().await.unwrap();
    check_deleted(&server, &arn, &execution).await;
}

#[tokio::test]
async fn an_express_machine_is_gone_at_once() {
    let server = Server::start().await;
    let create = server.client.create_state_machine().name("quick");
    let create = create.definition(WAIT).role_arn(ROLE);
    let created = create.r#type(StateMachineType::Express).send().await;
    let arn = created.unwrap().state_machine_arn;
    server.begin(&arn, "one", "{}").await;
    delete(&server, &arn).await;
    let describe = server.client.describe_state_machine();
    let described = describe.state_machine_arn(&arn).send().await;
    let message = format!("State Machine Does Not Exist: '{arn}'");
    refused(described, "StateMachineDoesNotExist", &message);
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

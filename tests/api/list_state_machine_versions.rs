//! `ListStateMachineVersions`.

use stepwell_tests::client::{refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, INVALID_TOKEN, NOT_MACHINES, NOT_SIZES, PASS, WAIT};
use crate::versions::{publish, publish_next};

/// The ARNs on every page.
async fn pages(server: &Server, arn: &str, size: i32) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let list = server.client.list_state_machine_versions();
        let list = list.state_machine_arn(arn).max_results(size);
        let page = list.set_next_token(token).send().await.unwrap();
        let arns = page.state_machine_versions().iter();
        pages.push(
            arns.map(|version| version.state_machine_version_arn().to_owned())
                .collect(),
        );
        token = page.next_token;
        if token.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn versions_are_listed_latest_first() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    assert_eq!(pages(&server, &arn, 0).await, [Vec::<String>::new()]);
    publish(&server, &arn).await;
    publish_next(&server, &arn, WAIT).await;
    publish_next(&server, &arn, PASS).await;
    let version = |number: u32| format!("{arn}:{number}");
    assert_eq!(
        pages(&server, &arn, 2).await,
        [vec![version(3), version(2)], vec![version(1)]]
    );
    assert_eq!(pages(&server, &arn, 3).await, [[3, 2, 1].map(version)]);
    let list = server.client.list_state_machine_versions();
    let page = list.state_machine_arn(&arn).send().await.unwrap();
    let describe = server.client.describe_state_machine();
    let described = describe.state_machine_arn(version(3)).send().await.unwrap();
    let first = &page.state_machine_versions()[0];
    assert_eq!(first.creation_date(), described.creation_date());
}

#[tokio::test]
async fn what_does_not_exist_has_no_versions() {
    let server = Server::start().await;
    let none = pages(&server, ABSENT_MACHINE, 10).await;
    assert_eq!(none, [Vec::<String>::new()]);
    let arn = server.create("orders", PASS).await;
    publish(&server, &arn).await;
    let delete = server.client.delete_state_machine();
    delete.state_machine_arn(&arn).send().await.unwrap();
    assert_eq!(pages(&server, &arn, 10).await, [Vec::<String>::new()]);
    server.create("orders", PASS).await;
    assert_eq!(pages(&server, &arn, 10).await, [Vec::<String>::new()]);
    assert_eq!(publish(&server, &arn).await, format!("{arn}:1"));
}

#[tokio::test]
async fn arguments_are_checked() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let list = |arn: &str| {
        server
            .client
            .list_state_machine_versions()
            .state_machine_arn(arn)
    };
    for (size, message) in NOT_SIZES {
        let result = list(&arn).max_results(size).send().await;
        refused(result, "ValidationException", message);
    }
    let result = list(&arn).next_token("x").send().await;
    refused(result, "InvalidToken", INVALID_TOKEN);
    for (arn, message) in NOT_MACHINES {
        refused(list(arn).send().await, "InvalidArn", message);
    }
    let part = format!("{arn}:1");
    let message = format!(
        "This operation takes the ARN of a state machine without a version or an alias. Received: {part}"
    );
    refused(list(&part).send().await, "ValidationException", &message);
    refused_in_common(
        list("").next_token("").send().await,
        "ValidationException",
        "2 validation errors detected: Value '' at 'stateMachineArn' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'nextToken' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}

#[tokio::test]
async fn a_token_belongs_to_its_state_machine() {
    let server = Server::start().await;
    let one = server.create("one", PASS).await;
    let two = server.create("two", PASS).await;
    publish(&server, &one).await;
    publish_next(&server, &one, WAIT).await;
    publish(&server, &two).await;
    let list = |arn: &str| {
        server
            .client
            .list_state_machine_versions()
            .state_machine_arn(arn)
    };
    let page = list(&one).max_results(1).send().await.unwrap();
    let token = page.next_token().unwrap();
    let result = list(&two).next_token(token).send().await;
    refused(result, "InvalidToken", INVALID_TOKEN);
    let rest = list(&one).max_results(7).next_token(token).send().await;
    assert_eq!(rest.unwrap().state_machine_versions().len(), 1);
}

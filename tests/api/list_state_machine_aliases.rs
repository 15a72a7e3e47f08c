//! `ListStateMachineAliases`.

use stepwell_tests::client::{refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, INVALID_TOKEN, NOT_MACHINES, NOT_SIZES, PASS, WAIT};
use crate::versions::{NOT_FOUND, alias, publish, publish_next};

/// The aliases on every page.
async fn pages(server: &Server, arn: &str, size: i32) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let list = server.client.list_state_machine_aliases();
        let list = list.state_machine_arn(arn).max_results(size);
        let page = list.set_next_token(token).send().await.unwrap();
        let arns = page.state_machine_aliases().iter();
        let arns = arns.map(|alias| alias.state_machine_alias_arn().to_owned());
        pages.push(arns.collect());
        token = page.next_token;
        if token.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn aliases_are_listed_as_they_were_created() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    assert_eq!(pages(&server, &arn, 0).await, [Vec::<String>::new()]);
    let one = publish(&server, &arn).await;
    let two = publish_next(&server, &arn, WAIT).await;
    let c = alias(&server, "c", &[(&one, 100)]).await;
    let a = alias(&server, "a", &[(&one, 50), (&two, 50)]).await;
    let b = alias(&server, "b", &[(&two, 100)]).await;
    let [a, b, c] = [&a, &b, &c].map(String::as_str);
    assert_eq!(pages(&server, &arn, 2).await, [vec![c, a], vec![b]]);
    assert_eq!(pages(&server, &arn, 3).await, [[c, a, b]]);
    assert_eq!(pages(&server, &one, 1).await, [[c], [a]]);
    assert_eq!(pages(&server, &two, 0).await, [[a, b]]);
    let list = server.client.list_state_machine_aliases();
    let page = list.state_machine_arn(&arn).send().await.unwrap();
    let describe = server.client.describe_state_machine_alias();
    let described = describe.state_machine_alias_arn(c).send().await.unwrap();
    let first = page.state_machine_aliases()[0].creation_date();
    assert_eq!(Some(first), described.creation_date());
}

#[tokio::test]
async fn a_token_belongs_to_its_state_machine_and_version() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let one = publish(&server, &arn).await;
    for name in ["a", "b"] {
        alias(&server, name, &[(&one, 100)]).await;
    }
    let list = |arn: &str| {
        server
            .client
            .list_state_machine_aliases()
            .state_machine_arn(arn)
    };
    let page = list(&arn).max_results(1).send().await.unwrap();
    let token = page.next_token().unwrap();
    for (arn, token) in [(&one, token), (&arn, "x")] {
        let result = list(arn).next_token(token).send().await;
        refused(result, "InvalidToken", INVALID_TOKEN);
    }
}

#[tokio::test]
async fn the_state_machine_has_to_be_there() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let list = |arn: &str| {
        server
            .client
            .list_state_machine_aliases()
            .state_machine_arn(arn)
    };
    for absent in [ABSENT_MACHINE, &format!("{ABSENT_MACHINE}:1")] {
        let message = format!("State Machine Does Not Exist: '{absent}'");
        refused(
            list(absent).send().await,
            "StateMachineDoesNotExist",
            &message,
        );
    }
    let missing = list(&format!("{arn}:1")).send().await;
    refused(missing, "ResourceNotFound", NOT_FOUND);
    for (arn, message) in NOT_MACHINES {
        refused(list(arn).send().await, "InvalidArn", message);
    }
    for (size, message) in NOT_SIZES {
        let result = list(&arn).max_results(size).send().await;
        refused_in_common(result, "ValidationException", message);
    }
    let live = format!("{arn}:live");
    let message = format!(
        "This operation takes the ARN of a state machine or of a version. Received: {live}"
    );
    let result = list(&live).send().await;
    refused_in_common(result, "ValidationException", &message);
}

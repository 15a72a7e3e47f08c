//! `ListStateMachines`.

use aws_sdk_sfn::types::StateMachineType;
use stepwell_tests::client::{refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::definitions::{INVALID_TOKEN, NOT_SIZES, PASS};

/// The names on every page.
async fn pages(server: &Server, size: i32) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let list = server.client.list_state_machines().max_results(size);
        let page = list.set_next_token(token).send().await.unwrap();
        let names = page.state_machines().iter();
        pages.push(names.map(|machine| machine.name().to_owned()).collect());
        token = page.next_token;
        if token.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn nothing_is_one_empty_page() {
    let server = Server::start().await;
    assert_eq!(pages(&server, 10).await, [Vec::<String>::new()]);
}

#[tokio::test]
async fn machines_are_listed_page_by_page() {
    let server = Server::start().await;
    for name in ["c", "a", "e", "b", "d"] {
        server.create(name, PASS).await;
    }
    assert_eq!(
        pages(&server, 2).await,
        [vec!["a", "b"], vec!["c", "d"], vec!["e"]]
    );
    assert_eq!(
        pages(&server, 5).await,
        [["a", "b", "c", "d", "e"]],
        "a full last page has no token"
    );
    let page = server.client.list_state_machines().send().await.unwrap();
    let first = &page.state_machines()[0];
    assert_eq!(
        first.state_machine_arn(),
        "arn:aws:states:us-east-1:123456789012:stateMachine:a"
    );
    assert_eq!(first.r#type(), &StateMachineType::Standard);
}

#[tokio::test]
async fn a_page_has_a_hundred_unless_something_else_is_said() {
    let server = Server::start().await;
    for number in 0..101 {
        server.create(&format!("m{number:03}"), PASS).await;
    }
    let list = || server.client.list_state_machines();
    for page in [list().send().await, list().max_results(0).send().await] {
        let page = page.unwrap();
        assert_eq!(page.state_machines().len(), 100);
        assert!(page.next_token().is_some());
    }
    let page = list().max_results(1000).send().await.unwrap();
    assert_eq!(
        (page.state_machines().len(), page.next_token()),
        (101, None)
    );
}

#[tokio::test]
async fn tokens_of_others_are_refused() {
    let server = Server::start().await;
    let arn = server.create("a", PASS).await;
    for name in ["1", "2"] {
        server.begin(&arn, name, "{}").await;
    }
    let list = server.client.list_executions().state_machine_arn(&arn);
    let page = list.max_results(1).send().await.unwrap();
    for token in ["x", "====", page.next_token().unwrap()] {
        let list = server.client.list_state_machines().next_token(token);
        refused(list.send().await, "InvalidToken", INVALID_TOKEN);
    }
}

#[tokio::test]
async fn sizes_and_tokens_are_bounded() {
    let server = Server::start().await;
    for (size, message) in NOT_SIZES {
        let list = server.client.list_state_machines().max_results(size);
        refused_in_common(list.send().await, "ValidationException", message);
    }
    let token = "x".repeat(1025);
    let message = format!(
        "1 validation error detected: Value '{token}' at 'nextToken' failed to satisfy constraint: Member must have length less than or equal to 1024"
    );
    let list = server.client.list_state_machines().next_token(token);
    refused_in_common(list.send().await, "ValidationException", &message);
}

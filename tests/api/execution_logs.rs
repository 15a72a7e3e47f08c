//! Execution logs: what a `loggingConfiguration` leads to. The lines themselves are compared with
//! AWS's in the suite `conformance`.

use std::path::Path;

use aws_sdk_sfn::types::{
    CloudWatchLogsLogGroup, LogDestination, LogLevel, LoggingConfiguration, StateMachineType,
};
use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::configuration::{Configuration, Logs};
use stepwell_tests::client::{refused, until};
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{FAIL, PASS};

const GROUP: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/orders:*";

fn logging(level: LogLevel, group: &str) -> LoggingConfiguration {
    let group = CloudWatchLogsLogGroup::builder().log_group_arn(group);
    let destination = LogDestination::builder().cloud_watch_logs_log_group(group.build());
    LoggingConfiguration::builder()
        .level(level)
        .include_execution_data(true)
        .destinations(destination.build())
        .build()
}

async fn create(
    server: &Server,
    name: &str,
    definition: &str,
    kind: StateMachineType,
    level: LogLevel,
) -> String {
    let create = server.client.create_state_machine();
    let create = create.name(name).definition(definition).role_arn(ROLE);
    let create = create.logging_configuration(logging(level, GROUP));
    create.r#type(kind).send().await.unwrap().state_machine_arn
}

async fn logging_to(folder: &Path) -> Server {
    let configuration = Configuration {
        logs: Some(Logs {
            directory: Some(folder.to_owned()),
            stdout: false,
        }),
        ..Configuration::default()
    };
    Server::with(Engine::builder().configuration(configuration)).await
}

/// Waits for so many lines.
async fn lines(folder: &Path, count: usize) -> Vec<Value> {
    until("lines of a log", || async {
        let file = folder.join("aws+vendedlogs+states+orders.jsonl");
        let text = std::fs::read_to_string(file).ok()?;
        let lines: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        (lines.len() >= count).then_some(lines)
    })
    .await
}

fn of_type(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn machines_of_both_types_share_a_group() {
    let folder = tempfile::tempdir().unwrap();
    let server = logging_to(folder.path()).await;
    let express = create(
        &server,
        "express",
        PASS,
        StateMachineType::Express,
        LogLevel::All,
    )
    .await;
    let execution = server.begin(&express, "one", r#"{"a": 1}"#).await;
    let found = lines(folder.path(), 4).await;
    assert_eq!(
        of_type(&found),
        [
            "ExecutionStarted",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded"
        ]
    );
    for line in &found {
        assert_eq!(line["execution_arn"], execution);
        assert_eq!(line["redrive_count"], "0");
        let at = line["event_timestamp"].as_str().unwrap();
        assert!(at.parse::<i64>().is_ok(), "{at}");
    }
    assert_eq!(found[0]["details"]["input"], r#"{"a": 1}"#);

    let standard = create(
        &server,
        "standard",
        FAIL,
        StateMachineType::Standard,
        LogLevel::Error,
    )
    .await;
    server.begin(&standard, "one", "{}").await;
    let found = lines(folder.path(), 6).await;
    assert_eq!(
        of_type(&found[4..]),
        ["FailStateEntered", "ExecutionFailed"]
    );
    assert_eq!(
        found[5]["details"],
        json!({"error": "Broken", "cause": "It is broken."})
    );
}

#[tokio::test]
async fn an_update_holds_for_the_next_execution() {
    let folder = tempfile::tempdir().unwrap();
    let server = logging_to(folder.path()).await;
    let arn = create(
        &server,
        "orders",
        PASS,
        StateMachineType::Standard,
        LogLevel::All,
    )
    .await;
    server.begin(&arn, "one", "{}").await;
    lines(folder.path(), 4).await;
    for level in [LogLevel::Off, LogLevel::All] {
        let update = server.client.update_state_machine().state_machine_arn(&arn);
        let updated = update.logging_configuration(logging(level.clone(), GROUP));
        updated.send().await.unwrap();
        server.begin(&arn, level.as_str(), "{}").await;
    }
    let found = lines(folder.path(), 8).await;
    assert_eq!(found.len(), 8, "the one in between is not logged");
    let last = found[7]["execution_arn"].as_str().unwrap();
    assert!(last.ends_with(":ALL"), "{last}");
}

#[tokio::test]
async fn without_a_place_for_logs_a_machine_is_created_all_the_same() {
    let server = Server::start().await;
    let arn = create(
        &server,
        "orders",
        PASS,
        StateMachineType::Standard,
        LogLevel::All,
    )
    .await;
    let describe = server.client.describe_state_machine();
    let found = describe.state_machine_arn(&arn).send().await.unwrap();
    let expected = logging(LogLevel::All, GROUP);
    assert_eq!(found.logging_configuration(), Some(&expected));
}

#[tokio::test]
async fn a_destination_is_a_log_group() {
    let server = Server::start().await;
    for text in ["orders", "arn:aws:s3:::orders"] {
        let create = server.client.create_state_machine();
        let create = create.name("orders").definition(PASS).role_arn(ROLE);
        let create = create.logging_configuration(logging(LogLevel::All, text));
        refused(
            create.send().await,
            "InvalidLoggingConfiguration",
            "Invalid Logging Configuration: Log Destination not found.",
        );
    }
}

//! `ListExecutions`.

use aws_sdk_sfn::operation::list_executions::builders::ListExecutionsFluentBuilder;
use aws_sdk_sfn::types::ExecutionStatus;
use stepwell_tests::client::{ended, refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, INVALID_TOKEN, NOT_MACHINES, NOT_SIZES, PASS, WAIT};
use crate::map_runs::{self, ABSENT_MAP_RUN, distributed};
use crate::versions::{alias, publish, publish_next};

fn list(server: &Server, arn: &str) -> ListExecutionsFluentBuilder {
    server.client.list_executions().state_machine_arn(arn)
}

/// The names on every page.
async fn pages(list: impl Fn() -> ListExecutionsFluentBuilder) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let page = list().set_next_token(token).send().await.unwrap();
        let names = page.executions().iter();
        pages.push(names.map(|entry| entry.name().to_owned()).collect());
        token = page.next_token;
        if token.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn the_latest_start_comes_first() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let other = server.create("other", WAIT).await;
    server.begin(&other, "elsewhere", "{}").await;
    assert_eq!(pages(|| list(&server, &arn)).await, [Vec::<String>::new()]);
    // More starts than milliseconds, and names that are in no order.
    for name in ["c", "a", "e", "b", "d"] {
        server.begin(&arn, name, "{}").await;
    }
    assert_eq!(
        pages(|| list(&server, &arn)).await,
        [["d", "b", "e", "a", "c"]]
    );
    assert_eq!(
        pages(|| list(&server, &arn).max_results(2)).await,
        [vec!["d", "b"], vec!["e", "a"], vec!["c"]]
    );
    assert_eq!(
        pages(|| list(&server, &arn).max_results(5)).await,
        [["d", "b", "e", "a", "c"]],
        "a full last page has no token"
    );
}

#[tokio::test]
async fn entries_say_how_executions_stand() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let described = ended(&server.client, &execution).await;
    let page = list(&server, &arn).send().await.unwrap();
    let entry = &page.executions()[0];
    assert_eq!(entry.execution_arn(), execution);
    assert_eq!(entry.state_machine_arn(), arn);
    assert_eq!(entry.status(), &ExecutionStatus::Succeeded);
    assert_eq!(entry.start_date(), described.start_date());
    assert_eq!(entry.stop_date(), described.stop_date());
    assert_eq!(entry.redrive_count(), Some(0));
    assert_eq!(entry.map_run_arn(), None);
}

#[tokio::test]
async fn a_filter_leaves_out_all_others() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    for name in ["1", "2", "3", "4", "5"] {
        let execution = server.begin(&arn, name, "{}").await;
        if name == "2" || name == "4" {
            let stop = server.client.stop_execution();
            stop.execution_arn(execution).send().await.unwrap();
        }
    }
    let filtered = |status: ExecutionStatus| {
        let (server, arn) = (&server, &arn);
        pages(move || {
            list(server, arn)
                .max_results(2)
                .status_filter(status.clone())
        })
    };
    assert_eq!(
        filtered(ExecutionStatus::Running).await,
        [vec!["5", "3"], vec!["1"]]
    );
    assert_eq!(filtered(ExecutionStatus::Aborted).await, [["4", "2"]]);
    assert_eq!(
        filtered(ExecutionStatus::Failed).await,
        [Vec::<String>::new()]
    );
}

#[tokio::test]
async fn pages_stay_put_while_executions_start() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    for name in ["1", "2", "3"] {
        server.begin(&arn, name, "{}").await;
    }
    let first = list(&server, &arn).max_results(2).send().await.unwrap();
    server.begin(&arn, "4", "{}").await;
    let second = list(&server, &arn).max_results(2);
    let second = second
        .set_next_token(first.next_token)
        .send()
        .await
        .unwrap();
    let names: Vec<&str> = second
        .executions()
        .iter()
        .map(|entry| entry.name())
        .collect();
    assert_eq!(names, ["1"]);
}

#[tokio::test]
async fn a_token_is_bound_to_its_arguments() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let other = server.create("other", WAIT).await;
    for name in ["1", "2"] {
        server.begin(&arn, name, "{}").await;
    }
    let page = list(&server, &arn).max_results(1).send().await.unwrap();
    let token = page.next_token().unwrap();
    let others = [
        list(&server, &arn).next_token("x"),
        list(&server, &other).next_token(token),
        list(&server, &arn)
            .status_filter(ExecutionStatus::Running)
            .next_token(token),
    ];
    for other in others {
        refused(other.send().await, "InvalidToken", INVALID_TOKEN);
    }
}

#[tokio::test]
async fn arguments_are_checked() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    refused(
        list(&server, &arn)
            .status_filter("DONE".into())
            .send()
            .await,
        "ValidationException",
        "1 validation error detected: Value 'DONE' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]",
    );
    for (size, message) in NOT_SIZES {
        let result = list(&server, &arn).max_results(size).send().await;
        refused(result, "ValidationException", message);
    }
    let token = "x".repeat(3097);
    let message = format!(
        "1 validation error detected: Value '{token}' at 'nextToken' failed to satisfy constraint: Member must have length less than or equal to 3096"
    );
    refused_in_common(
        list(&server, &arn).next_token(token).send().await,
        "ValidationException",
        &message,
    );
}

#[tokio::test]
async fn the_state_machine_has_to_be_there() {
    let server = Server::start().await;
    let message = format!("State Machine Does Not Exist: '{ABSENT_MACHINE}'");
    refused(
        list(&server, ABSENT_MACHINE).send().await,
        "StateMachineDoesNotExist",
        &message,
    );
    for (arn, message) in NOT_MACHINES {
        refused(list(&server, arn).send().await, "InvalidArn", message);
    }
}

#[tokio::test]
async fn a_version_and_an_alias_list_what_they_started() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let one = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&one, 100)]).await;
    let two = publish_next(&server, &arn, PASS).await;
    for (name, by) in [
        ("a", &arn),
        ("b", &one),
        ("c", &live),
        ("d", &two),
        ("e", &live),
    ] {
        server.begin(by, name, "{}").await;
    }
    let names = async |arn: &str| {
        let pages = pages(|| list(&server, arn).max_results(2)).await;
        pages.concat().join(" ")
    };
    assert_eq!(names(&arn).await, "e d c b a");
    assert_eq!(names(&one).await, "e c b");
    assert_eq!(names(&live).await, "e c");
    assert_eq!(names(&two).await, "d");
    let filtered = list(&server, &one).status_filter(ExecutionStatus::Succeeded);
    assert!(filtered.send().await.unwrap().executions().is_empty());

    let page = list(&server, &live).max_results(1).send().await.unwrap();
    let entry = &page.executions()[0];
    assert_eq!(entry.state_machine_arn(), arn);
    assert_eq!(entry.state_machine_version_arn(), Some(one.as_str()));
    assert_eq!(entry.state_machine_alias_arn(), Some(live.as_str()));
    let token = page.next_token().unwrap();
    let elsewhere = list(&server, &arn).next_token(token).send().await;
    refused(elsewhere, "InvalidToken", INVALID_TOKEN);
    let page = list(&server, &arn).send().await.unwrap();
    let origins: Vec<_> = page
        .executions()
        .iter()
        .map(|entry| {
            (
                entry.state_machine_version_arn(),
                entry.state_machine_alias_arn(),
            )
        })
        .collect();
    let [one, two, live] = [&one, &two, &live].map(|arn| Some(arn.as_str()));
    let expected = [
        (one, live),
        (two, None),
        (one, live),
        (one, None),
        (None, None),
    ];
    assert_eq!(origins, expected);

    for part in ["3", "dead"] {
        let part = format!("{arn}:{part}");
        let message = format!("State Machine Does Not Exist: '{part}'");
        let result = list(&server, &part).send().await;
        refused(result, "StateMachineDoesNotExist", &message);
    }
}

#[tokio::test]
async fn children_are_listed_by_their_map_run_alone() {
    let server = Server::start().await;
    let definition = distributed(map_runs::PASS, "");
    let (_, run) = map_runs::start(&server, &definition, "[1, 2, 3]").await;
    let arn = server.create("orders", &definition).await;
    let listed = map_runs::children(&server, &run, 3).await;
    let list = || {
        let list = server.client.list_executions();
        list.map_run_arn(run.map_run_arn())
    };
    let child = &listed[0];
    assert_eq!(child.state_machine_arn(), format!("{arn}/each"));
    assert_eq!(child.map_run_arn(), Some(run.map_run_arn()));
    assert_eq!(child.item_count(), Some(1));
    let page = list().max_results(2).send().await.unwrap();
    let rest = list().next_token(page.next_token().unwrap()).send().await;
    assert_eq!(rest.unwrap().executions().len(), 1);
    let own = server.client.list_executions().state_machine_arn(&arn);
    assert_eq!(own.send().await.unwrap().executions().len(), 1);
    let own = server.client.list_executions().state_machine_arn(&arn);
    let pending = own.status_filter(ExecutionStatus::PendingRedrive);
    let message = "Status filter can only be PENDING_REDRIVE when mapRunArn is specified";
    refused(pending.send().await, "ValidationException", message);
    let pending = list().status_filter(ExecutionStatus::PendingRedrive);
    assert!(pending.send().await.unwrap().executions().is_empty());
    let both = list().state_machine_arn(&arn).send().await;
    refused(
        both,
        "ValidationException",
        "Exactly one of 'stateMachineArn' and 'mapRunArn' must be specified",
    );
    let absent = server.client.list_executions().map_run_arn(ABSENT_MAP_RUN);
    let message = "Request references a resource that does not exist.";
    refused(absent.send().await, "ResourceNotFound", message);
}

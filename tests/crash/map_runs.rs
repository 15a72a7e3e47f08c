//! Map Runs whose server is killed while their children run, or are redriven.
//!
//! Each item is once in the result, with a child of its own that is counted once; tasks of Standard
//! children keep their ids however often they run.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sfn::operation::describe_map_run::DescribeMapRunOutput;
use aws_sdk_sfn::types::{ExecutionStatus, MapRunStatus};
use serde_json::{Value, json};
use stepwell::maintenance;
use stepwell_tests::client::{self, Client};
use stepwell_tests::server::ROLE;

use crate::polled;
use crate::process::{Folder, Process};

const CONFIGURATION: &str = "[functions.ledger]\ncommand = ['sh', 'ledger.sh']\n";

/// Notes the task in a ledger and answers its input; refuses what is bad until it is mended.
const SCRIPT: &str = r#"
input=$(cat)
echo "$STEPWELL_TASK_ID" >> ledger.txt
run=$(printf '%s' "$input" | sed -n 's/.*"bad":"\([^"]*\)".*/\1/p')
if [ -n "$run" ] && [ ! -e "mended-$run.txt" ]; then
    echo '{"errorType": "Bad", "errorMessage": "not mended"}'
    exit 1
fi
printf '%s' "$input"
"#;

/// Items of an execution.
const ITEMS: u64 = 40;

const KINDS: [&str; 2] = ["STANDARD", "EXPRESS"];

/// An execution that was started.
struct Started {
    arn: String,
    kind: &'static str,
    items: Value,
    redrives: i32,
}

pub(crate) async fn have_each_item_once_after_kills(kills: usize) {
    let folder = Folder::new(CONFIGURATION);
    folder.write("ledger.sh", SCRIPT);
    let (mut process, mut client) = Process::start(&folder).listening().await;
    for kind in KINDS {
        let create = client.create_state_machine().name(kind).role_arn(ROLE);
        let created = create.definition(definition(kind)).send().await;
        created.unwrap_or_else(|error| panic!("{kind}: {error:?}"));
    }
    let mut all = Vec::new();
    for kill in 0..kills {
        for kind in KINDS {
            all.push(start(&client, kind, kill, false).await);
        }
        let redriven = start(&client, KINDS[kill % 2], kill, true).await;
        let failed = client::ended(&client, &redriven.arn).await;
        assert_eq!(failed.status(), &ExecutionStatus::Failed, "{failed:?}");
        folder.write(&format!("mended-{kill}.txt"), "");
        let redrive = client.redrive_execution().execution_arn(&redriven.arn);
        redrive.send().await.expect("it can be redriven");
        all.push(redriven);
        polled(53 * kill % 300).await;
        process.kill().await;
        (process, client) = Process::start(&folder).listening().await;
    }
    let ledger = |folder: &Folder| -> BTreeMap<String, Vec<String>> {
        let mut tasks: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in folder.read("ledger.txt").lines() {
            let (execution, task) = line.split_once('#').expect("a task has an execution");
            let of_execution = tasks.entry(execution.to_owned()).or_default();
            of_execution.push(task.to_owned());
        }
        tasks
    };
    for started in &all {
        check(&client, started).await;
    }
    for started in &all {
        let ledger = ledger(&folder);
        for child in children(&client, started).await {
            let noted = ledger.get(&child).map_or(&[][..], Vec::as_slice);
            assert!(!noted.is_empty(), "{child} has no task");
            let ids: BTreeSet<&String> = noted.iter().collect();
            let most = if started.redrives == 0 { 1 } else { 2 };
            assert!(ids.len() <= most, "{child}: {noted:?}");
        }
    }
    process.kill().await;
    folder.check_log();
    let checked = maintenance::check(&folder.database()).expect("the database can be read");
    assert_eq!(checked.findings, Vec::<String>::new());
    println!(
        "{kills} kills, {} Map Runs of {ITEMS} items: each item once, all counts right",
        all.len()
    );
}

fn definition(kind: &str) -> String {
    let ledger = "arn:aws:lambda:us-east-1:123456789012:function:ledger";
    json!({"StartAt": "Each", "States": {"Each": {
        "Type": "Map",
        "Label": "each",
        "MaxConcurrency": 6,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            "StartAt": "Note",
            "States": {"Note": {"Type": "Task", "Resource": ledger, "End": true}},
        },
        "End": true,
    }}})
    .to_string()
}

/// Starts an execution, some of whose items are bad until they are mended.
async fn start(client: &Client, kind: &'static str, kill: usize, is_bad: bool) -> Started {
    let item = |number: u64| match number % 10 {
        9 if is_bad => json!({"n": number, "bad": kill.to_string()}),
        _ => json!({"n": number}),
    };
    let items: Value = (0..ITEMS).map(item).collect();
    let machine = format!("arn:aws:states:us-east-1:123456789012:stateMachine:{kind}");
    let start = client.start_execution().state_machine_arn(machine);
    let start = start.name(format!("{kill}-{is_bad}"));
    let started = start.input(items.to_string()).send().await;
    Started {
        arn: started.expect("it can be started").execution_arn,
        kind,
        items,
        redrives: i32::from(is_bad),
    }
}

async fn map_run(client: &Client, started: &Started) -> DescribeMapRunOutput {
    let list = client.list_map_runs().execution_arn(&started.arn);
    let listed = list.send().await.expect("they can be listed");
    let [run] = listed.map_runs() else {
        panic!("{}: {listed:?}", started.arn)
    };
    let describe = client.describe_map_run().map_run_arn(run.map_run_arn());
    describe.send().await.expect("it can be described")
}

/// Asserts that an execution ended with each of its items, and that its Map Run says so.
async fn check(client: &Client, started: &Started) {
    let found = client::ended(client, &started.arn).await;
    assert_eq!(found.status(), &ExecutionStatus::Succeeded, "{found:?}");
    let output: Value = serde_json::from_str(found.output().unwrap_or_default()).expect("is JSON");
    assert_eq!(output, started.items, "{}", started.arn);
    let run = map_run(client, started).await;
    assert_eq!(run.status(), &MapRunStatus::Succeeded);
    assert_eq!(run.redrive_count(), Some(started.redrives));
    let items = run.item_counts().expect("it counts its items");
    let wanted = i64::try_from(ITEMS).expect("there are few");
    assert_eq!((items.succeeded(), items.total()), (wanted, wanted));
    let executions = run.execution_counts().expect("it counts its children");
    assert_eq!(
        (executions.succeeded(), executions.total()),
        (wanted, wanted)
    );
    assert_eq!(items.failed() + items.aborted() + items.running(), 0);
    assert_eq!(items.pending_redrive(), None);
}

/// The ARNs of all children.
async fn children(client: &Client, started: &Started) -> BTreeSet<String> {
    let run = map_run(client, started).await;
    let list = client.list_executions().map_run_arn(run.map_run_arn());
    let listed = list.max_results(1000).send().await;
    let listed = listed.expect("they can be listed").executions;
    let mut arns = BTreeSet::new();
    for child in listed {
        assert_eq!(child.status(), &ExecutionStatus::Succeeded, "{child:?}");
        let is_express = child.execution_arn().contains(":express:");
        assert_eq!(is_express, started.kind == "EXPRESS", "{child:?}");
        arns.insert(child.execution_arn);
    }
    assert_eq!(arns.len() as u64, ITEMS, "{}", started.arn);
    arns
}

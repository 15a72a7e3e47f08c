//! A release's fixtures: written by it, checked by every later version.
//!
//! `stepwell.db` is a database, `executions.json` has the executions in it, each with what was
//! answered about it and with its journal, and `answers.json` what else was answered.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stepwell::clock::Clock;
use stepwell::interpreter::event::Event;
use stepwell::interpreter::execution::{Limits, Status};
use stepwell::interpreter::{Execution, Timestamp, journal};
use stepwell::language::model::ExecutionType;
use stepwell::language::parse::parse;
use stepwell::maintenance;
use stepwell::store::ExecutionKey;
use stepwell::store::sqlite::{Snapshot, SqliteStore};
use stepwell_tests::client::until;
use stepwell_tests::server::ROLE;

use crate::face::{Face, Functions};
use crate::spread::{self, Sample, Taken};

/// How long after an execution was started its database is opened again: past every wait of those
/// that were left open, and well before anything is removed because of its age.
const LATER: Duration = Duration::from_secs(12 * 86_400);

/// Bytes of journal read at once.
const READ_BYTES: usize = 1 << 20;

/// A clock that shows one time: what was due before is due, and nothing else ever is.
struct StandingClock(Timestamp);

impl StandingClock {
    /// A clock that shows a time well after these executions were started.
    fn after(executions: &[Value]) -> Self {
        let started = executions
            .iter()
            .filter_map(|execution| execution["described"]["startDate"].as_f64());
        let last = started.fold(0.0, f64::max);
        Self(Timestamp::EPOCH.after(Duration::from_secs_f64(last) + LATER))
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            if at > self.0 {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Writes the fixtures of this version into a folder.
pub(crate) async fn write(folder: &Path) {
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let database = scratch.path().join("stepwell.db");
    let face = Face::open(&database, Functions::WhenWritten, None).await;
    for (name, definition) in spread::machines() {
        let create = json!({"name": name, "definition": definition.to_string(), "roleArn": ROLE,
            "tags": [{"key": "of", "value": name}]});
        face.call("CreateStateMachine", &create).await;
    }
    let mut executions = Vec::new();
    for sample in spread::samples() {
        executions.push(take(&face, &machine_arn(sample.machine), &sample).await);
    }
    executions.extend(take_versions(&face).await);
    let mut answers = Vec::new();
    for (operation, request) in reads() {
        let response = face.call(operation, &request).await;
        answers.push(json!({"operation": operation, "request": request, "response": response}));
    }
    drop(face);
    put_away(&database).await;

    maintenance::back_up(&database, &folder.join("stepwell.db")).expect("it can be copied");
    add_journals(&database, &mut executions);
    write_json(&folder.join("executions.json"), &Value::Array(executions));
    write_json(&folder.join("answers.json"), &Value::Array(answers));
}

fn machine_arn(name: &str) -> String {
    format!("arn:aws:states:us-east-1:123456789012:stateMachine:{name}")
}

/// Starts an execution and takes it as far as it is to go; answers what is kept of it.
async fn take(face: &Face, machine: &str, sample: &Sample) -> Value {
    let start = json!({"stateMachineArn": machine, "name": sample.name,
        "input": sample.input.to_string()});
    let started = face.call("StartExecution", &start).await;
    let arn = started["executionArn"].as_str().expect("it has an ARN");
    let of = json!({"executionArn": arn});
    let ends = match &sample.taken {
        Taken::ToItsEnd => {
            face.ended(arn).await;
            Value::Null
        }
        Taken::Stopped { after } => {
            face.happened(arn, after, 1).await;
            let stop = json!({"executionArn": arn, "error": "Enough", "cause": "for now"});
            face.call("StopExecution", &stop).await;
            Value::Null
        }
        Taken::Open {
            after,
            times,
            status,
            output,
        } => {
            face.happened(arn, after, *times).await;
            json!({"status": status, "output": output})
        }
    };
    json!({
        "ends": ends,
        "history": face.history(arn).await,
        "described": face.call("DescribeExecution", &of).await,
        "machine": face.call("DescribeStateMachineForExecution", &of).await,
    })
}

/// Executions that a version and an alias started, with a revision that came after.
async fn take_versions(face: &Face) -> Vec<Value> {
    let machine = machine_arn("states");
    let publish = json!({"stateMachineArn": machine, "description": "the first"});
    let first = face.call("PublishStateMachineVersion", &publish).await;
    let definition = json!({"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}});
    let update = json!({"stateMachineArn": machine, "definition": definition.to_string(),
        "publish": true, "versionDescription": "the second"});
    let second = face.call("UpdateStateMachine", &update).await;
    let route = |version: &Value, weight: u8| json!({"stateMachineVersionArn": version["stateMachineVersionArn"], "weight": weight});
    let alias = json!({"name": "live", "description": "for all",
        "routingConfiguration": [route(&first, 0), route(&second, 100)]});
    face.call("CreateStateMachineAlias", &alias).await;
    let mut executions = Vec::new();
    for (by, name) in [("1", "by-version"), ("live", "by-alias")] {
        let sample = Sample {
            machine: "states",
            name,
            input: json!({"n": 2}),
            taken: Taken::ToItsEnd,
        };
        executions.push(take(face, &format!("{machine}:{by}"), &sample).await);
    }
    executions
}

/// What else is asked, and answered as before. None of it changes when open executions go on.
fn reads() -> Vec<(&'static str, Value)> {
    let machine = machine_arn("states");
    vec![
        ("ListStateMachines", json!({})),
        ("DescribeStateMachine", json!({"stateMachineArn": machine})),
        (
            "DescribeStateMachine",
            json!({"stateMachineArn": format!("{machine}:1")}),
        ),
        (
            "ListStateMachineVersions",
            json!({"stateMachineArn": machine}),
        ),
        (
            "ListStateMachineAliases",
            json!({"stateMachineArn": machine}),
        ),
        (
            "DescribeStateMachineAlias",
            json!({"stateMachineAliasArn": format!("{machine}:live")}),
        ),
        ("ListTagsForResource", json!({"resourceArn": machine})),
        ("ListExecutions", json!({"stateMachineArn": machine})),
        (
            "ListExecutions",
            json!({"stateMachineArn": machine, "statusFilter": "FAILED"}),
        ),
        (
            "ListExecutions",
            json!({"stateMachineArn": format!("{machine}:1")}),
        ),
        (
            "ListExecutions",
            json!({"stateMachineArn": format!("{machine}:live")}),
        ),
    ]
}

/// Waits until the engine has let go of the file.
async fn put_away(database: &Path) {
    until("the end of an engine", || async {
        SqliteStore::open(database).ok().map(drop)
    })
    .await;
}

/// Adds to each execution the chunks of its journal, in hexadecimal digits.
fn add_journals(database: &Path, executions: &mut [Value]) {
    let snapshot = Snapshot::open(database).expect("it can be read");
    let records = snapshot.executions(ExecutionKey(0), 1_000);
    for stored in records.expect("they can be read") {
        let record = stored.record;
        let chunks = snapshot.chunks(record.key, 0, READ_BYTES);
        let chunks = chunks.expect("it can be read");
        let digits: Vec<String> = chunks
            .iter()
            .map(|chunk| hexadecimal(&chunk.bytes))
            .collect();
        let of = |execution: &&mut Value| execution["described"]["name"] == record.name.as_str();
        let execution = executions.iter_mut().find(of).expect("it was taken");
        execution["chunks"] = digits.into();
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes everything");
        text
    })
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16);
    let bytes = (0..digits.len()).step_by(2).map(pair);
    bytes.collect::<Result<_, _>>().expect("they are digits")
}

fn write_json(path: &Path, value: &Value) {
    let text = serde_json::to_string_pretty(value).expect("JSON can be written");
    fs::write(path, text + "\n").expect("it can be written");
}

fn read_json(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("it can be read");
    serde_json::from_str(&text).expect("it is a list")
}

/// Opens a copy of a release's database: everything is answered as it was, and what is open ends.
pub(crate) async fn check_database(release: &Path) {
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let database = scratch.path().join("stepwell.db");
    fs::copy(release.join("stepwell.db"), &database).expect("it can be copied");
    let executions = read_json(&release.join("executions.json"));
    let clock = Arc::new(StandingClock::after(&executions));
    let face = Face::open(&database, Functions::WhenReopened, Some(clock)).await;
    assert!(!executions.is_empty());
    for execution in &executions {
        check_execution(&face, execution).await;
    }
    for answer in read_json(&release.join("answers.json")) {
        let operation = answer["operation"].as_str().expect("it has a name");
        let found = face.call(operation, &answer["request"]).await;
        has(&found, &answer["response"], operation);
    }
    drop(face);
    put_away(&database).await;
    let checked = maintenance::check(&database).expect("it can be read");
    assert_eq!(checked.findings, Vec::<String>::new());
    assert_eq!(checked.executions, executions.len() as u64);
}

async fn check_execution(face: &Face, execution: &Value) {
    let (described, ends) = (&execution["described"], &execution["ends"]);
    let arn = described["executionArn"].as_str().expect("it has an ARN");
    let of = json!({"executionArn": arn});
    let recorded = execution["history"].as_array().expect("it has a history");
    let machine = face.call("DescribeStateMachineForExecution", &of).await;
    has(&machine, &execution["machine"], arn);
    let found = face.ended(arn).await;
    let history = face.history(arn).await;
    if ends.is_null() {
        has(&found, described, arn);
        assert_eq!(&history, recorded, "{arn}");
        return;
    }
    for member in ["name", "input", "startDate", "stateMachineArn"] {
        assert_eq!(found[member], described[member], "{arn}: {member}");
    }
    assert_eq!(found["status"], ends["status"], "{arn}: {found}");
    let output: Value =
        serde_json::from_str(found["output"].as_str().unwrap_or("null")).expect("outputs are JSON");
    assert_eq!(output, ends["output"], "{arn}");
    assert!(history.len() > recorded.len(), "{arn}: it went on");
    assert_eq!(&history[..recorded.len()], recorded, "{arn}");
}

/// Asserts that all that was answered is answered now; there may be more.
fn has(found: &Value, recorded: &Value, place: &str) {
    match (found, recorded) {
        (Value::Object(found), Value::Object(recorded)) => {
            for (name, recorded) in recorded {
                let found = found.get(name).unwrap_or(&Value::Null);
                has(found, recorded, &format!("{place}.{name}"));
            }
        }
        (Value::Array(found), Value::Array(recorded)) => {
            assert_eq!(found.len(), recorded.len(), "{place}: {found:?}");
            for (index, (found, recorded)) in found.iter().zip(recorded).enumerate() {
                has(found, recorded, &format!("{place}[{index}]"));
            }
        }
        _ => assert_eq!(found, recorded, "{place}"),
    }
}

/// Applies the events of each journal to an execution, which then stands as it did.
pub(crate) fn check_journals(release: &Path) {
    for recorded in read_json(&release.join("executions.json")) {
        let described = &recorded["described"];
        let name = described["name"].as_str().expect("it has a name");
        let definition = recorded["machine"]["definition"].as_str();
        let definition = definition.expect("it has a definition");
        let parsed = parse(definition, ExecutionType::Standard).into_result();
        let machine = parsed.unwrap_or_else(|findings| panic!("{name}: {findings:?}"));
        let mut execution = Execution::new(Arc::new(machine), Limits::default());
        let chunks = recorded["chunks"].as_array().expect("it has a journal");
        for chunk in chunks {
            let bytes = bytes_of(chunk.as_str().expect("they are digits"));
            let events = journal::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            for event in &events {
                let applied = execution.apply(event);
                applied.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            check_newer(name, &bytes, &events);
        }
        let status = match execution.status() {
            Status::Running => "RUNNING",
            Status::Succeeded { output, .. } => {
                assert_eq!(described["output"], output.text(), "{name}");
                "SUCCEEDED"
            }
            Status::Failed { .. } => "FAILED",
            Status::TimedOut { .. } => "TIMED_OUT",
            Status::Aborted { .. } => "ABORTED",
        };
        assert_eq!(described["status"], status, "{name}");
        let shown = recorded["history"].as_array().map_or(0, Vec::len);
        assert_eq!(execution.last_history_id().0, shown as u64, "{name}");
    }
}

/// What is written anew says the same, and what a newer version wrote is refused.
fn check_newer(name: &str, bytes: &[u8], events: &[Event]) {
    let again = journal::decode(&journal::encode(events));
    assert_eq!(again.expect("it was just written"), events, "{name}");
    let mut newer = bytes.to_vec();
    newer[0] = journal::VERSION + 1;
    let refused = journal::decode(&newer);
    let found = journal::VERSION + 1;
    assert!(
        matches!(refused, Err(journal::JournalError::Version { found: version }) if version == found),
        "{name}: {refused:?}"
    );
}

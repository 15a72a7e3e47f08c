//! The real program: what it prints, and with which exit code it ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const VALID: &str = r#"{"StartAt": "Greet", "States": {"Greet": {"Type": "Pass", "Parameters": {"greeting.$": "States.Format('Hello {}', $.name)"}, "End": true}}}"#;
const INVALID: &str = "{\n  \"StartAt\": \"Greet\",\n  \"States\": {\n    \"Greet\": {\"Type\": \"Pass\", \"Next\": \"Nowhere\"}\n  }\n}\n";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("the temporary folder can be written to");
        path
    }

    /// Runs `asl` in the folder.
    fn asl(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("asl can be run")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stepwell-asl"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("NO_COLOR", "1");
        command
    }
}

#[track_caller]
fn check(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (found_out, found_err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout: {found_out}\nstderr: {found_err}"
    );
    assert!(
        found_out.contains(stdout),
        "{stdout:?} is not in stdout: {found_out}"
    );
    assert!(
        found_err.contains(stderr),
        "{stderr:?} is not in stderr: {found_err}"
    );
}

#[test]
fn validate_says_what_is_wrong_and_where() {
    let folder = Folder::new();
    folder.write("good.asl.json", VALID);
    folder.write("bad.asl.json", INVALID);
    check(
        &folder.asl(&["validate", "good.asl.json"]),
        0,
        "no findings",
        "",
    );
    let bad = folder.asl(&["validate", "bad.asl.json"]);
    check(
        &bad,
        1,
        "error[MISSING_TRANSITION_TARGET]: Missing 'Next' target: Nowhere",
        "",
    );
    check(&bad, 1, "bad.asl.json:4:39", "");
    check(&bad, 1, "/States/Greet/Next", "");
    let json = folder.asl(&["validate", "--format", "json", "bad.asl.json"]);
    check(&json, 1, "\"MISSING_TRANSITION_TARGET\"", "");
    let _: serde_json::Value = serde_json::from_slice(&json.stdout).expect("it is JSON");
    check(
        &folder.asl(&["validate", "none.asl.json"]),
        2,
        "",
        "none.asl.json",
    );
}

#[test]
fn validate_reads_what_nobody_should_write() {
    let folder = Folder::new();
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!("\"{}\"", "x".repeat(2 << 20));
    for (name, text) in [
        ("empty.json", ""),
        ("text.json", "not json"),
        ("list.json", "[]"),
        ("deep.json", &deep),
        ("large.json", &large),
    ] {
        folder.write(name, text);
        check(&folder.asl(&["validate", name]), 1, "error[", "");
    }
}

#[test]
fn run_prints_the_output_alone_on_stdout() {
    let folder = Folder::new();
    folder.write("greet.asl.json", VALID);
    let output = folder.asl(&["run", "greet.asl.json", "--input", r#"{"name": "Ada"}"#]);
    check(&output, 0, "", "entered Greet");
    assert_eq!(output.stdout, b"{\"greeting\":\"Hello Ada\"}\n");
    folder.write("input.json", r#"{"name": "Bob"}"#);
    let output = folder.asl(&["run", "greet.asl.json", "--input", "@input.json", "--quiet"]);
    check(&output, 0, "Hello Bob", "");
    assert!(output.stderr.is_empty());
}

#[test]
fn run_fails_with_error_and_cause() {
    let folder = Folder::new();
    folder.write("greet.asl.json", VALID);
    let output = folder.asl(&["run", "greet.asl.json"]);
    check(&output, 1, "", "States.Runtime");
    let history = folder.asl(&["run", "greet.asl.json", "--history", "--quiet"]);
    check(&history, 1, "\"PassStateEntered\"", "");
    folder.write("bad.asl.json", INVALID);
    check(
        &folder.asl(&["run", "bad.asl.json"]),
        2,
        "",
        "MISSING_TRANSITION_TARGET",
    );
    check(
        &folder.asl(&["run", "greet.asl.json", "--input", "{"]),
        2,
        "",
        "input",
    );
}

#[test]
fn graph_draws_in_both_languages() {
    let folder = Folder::new();
    folder.write("greet.asl.json", VALID);
    check(&folder.asl(&["graph", "greet.asl.json"]), 0, "Greet", "");
    check(
        &folder.asl(&["graph", "greet.asl.json", "--format", "dot"]),
        0,
        "digraph",
        "",
    );
    check(
        &folder.asl(&["graph", "none.asl.json"]),
        2,
        "",
        "none.asl.json",
    );
}

#[test]
fn serve_refuses_a_database_that_is_none_and_leaves_it_alone() {
    let folder = Folder::new();
    let file = folder.write("notes.db", "these are my notes\n");
    let output = folder.asl(&["serve", "--listen", "127.0.0.1:0", "--database", "notes.db"]);
    check(&output, 2, "", "notes.db is not a database");
    assert_one_line(&output.stderr);
    assert_eq!(
        std::fs::read_to_string(&file).expect("it is still there"),
        "these are my notes\n"
    );
    let output = folder.asl(&["serve", "--database", "postgres://localhost/x"]);
    check(&output, 2, "", "PostgreSQL");
}

#[test]
fn run_uses_mocks_and_lists_the_cases_there_are() {
    let folder = Folder::new();
    folder.write(
        "pay.asl.json",
        r#"{"StartAt": "Pay", "States": {"Pay": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {"QueueUrl": "q", "MessageBody": {"Token.$": "$$.Task.Token"}}, "End": true}}}"#,
    );
    folder.write(
        "mocks.json",
        r#"{"StateMachines": {"shop": {"TestCases": {"Paid": {"Pay": "Paid"}, "Late": {"Pay": "Late"}}}}, "MockedResponses": {"Paid": {"0": {"Return": {"paid": true}}}, "Late": {"0": {"Throw": {"Error": "States.Timeout", "Cause": "late"}}}}}"#,
    );
    let run = |case: &[&str]| {
        let mut arguments = vec![
            "run",
            "pay.asl.json",
            "--quiet",
            "--name",
            "shop",
            "--mock-config",
            "mocks.json",
        ];
        arguments.extend(case);
        folder.asl(&arguments)
    };
    check(&run(&["--test-case", "Paid"]), 0, "{\"paid\":true}", "");
    check(&run(&["--test-case", "Late"]), 1, "", "States.Timeout");
    check(&run(&[]), 2, "", "Paid");
}

#[test]
fn validate_reads_standard_input() {
    let folder = Folder::new();
    let mut child = folder
        .command(&["validate", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("asl can be run");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin
        .write_all(INVALID.as_bytes())
        .expect("asl reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("asl ends");
    check(&output, 1, "MISSING_TRANSITION_TARGET", "");
}

#[test]
fn db_checks_and_copies_a_database() {
    let folder = Folder::new();
    folder.write("greet.asl.json", VALID);
    let input = [
        "run",
        "greet.asl.json",
        "--database",
        "a.db",
        "--input",
        r#"{"name": "A"}"#,
    ];
    check(&folder.asl(&input), 0, "Hello A", "");
    check(
        &folder.asl(&["db", "check", "a.db"]),
        0,
        "",
        "executions: 1, events: 4, findings: 0",
    );
    check(
        &folder.asl(&["db", "repair", "a.db"]),
        0,
        "",
        "rows written: 0, findings left: 0",
    );
    check(
        &folder.asl(&["db", "backup", "a.db", "b.db"]),
        0,
        "",
        "copied",
    );
    check(&folder.asl(&["db", "check", "b.db"]), 0, "", "findings: 0");
    check(
        &folder.asl(&["db", "backup", "a.db", "b.db"]),
        2,
        "",
        "File exists",
    );
    check(
        &folder.asl(&["db", "check", "greet.asl.json"]),
        2,
        "",
        "is not a database",
    );
    check(
        &folder.asl(&["db", "check", "none.db"]),
        2,
        "",
        "No such file",
    );
    check(
        &folder.asl(&["db", "repair", "--reopen", "none.db"]),
        2,
        "",
        "No such file",
    );
}

#[test]
fn help_and_version_are_there() {
    let folder = Folder::new();
    check(&folder.asl(&["--help"]), 0, "validate", "");
    check(
        &folder.asl(&["--version"]),
        0,
        env!("CARGO_PKG_VERSION"),
        "",
    );
    check(&folder.asl(&["fly"]), 2, "", "fly");
    assert!(!Path::new("stepwell.db").exists());
}

#[track_caller]
fn assert_one_line(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
}

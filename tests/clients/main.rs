//! The clients that people have, against the real server: boto3, the `aws` command, and
//! schemathesis, which makes up requests from the server's own description of itself.
//!
//! They are Python programs. `tests/run` puts them into `target/clients`, in the versions that
//! `requirements.txt` pins; without them the suite says loudly that it did not run. Each test runs a
//! program of this folder, which starts the server, kills it, and checks what the clients answer.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use stepwell_tests::workspace;

#[test]
fn boto3_gets_all_operations_and_their_errors() {
    check("the tour with boto3", &["-m", "tour"]);
}

#[test]
fn the_aws_command_gets_all_operations() {
    check("the tour with the aws command", &["commands.py"]);
}

#[test]
fn schemathesis_finds_nothing() {
    check("schemathesis", &["fuzz.py"]);
}

/// Runs a Python program with the server and a folder for its files.
#[track_caller]
fn check(what: &str, program: &[&str]) {
    let Some(python) = python() else {
        let notice =
            format!("\nNOT RUN: {what}: there is no target/clients, which tests/run makes\n");
        // Past the test harness, which keeps what tests that pass print.
        let _ = std::io::stderr().write_all(notice.as_bytes());
        return;
    };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let output = Command::new(python)
        .args(program)
        .arg(env!("CARGO_BIN_EXE_stepwell-asl"))
        .arg(folder.path())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python can be started");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    println!("{stdout}");
}

/// The interpreter of the environment that has the clients, if they were installed to the end.
fn python() -> Option<PathBuf> {
    let environment = workspace::root().join("target/clients");
    let python = environment.join("bin/python");
    (environment.join("requirements.txt").is_file() && python.is_file()).then_some(python)
}

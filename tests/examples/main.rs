//! Every workflow in `asl-examples/`, run by the real program with the flags that its `case.json`
//! names, gives what its expectation says.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;
use stepwell_tests::workspace;

/// One way to run an example. Paths are relative to its folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    input: Option<PathBuf>,
    expected: Option<PathBuf>,
    config: Option<PathBuf>,
    mock_config: Option<PathBuf>,
    test_case: Option<String>,
}

/// `case.json` holds one case or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Cases {
    One(Case),
    Several(Vec<Case>),
}

#[test]
fn every_example_gives_what_it_promises() {
    let mut cases = 0;
    for folder in examples() {
        for case in read_cases(&folder) {
            check(&folder, &case);
            cases += 1;
        }
    }
    assert!(cases >= 20, "only {cases} cases were found");
}

#[test]
fn every_example_has_all_its_files_and_is_valid() {
    let folders = examples();
    assert!(
        folders.len() >= 8,
        "only {} examples were found",
        folders.len()
    );
    for folder in &folders {
        for file in [
            "workflow.asl.json",
            "input.json",
            "expected.json",
            "README.md",
        ] {
            assert!(
                folder.join(file).is_file(),
                "{} has no {file}",
                folder.display()
            );
        }
    }
    let output = asl()
        .arg("validate")
        .args(&folders)
        .output()
        .expect("asl can be run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[track_caller]
fn check(folder: &Path, case: &Case) {
    let name = format!("{} {case:?}", folder.display());
    let file = |path: &Option<PathBuf>, default: &str| {
        folder.join(path.as_deref().unwrap_or(Path::new(default)))
    };
    let mut command = asl();
    command
        .arg("run")
        .arg("--quiet")
        .arg(folder.join("workflow.asl.json"));
    command
        .arg("--input")
        .arg(format!("@{}", file(&case.input, "input.json").display()));
    if let Some(config) = &case.config {
        command.arg("--config").arg(folder.join(config));
    }
    if let Some(mocks) = &case.mock_config {
        command.arg("--mock-config").arg(folder.join(mocks));
    }
    if let Some(test_case) = &case.test_case {
        command.arg("--test-case").arg(test_case);
    }
    let output = command.output().expect("asl can be run");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected = read(&file(&case.expected, "expected.json"));
    if expected["status"] == "SUCCEEDED" {
        assert_eq!(output.status.code(), Some(0), "{name}: {stderr}");
        let found: Value = serde_json::from_str(&stdout).expect("the output is JSON");
        assert_eq!(found, expected["output"], "{name}");
    } else {
        assert_eq!(output.status.code(), Some(1), "{name}: {stderr}");
        for member in ["error", "cause"] {
            if let Some(text) = expected[member].as_str() {
                assert!(
                    stderr.contains(text),
                    "{name}: no {member} {text:?} in {stderr}"
                );
            }
        }
    }
}

fn asl() -> Command {
    Command::new(env!("CARGO_BIN_EXE_stepwell-asl"))
}

fn examples() -> Vec<PathBuf> {
    let folder = workspace::root().join("asl-examples");
    let entries = std::fs::read_dir(&folder).expect("the examples are there");
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn read_cases(folder: &Path) -> Vec<Case> {
    let path = folder.join("case.json");
    if !path.exists() {
        return vec![Case::default()];
    }
    let cases = serde_json::from_value(read(&path));
    match cases.unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
        Cases::One(case) => vec![case],
        Cases::Several(cases) => cases,
    }
}

fn read(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

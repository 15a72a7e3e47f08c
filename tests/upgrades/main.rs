//! What earlier releases wrote: their databases open and go on, their journals replay.
//!
//! `tests/fixtures` has a folder for each release. What is in one is never changed; a release adds
//! its own, with `cargo test -p stepwell-tests --test upgrades -- --ignored`.

mod face;
mod spread;
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};

use stepwell_tests::workspace;

/// The folders of releases.
fn releases() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("there are fixtures");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let mut releases: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    releases.sort();
    releases
}

fn folder() -> PathBuf {
    workspace::root().join("tests/fixtures")
}

#[tokio::test]
async fn a_database_of_each_release_opens_and_its_executions_go_on_to_their_ends() {
    let releases = releases();
    assert!(!releases.is_empty());
    for release in releases {
        fixture::check_database(&release).await;
    }
}

#[test]
fn the_journals_of_each_release_replay() {
    for release in releases() {
        fixture::check_journals(&release);
    }
}

#[tokio::test]
async fn what_this_version_writes_passes_too() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fixture::write(folder.path()).await;
    fixture::check_journals(folder.path());
    fixture::check_database(folder.path()).await;
}

#[tokio::test]
#[ignore = "writes the fixtures of this release; see CONTRIBUTING.md, \"Make a release\""]
async fn write_the_fixtures_of_this_release() {
    let release = folder().join(env!("CARGO_PKG_VERSION"));
    assert!(
        !release.exists(),
        "{} is there: what a release wrote is not changed",
        release.display()
    );
    fs::create_dir(&release).expect("a folder can be made");
    fixture::write(&release).await;
    check_sizes(&release);
}

/// Fixtures stay for ever, so they had better be small.
fn check_sizes(release: &Path) {
    const BYTES_MAX: u64 = 300 << 10;
    for entry in fs::read_dir(release).expect("it can be read") {
        let entry = entry.expect("it can be read");
        let bytes = entry.metadata().expect("it can be read").len();
        assert!(bytes <= BYTES_MAX, "{entry:?} has {bytes} bytes");
    }
}

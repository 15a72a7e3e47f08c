//! A disk that fails on demand: what `faults.c` does in the server's process, said from outside.
//!
//! The library is compiled when the tests run. Where that is not possible, which is everywhere but
//! on Linux with a C compiler, the tests that need it say loudly that they did not run.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Folder;

/// The compiled library, for as long as this value lives.
pub(crate) struct Library {
    folder: TempDir,
}

/// The disk of one server.
pub(crate) struct Faults {
    library: PathBuf,
    folder: TempDir,
}

impl Library {
    /// Compiles it.
    pub(crate) fn build() -> Option<Self> {
        if !cfg!(all(target_os = "linux", target_env = "gnu")) {
            return announce_absence("they need Linux with the GNU C library");
        }
        let folder = TempDir::new().expect("a folder can be made");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crash/faults.c");
        let built = Program::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-U_FORTIFY_SOURCE", "-o"])
            .arg(folder.path().join("faults.so"))
            .arg(source)
            .arg("-pthread")
            .output();
        let built = match built {
            Ok(built) => built,
            Err(error) => {
                return announce_absence(&format!("there is no C compiler `cc`: {error}"));
            }
        };
        let errors = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "faults.c: {errors}");
        Some(Self { folder })
    }

    /// A disk without faults, until it is told otherwise.
    pub(crate) fn disk(&self) -> Faults {
        let faults = Faults {
            library: self.folder.path().join("faults.so"),
            folder: TempDir::new().expect("a folder can be made"),
        };
        faults.set(&[]);
        faults
    }

    /// A disk that knows what a power cut would leave of it.
    pub(crate) fn disk_that_forgets(&self) -> Faults {
        let faults = self.disk();
        fs::create_dir(faults.path("shadow")).expect("a folder can be made");
        faults
    }
}

/// Written past the test harness, which keeps the output of tests that pass to itself.
fn announce_absence(reason: &str) -> Option<Library> {
    let notice = format!("\nNOT RUN: the tests of failing disks: {reason}\n");
    // Where standard error is closed, nobody is there to be told.
    let _ = std::io::stderr().write_all(notice.as_bytes());
    None
}

impl Faults {
    /// Which calls fail from now on, in the words of `faults.c`: `CALL FILE FAULT AFTER COUNT`.
    pub(crate) fn set(&self, rules: &[&str]) {
        // Put in place at once, so that no half of a text is read.
        let (new, control) = (self.path("control.new"), self.path("control"));
        fs::write(&new, rules.join("\n")).expect("a file can be written");
        fs::rename(new, control).expect("a file can be replaced");
    }

    /// So many calls have failed.
    pub(crate) fn made(&self) -> usize {
        let report = fs::read_to_string(self.path("report")).unwrap_or_default();
        report.lines().count()
    }

    /// Puts the library into a process that is to be started.
    pub(crate) fn preload(&self, command: &mut Command, database: &Path) {
        // Under the name that the server uses: without links.
        let folder = database.parent().expect("a file lies in a folder");
        let folder = fs::canonicalize(folder).expect("the folder is there");
        let database = folder.join(database.file_name().expect("a file has a name"));
        command
            .env("LD_PRELOAD", &self.library)
            .env("STEPWELL_FAULTS", self.folder.path())
            .env("STEPWELL_FAULTS_DATABASE", database);
    }

    /// Leaves in `folder` what a power cut would: the process must be gone.
    pub(crate) fn cut_power(&self, folder: &Folder) {
        let database = folder.database();
        let beside = |suffix: &str| {
            let mut name = database.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        for (shadow, suffix) in [("db", ""), ("-wal", "-wal")] {
            fs::copy(self.path("shadow").join(shadow), beside(suffix)).expect("it can be copied");
        }
        let _ = fs::remove_file(self.path("lost"));
        // Shared memory is in memory.
        let _ = fs::remove_file(beside("-shm"));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

//! `asl serve` in a process of its own, on files in a folder of its own.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};

use stepwell_tests::client::{Client, PATIENCE, client};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::faults::Faults;

/// Where the files of a server lie.
pub(crate) struct Folder {
    folder: TempDir,
    faults: Option<Faults>,
}

/// A server that was started.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    address: Option<SocketAddr>,
}

impl Folder {
    /// A folder with a configuration.
    pub(crate) fn new(configuration: &str) -> Self {
        let folder = Self {
            folder: TempDir::new().expect("a folder can be made"),
            faults: None,
        };
        folder.write("stepwell.toml", configuration);
        folder
    }

    /// The same on a disk that fails on demand.
    pub(crate) fn on(faults: Faults, configuration: &str) -> Self {
        Self {
            faults: Some(faults),
            ..Self::new(configuration)
        }
    }

    /// The disk that fails on demand.
    pub(crate) fn faults(&self) -> &Faults {
        self.faults
            .as_ref()
            .expect("the folder lies on such a disk")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file can be written");
    }

    /// The text of a file; one that does not exist is empty.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("stepwell.db")
    }

    /// Asserts that no process has had anything to complain about.
    pub(crate) fn check_log(&self) {
        let log = self.read("log.txt");
        let complaints = log
            .lines()
            .filter(|line| line.contains("ERROR") || line.contains("panicked"));
        let complaints: Vec<&str> = complaints.collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> File {
        let mut options = File::options();
        let log = options.create(true).append(true).open(self.path("log.txt"));
        log.expect("the log can be opened")
    }
}

impl Process {
    /// Starts a server; it may not be ready yet.
    pub(crate) fn start(folder: &Folder) -> Self {
        Self {
            child: spawn(folder, Stdio::from(folder.log())),
            log: folder.path("log.txt"),
            address: None,
        }
    }

    /// Waits until the server says where it listens.
    pub(crate) async fn listening(mut self) -> (Self, Client) {
        let stdout = self.child.stdout.as_mut().expect("its output is a pipe");
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        let read = tokio::time::timeout(PATIENCE, stdout.read_line(&mut line)).await;
        read.expect("the server starts in time")
            .expect("its output can be read");
        let address = line.trim().strip_prefix("asl: listening on http://");
        let address = address.and_then(|address| address.parse::<SocketAddr>().ok());
        let address = address.unwrap_or_else(|| {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            panic!("it names no address: {line:?}; its log:\n{log}")
        });
        self.address = Some(address);
        (self, client(address))
    }

    /// The status of what the server says when it is asked whether it is ready.
    pub(crate) async fn readiness(&self) -> u16 {
        let address = self.address.expect("it listens");
        let asked = async {
            let mut stream = TcpStream::connect(address).await?;
            let request =
                format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, io::Error>(answer)
        };
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        let answer = answered.expect("it answers in time").expect("it answers");
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("it answers with no status: {answer:?}"))
    }

    /// Ends the server on the spot.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("the process can be killed");
    }

    /// Asks the server to end.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        let id = self.child.id().expect("it has not ended");
        let asked = Command::new("kill").arg(id.to_string()).status().await;
        assert!(asked.expect("there is a program `kill`").success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended
            .expect("it ends in time")
            .expect("its end can be waited for")
    }

    /// Starts a server that is to end by itself; answers how, and what it wrote.
    pub(crate) async fn refused(folder: &Folder) -> Output {
        let child = spawn(folder, Stdio::piped());
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        ended
            .expect("it ends in time")
            .expect("its end can be waited for")
    }
}

fn spawn(folder: &Folder, errors: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepwell-asl"));
    if let Some(faults) = &folder.faults {
        faults.preload(&mut command, &folder.database());
    }
    command
        .arg("serve")
        .args(["--listen", "127.0.0.1:0", "--log", "warn"])
        .arg("--database")
        .arg(folder.database())
        .arg("--config")
        .arg(folder.path("stepwell.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .kill_on_drop(true)
        .spawn()
        .expect("the server can be started")
}

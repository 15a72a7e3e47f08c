//! A function in a process of its own: JSON on standard input, the result on standard output.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use stepwell_interpreter::Payload;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use super::super::{Task, TaskError};
use super::{RESPONSE_SIZE_MAX, failure};
use crate::configuration::Command;

/// Bytes of standard error that go into the log: for one line, and for one call.
const LOG_LINE_MAX: u64 = 8_192;
const LOG_SIZE_MAX: usize = 1_048_576;

/// How long the output of a process may still come in once the process has ended.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);

pub(super) async fn call(
    command: &Command,
    task: &Task,
    request_id: &str,
) -> Result<Payload, TaskError> {
    let (mut process, pipes) = Process::start(command, task).map_err(|error| {
        let message = format!("cannot start {}: {error}", command.program.display());
        failure::crashed("Runtime.InvalidEntrypoint", &message, request_id)
    })?;
    let mut output = Vec::new();
    let status = {
        let exchanged = pipes.exchange(task, &mut output);
        tokio::pin!(exchanged);
        tokio::select! {
            // A process that writes without end must not be waited for.
            done = &mut exchanged => {
                done.map_err(|TooLarge| failure::response_too_large())?;
                process.wait().await
            }
            status = process.wait() => {
                // A process outside its group may still hold the pipes open.
                let _ = tokio::time::timeout(DRAIN_TIME_MAX, exchanged).await;
                status
            }
        }
    };
    if output.len() > RESPONSE_SIZE_MAX {
        return Err(failure::response_too_large());
    }
    match status {
        Ok(status) if status.success() => failure::read_result(&output, request_id),
        Ok(status) => Err(failed(status, &output, request_id)),
        Err(error) => {
            let message = format!("cannot wait for the process: {error}");
            Err(failure::crashed("Runtime.Unknown", &message, request_id))
        }
    }
}

fn failed(status: ExitStatus, output: &[u8], request_id: &str) -> TaskError {
    if let Some(described) = failure::read_error(output) {
        return failure::raised(described, request_id);
    }
    let reason = match status.code() {
        Some(code) => format!("exit status {code}"),
        None => signal(status),
    };
    let message = format!("Runtime exited with error: {reason}");
    failure::crashed("Runtime.ExitError", &message, request_id)
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(6) => "signal: aborted".to_owned(),
        Some(9) => "signal: killed".to_owned(),
        Some(11) => "signal: segmentation fault".to_owned(),
        Some(15) => "signal: terminated".to_owned(),
        Some(number) => format!("signal: {number}"),
        None => status.to_string(),
    }
}

#[cfg(not(unix))]
fn signal(status: ExitStatus) -> String {
    status.to_string()
}

/// A running command. Dropping it kills the process and, on Unix, all that it started.
struct Process {
    child: Child,
    /// Its process group, as long as the process may be alive.
    group: Option<u32>,
}

struct Pipes {
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
    log: Option<ChildStderr>,
}

struct TooLarge;

impl Process {
    fn start(command: &Command, task: &Task) -> std::io::Result<(Self, Pipes)> {
        let mut builder = tokio::process::Command::new(&command.program);
        builder
            .args(&command.arguments)
            .current_dir(&command.directory)
            .envs(
                command
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value.reveal())),
            )
            .env("STEPWELL_TASK_ID", &*task.id)
            .env("STEPWELL_EXECUTION_ARN", &*task.execution)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        builder.process_group(0);
        let mut child = builder.spawn()?;
        let pipes = Pipes {
            input: child.stdin.take(),
            output: child.stdout.take(),
            log: child.stderr.take(),
        };
        Ok((
            Self {
                group: child.id(),
                child,
            },
            pipes,
        ))
    }

    /// Waits for the process to end, then ends what is left of its group.
    async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.kill_group();
        status
    }

    fn kill_group(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group.take()
            && let Ok(number) = i32::try_from(group)
            && let Some(group) = rustix::process::Pid::from_raw(number)
        {
            // A group that is gone already needs nothing.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
    }
}

impl Pipes {
    /// Serves all three pipes at once: a process that writes before it has read everything would
    /// otherwise wait for us, and we for it.
    async fn exchange(self, task: &Task, output: &mut Vec<u8>) -> Result<(), TooLarge> {
        let write = async {
            if let Some(mut input) = self.input {
                // A function need not read its parameters.
                let _ = input.write_all(task.parameters.text().as_bytes()).await;
            }
            Ok(())
        };
        let read = async {
            if let Some(pipe) = self.output {
                let most = RESPONSE_SIZE_MAX as u64 + 1;
                // What came before the error is judged like any output.
                let _ = pipe.take(most).read_to_end(output).await;
            }
            if output.len() > RESPONSE_SIZE_MAX {
                Err(TooLarge)
            } else {
                Ok(())
            }
        };
        let log = async {
            if let Some(pipe) = self.log {
                log_lines(pipe, task).await;
            }
            Ok(())
        };
        tokio::try_join!(write, read, log).map(|_| ())
    }
}

async fn log_lines(pipe: impl AsyncRead + Unpin, task: &Task) {
    let mut reader = BufReader::new(pipe);
    let (mut line, mut logged) = (Vec::new(), 0);
    loop {
        line.clear();
        match (&mut reader)
            .take(LOG_LINE_MAX)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
        let had_room = logged < LOG_SIZE_MAX;
        logged += line.len();
        let text = String::from_utf8_lossy(&line);
        let (function, text) = (task.resource.arn(), text.trim_end());
        if logged <= LOG_SIZE_MAX {
            tracing::info!(%function, task = %task.id, "{text}");
        } else if had_room {
            tracing::warn!(%function, task = %task.id, "the rest of its log is left out");
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::super::super::tests::task;
    use super::*;
    use crate::configuration::Secret;

    fn shell(script: &str) -> Command {
        Command {
            program: "sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: BTreeMap::from([("STAGE".to_owned(), Secret::new("test"))]),
            directory: ".".into(),
        }
    }

    async fn run(script: &str, parameters: Value) -> Result<Payload, TaskError> {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:charge";
        call(&shell(script), &task(arn, parameters), "r-1").await
    }

    #[tokio::test]
    async fn parameters_go_in_and_the_result_comes_out() {
        assert_eq!(
            run("cat", json!({"n": 1})).await.unwrap().text(),
            r#"{"n":1}"#
        );
        let script = r#"echo "[\"$STAGE\", \"$STEPWELL_TASK_ID\"]""#;
        assert_eq!(
            run(script, json!(1)).await.unwrap().text(),
            r#"["test", "task-1"]"#
        );
        assert_eq!(run("true", json!(1)).await.unwrap().text(), "null");
    }

    #[tokio::test]
    async fn a_large_payload_goes_through_both_pipes_at_once() {
        let text = json!("x".repeat(3_000_000));
        assert_eq!(run("cat", text.clone()).await.unwrap().value(), &text);
        assert_eq!(run("echo 1", text).await.unwrap().text(), "1");
    }

    #[tokio::test]
    async fn too_much_output_is_refused_without_waiting_for_the_end() {
        let error = run("yes", json!(1)).await.unwrap_err();
        assert_eq!(error.error, "Function.ResponseSizeTooLarge");
    }

    #[tokio::test]
    async fn much_log_does_not_stop_a_command() {
        let script = "yes | head -c 3000000 >&2; echo 1";
        assert_eq!(run(script, json!(1)).await.unwrap().text(), "1");
    }

    #[tokio::test]
    async fn an_exit_code_is_an_error() {
        let error = run("exit 3", json!(1)).await.unwrap_err();
        assert_eq!(error.error, "Runtime.ExitError");
        assert_eq!(
            error.cause.unwrap(),
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited with error: exit status 3"}"#
        );
        let error = run("kill -9 $$", json!(1)).await.unwrap_err();
        assert!(
            error
                .cause
                .unwrap()
                .contains("Runtime exited with error: signal: killed")
        );
    }

    #[tokio::test]
    async fn a_command_describes_its_own_error() {
        let script = r#"echo '{"errorType": "Declined", "errorMessage": "no"}'; exit 1"#;
        let error = run(script, json!(1)).await.unwrap_err();
        assert_eq!(error.error, "Declined");
        assert_eq!(
            error.cause.unwrap(),
            r#"{"errorMessage":"no","errorType":"Declined","requestId":"r-1","stackTrace":[]}"#
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let mut command = shell("");
        command.program = "no-such-program".into();
        let task = task(
            "arn:aws:lambda:us-east-1:123456789012:function:charge",
            json!(1),
        );
        let error = call(&command, &task, "r-1").await.unwrap_err();
        assert_eq!(error.error, "Runtime.InvalidEntrypoint");
        assert!(
            error
                .cause
                .unwrap()
                .contains("cannot start no-such-program")
        );
    }

    #[tokio::test]
    async fn what_a_command_leaves_behind_does_not_hold_its_result() {
        let started = std::time::Instant::now();
        assert_eq!(
            run("sleep 600 & echo 1", json!(1)).await.unwrap().text(),
            "1"
        );
        assert!(started.elapsed() < Duration::from_mins(1));
    }

    #[tokio::test]
    async fn dropping_a_call_kills_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("alive");
        // Both ends of the pipe close when the whole group is gone: reading then comes to its end.
        let made = std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap();
        assert!(made.success());
        let script = format!("exec 9>{}; echo >&9; sleep 600 & wait", fifo.display());
        let call = tokio::spawn(async move { run(&script, json!(1)).await });
        let mut alive = tokio::fs::File::open(&fifo).await.unwrap();
        assert_eq!(alive.read(&mut [0; 1]).await.unwrap(), 1);
        call.abort();
        assert_eq!(alive.read(&mut [0; 1]).await.unwrap(), 0);
    }
}

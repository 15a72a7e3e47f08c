//! Letters: what one owner tells an execution that another one holds.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepwell_interpreter::Payload;
use stepwell_interpreter::effect::TaskId;
use stepwell_interpreter::event::Sequence;
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::{Input, TokenAnswer};
use tokio::sync::oneshot;

use crate::store::{ExecutionKey, LetterAnswer, LetterKey, Remedy, StoreError};

use super::handout::Handout;
use super::{Executor, Message, driver};

/// Letters that are read at once.
const PAGE: usize = 1_000;

/// Pause before letters are read again that could not be read.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// An input as a letter says it. This is a format on the disk: variants and members may be added,
/// none changes its meaning.
#[derive(Debug, Deserialize, Serialize)]
enum Content {
    Stop {
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
    TaskStarted {
        task: u64,
        worker: Option<Arc<str>>,
    },
    TaskSubmitted {
        task: u64,
        output: String,
    },
    TaskHeartbeat {
        task: u64,
    },
    TaskSucceeded {
        task: u64,
        output: String,
    },
    TaskFailed {
        task: u64,
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
    TokenSucceeded {
        task: u64,
        token: Arc<str>,
        output: String,
    },
    TokenFailed {
        task: u64,
        token: Arc<str>,
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
    TokenHeartbeat {
        task: u64,
        token: Arc<str>,
    },
    MapRunChanged {
        map_run: Arc<str>,
    },
}

/// What a letter is about.
#[derive(Debug)]
enum Read {
    /// The execution itself.
    Input(Input),
    /// One of its Map Runs, whose runner is to look at it again.
    MapRunChanged(Arc<str>),
}

/// Writes an input down; `None` for those that only the holder of an execution can have.
fn encode(input: &Input) -> Option<Vec<u8>> {
    let number = |task: &TaskId| task.0.0;
    let content = match input {
        Input::Stop(Failure { error, cause }) => Content::Stop {
            error: error.clone(),
            cause: cause.clone(),
        },
        Input::TaskStarted { task, worker } => Content::TaskStarted {
            task: number(task),
            worker: worker.clone(),
        },
        Input::TaskSubmitted { task, output } => Content::TaskSubmitted {
            task: number(task),
            output: output.text().to_owned(),
        },
        Input::TaskHeartbeat { task } => Content::TaskHeartbeat { task: number(task) },
        Input::TaskSucceeded { task, output } => Content::TaskSucceeded {
            task: number(task),
            output: output.text().to_owned(),
        },
        Input::TaskFailed { task, failure } => Content::TaskFailed {
            task: number(task),
            error: failure.error.clone(),
            cause: failure.cause.clone(),
        },
        Input::TaskAnswered {
            task,
            token,
            answer,
        } => {
            let (task, token) = (number(task), token.clone());
            match answer {
                TokenAnswer::Succeeded(output) => Content::TokenSucceeded {
                    task,
                    token,
                    output: output.text().to_owned(),
                },
                TokenAnswer::Failed(Failure { error, cause }) => Content::TokenFailed {
                    task,
                    token,
                    error: error.clone(),
                    cause: cause.clone(),
                },
                TokenAnswer::Heartbeat => Content::TokenHeartbeat { task, token },
            }
        }
        // The owner who holds an execution runs its Map Runs.
        Input::MapRunSucceeded { .. }
        | Input::MapRunFailed { .. }
        | Input::Start(_)
        | Input::Continue
        | Input::TimerFired
        | Input::Redrive { .. } => return None,
    };
    Some(serde_json::to_vec(&content).expect("text and numbers are JSON"))
}

/// Reads a letter; `None` for one that says nothing we know.
fn decode(content: &[u8]) -> Option<Read> {
    let id = |task: u64| TaskId(Sequence(task));
    let input = match serde_json::from_slice(content).ok()? {
        Content::Stop { error, cause } => Input::Stop(Failure { error, cause }),
        Content::TaskStarted { task, worker } => Input::TaskStarted {
            task: id(task),
            worker,
        },
        Content::TaskSubmitted { task, output } => Input::TaskSubmitted {
            task: id(task),
            output: payload(&output)?,
        },
        Content::TaskHeartbeat { task } => Input::TaskHeartbeat { task: id(task) },
        Content::TaskSucceeded { task, output } => Input::TaskSucceeded {
            task: id(task),
            output: payload(&output)?,
        },
        Content::TaskFailed { task, error, cause } => Input::TaskFailed {
            task: id(task),
            failure: Failure { error, cause },
        },
        Content::TokenSucceeded {
            task,
            token,
            output,
        } => answered(task, token, TokenAnswer::Succeeded(payload(&output)?)),
        Content::TokenFailed {
            task,
            token,
            error,
            cause,
        } => answered(task, token, TokenAnswer::Failed(Failure { error, cause })),
        Content::TokenHeartbeat { task, token } => answered(task, token, TokenAnswer::Heartbeat),
        Content::MapRunChanged { map_run } => return Some(Read::MapRunChanged(map_run)),
    };
    Some(Read::Input(input))
}

fn answered(task: u64, token: Arc<str>, answer: TokenAnswer) -> Input {
    Input::TaskAnswered {
        task: TaskId(Sequence(task)),
        token,
        answer,
    }
}

fn payload(text: &str) -> Option<Payload> {
    let value: stepwell_language::json::Value = serde_json::from_str(text).ok()?;
    Some(Payload::from_parts(text, value))
}

impl Executor {
    /// Hands over what lies in the inboxes of executions that nobody else holds, for as long as
    /// the executor lives.
    pub(crate) async fn run_inbox(self) {
        let mut post = self.store().owners().post();
        let mut after = LetterKey::default();
        loop {
            post.mark_unchanged();
            if let Err(error) = self.empty_inbox(&mut after).await {
                tracing::error!(%error, "letters cannot be read; they are read again");
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            }
            tokio::select! {
                changed = post.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                // Letters for executions that are free now may be older than those seen last.
                () = self.0.freed.notified() => after = LetterKey::default(),
            }
        }
    }

    async fn empty_inbox(&self, after: &mut LetterKey) -> Result<(), StoreError> {
        let owners = self.store().owners();
        loop {
            let letters = owners.inbox(self.0.epoch, *after, self.now(), PAGE).await?;
            let Some(last) = letters.last() else {
                return Ok(());
            };
            let last = last.key;
            for letter in letters {
                let input = match decode(&letter.content) {
                    Some(Read::Input(input)) => input,
                    Some(Read::MapRunChanged(map_run)) => {
                        self.0.map_runs.tell(&map_run);
                        owners.discard(letter.key).await?;
                        continue;
                    }
                    None => {
                        tracing::error!(
                            execution.key = letter.execution.0,
                            "a letter cannot be read"
                        );
                        owners.discard(letter.key).await?;
                        continue;
                    }
                };
                let message = Message {
                    letter: Some(letter.key),
                    ..Message::new(input)
                };
                self.post(letter.execution, message);
            }
            *after = last;
        }
    }

    /// Sends on what was meant for an execution that another owner holds. What came as a letter
    /// lies in the inbox already.
    pub(super) fn forward(&self, key: ExecutionKey, message: Message) {
        let Message {
            input,
            done,
            letter: None,
            turn: _,
            handout,
        } = message
        else {
            return;
        };
        if let Some(handout) = handout {
            tokio::spawn(self.clone().hand_out_elsewhere(key, input, handout));
            return;
        }
        let Some(content) = encode(&input) else {
            return;
        };
        let executor = self.clone();
        tokio::spawn(async move {
            if let Err(error) = executor.deliver(key, content, done).await {
                tracing::error!(execution.key = key.0, %error, "a letter cannot be delivered");
            }
        });
    }

    /// Tells the owner of a Map Run's execution that something about the run may have changed. One
    /// who does not learn of it looks after a while.
    pub(super) async fn tell_elsewhere(self, map_run: Arc<str>) {
        let told = async {
            let runs = self.store().map_runs();
            let Some(run) = runs.map_run_by_arn(&map_run).await? else {
                return Ok(());
            };
            let content = Content::MapRunChanged {
                map_run: Arc::clone(&map_run),
            };
            let content = serde_json::to_vec(&content).expect("text is JSON");
            self.deliver(run.begun.execution, content, None).await
        };
        if let Err(error) = told.await {
            tracing::warn!(%map_run, %error, "the owner of a Map Run cannot be told");
        }
    }

    /// Hands out a task of an execution that another owner holds, once that one has written down
    /// that the worker has it. What fails puts the task back as it is dropped.
    async fn hand_out_elsewhere(self, key: ExecutionKey, input: Input, handout: Handout) {
        if !handout.is_started() {
            let Some(content) = encode(&input) else {
                return;
            };
            let (done, started) = oneshot::channel();
            if let Err(error) = self.deliver(key, content, Some(done)).await {
                tracing::error!(execution.key = key.0, %error, "a letter cannot be delivered");
                return;
            }
            match started.await {
                Ok(true) => {}
                Ok(false) => return handout.take_back(),
                Err(_) => return,
            }
        }
        match driver::read(&self, key).await {
            Ok(Some(execution)) => handout.deliver(&execution),
            Ok(None) => handout.take_back(),
            Err(error) => {
                tracing::warn!(execution.key = key.0, %error, "a task cannot be handed out");
            }
        }
    }

    /// Puts a letter into an inbox and waits for what becomes of it, if anybody wants to know.
    async fn deliver(
        &self,
        key: ExecutionKey,
        content: Vec<u8>,
        done: Option<oneshot::Sender<bool>>,
    ) -> Result<(), StoreError> {
        let owners = self.store().owners();
        let mut post = owners.post();
        let letter = owners.deliver(key, content).await?;
        let Some(mut done) = done else {
            return Ok(());
        };
        loop {
            post.mark_unchanged();
            match owners.collect(letter).await {
                Ok(Some(answer)) => {
                    let _ = done.send(answer == LetterAnswer::Taken);
                    return Ok(());
                }
                Err(error) if error.remedy() != Remedy::Retry => return Err(error),
                Ok(None) | Err(_) => {}
            }
            tokio::select! {
                changed = post.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                }
                () = done.closed() => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &Input) {
        let content = encode(input).expect("it can be written down");
        let Some(Read::Input(read)) = decode(&content) else {
            panic!("it can be read");
        };
        assert_eq!(format!("{read:?}"), format!("{input:?}"));
    }

    #[test]
    fn what_comes_from_outside_can_be_written_down() {
        let task = TaskId(Sequence(7));
        let output = payload(r#"{"a":[1,"ü"]}"#).unwrap();
        let failure = Failure {
            error: Some("E".into()),
            cause: None,
        };
        check(&Input::Stop(Failure::default()));
        check(&Input::TaskStarted { task, worker: None });
        check(&Input::TaskSubmitted {
            task,
            output: output.clone(),
        });
        check(&Input::TaskHeartbeat { task });
        check(&answered(
            7,
            "t".into(),
            TokenAnswer::Succeeded(output.clone()),
        ));
        check(&answered(
            7,
            "t".into(),
            TokenAnswer::Failed(failure.clone()),
        ));
        check(&answered(7, "t".into(), TokenAnswer::Heartbeat));
        check(&Input::TaskSucceeded { task, output });
        check(&Input::TaskFailed { task, failure });
        assert!(encode(&Input::TimerFired).is_none());
    }

    #[test]
    fn a_letter_that_says_nothing_known_is_not_read() {
        for content in [
            "",
            "{}",
            r#"{"Sing":{}}"#,
            r#"{"TaskSucceeded":{"task":1,"output":"{"}}"#,
        ] {
            assert!(decode(content.as_bytes()).is_none(), "{content}");
        }
    }
}

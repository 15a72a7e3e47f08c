//! What tasks do: the same for the same parameters, whoever asks and how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use stepwell::TaskError;
use stepwell::integrations::{Task, TaskAnswer, TaskFuture, TaskHandler};
use stepwell::interpreter::event::EventKind;
use stepwell::interpreter::{Payload, journal};
use stepwell::store::Store;

use crate::chance::Choices;
use crate::disk::Disk;

/// Runs tasks, and looks whether what asks for them is on the disk.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) disk: Arc<Disk>,
    pub(crate) calls: Arc<AtomicU64>,
    /// Effects without a cause, which there must be none of.
    pub(crate) uncommitted: Arc<AtomicU64>,
}

impl TaskHandler for Worker {
    fn run(&self, task: Task) -> TaskFuture {
        let worker = self.clone();
        Box::pin(async move {
            worker.calls.fetch_add(1, Ordering::SeqCst);
            if !worker.is_committed(&task).await {
                worker.uncommitted.fetch_add(1, Ordering::SeqCst);
            }
            answer(&task).await
        })
    }
}

impl Worker {
    /// Whether the journal on the disk has scheduled this task. Of an Express child it has the
    /// beginning alone.
    async fn is_committed(&self, task: &Task) -> bool {
        let name = task.execution.rsplit(':').next().unwrap_or_default();
        let machine = task.state_machine.split('/').next().unwrap_or_default();
        let store = self.disk.contents();
        let found = store.execution_by_name(machine, name).await;
        let Ok(Some(record)) = found else {
            return false;
        };
        if task.execution.contains(":express:") {
            return true;
        }
        let chunks = store.journal(record.key, 1, usize::MAX).await;
        let events = chunks.into_iter().flatten().flat_map(|chunk| {
            journal::decode(&chunk.bytes).expect("the disk has what was written")
        });
        let id = task.id.rsplit('#').next().unwrap_or_default();
        events.into_iter().any(|event| {
            matches!(event.kind, EventKind::TaskScheduled(_)) && event.sequence.0.to_string() == id
        })
    }
}

/// Takes a while, and then fails or succeeds as its parameters say.
async fn answer(task: &Task) -> Result<TaskAnswer, TaskError> {
    let parameters = task.parameters.text();
    let seed = parameters.bytes().fold(17_u64, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(byte.into())
    });
    let mut choices = Choices::from_seed(seed);
    for _ in 0..choices.below(6) {
        tokio::task::yield_now().await;
    }
    let is_fragile = parameters.contains("is_fragile");
    match choices.below(10) {
        4..7 if is_fragile => Err(TaskError::new("Never", "it is fragile")),
        0..3 => Err(TaskError::new("Again", "not this time")),
        3 => Err(TaskError::new("Never", "not at all")),
        _ => Ok(TaskAnswer::Succeeded(Payload::from_value(
            json!({"n": choices.below(20)}),
        ))),
    }
}

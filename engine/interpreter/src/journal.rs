//! How a run of events is written down: one chunk per append.
//!
//! A chunk is JSON: `{"payloads": […], "events": […]}`. Events refer to payloads by number, so
//! that data which passes through ten states stands in the chunk once. Each chunk can be read
//! alone. Fields may be added to events and kinds of events may be added; what is written never
//! changes meaning.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Event, EventKind, ExecutionStarted, TaskScheduled};
use crate::payload::Payload;

/// Version of the format, written into each store that holds journals.
pub const VERSION: u32 = 1;

/// Why a chunk could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It is not what [`encode`] writes.
    #[error("the chunk is damaged")]
    Damaged(#[source] serde_json::Error),
    /// An event refers to a payload that the chunk does not have.
    #[error("the chunk has no payload {number}")]
    NoPayload {
        /// The payload's number.
        number: u32,
    },
}

#[derive(Deserialize)]
struct ChunkIn<'a> {
    #[serde(borrow)]
    payloads: Vec<&'a RawValue>,
    events: Vec<Event<u32>>,
}

/// Writes events down.
pub fn encode(events: &[Event]) -> Vec<u8> {
    const EVENT_BYTES: usize = 192;
    let mut numbers = BTreeMap::new();
    let mut payloads = Vec::new();
    let mut lines = Vec::with_capacity(events.len() * EVENT_BYTES);
    for event in events {
        let numbered = map_payloads(event, |payload| {
            Ok::<_, JournalError>(*numbers.entry(payload.address()).or_insert_with(|| {
                payloads.push(payload.clone());
                u32::try_from(payloads.len() - 1).expect("a chunk has fewer than 2^32 payloads")
            }))
        });
        separate(&mut lines);
        let numbered = numbered.expect("numbering cannot fail");
        serde_json::to_writer(&mut lines, &numbered).expect("events can be written");
    }
    // The texts of payloads are JSON already, and may be long: they are not read again.
    let mut texts = Vec::new();
    for payload in &payloads {
        separate(&mut texts);
        texts.extend_from_slice(payload.text().as_bytes());
    }
    [
        b"{\"payloads\":[",
        &*texts,
        b"],\"events\":[",
        &*lines,
        b"]}",
    ]
    .concat()
}

/// Puts a comma behind what stands in a list.
fn separate(list: &mut Vec<u8>) {
    if !list.is_empty() {
        list.push(b',');
    }
}

/// Reads back what [`encode`] wrote.
///
/// # Errors
///
/// [`JournalError`] for anything else.
pub fn decode(bytes: &[u8]) -> Result<Vec<Event>, JournalError> {
    let chunk: ChunkIn<'_> = serde_json::from_slice(bytes).map_err(JournalError::Damaged)?;
    let payloads: Vec<Payload> = chunk
        .payloads
        .iter()
        .map(|text| Payload::from_trusted_text(text.get()))
        .collect();
    chunk
        .events
        .iter()
        .map(|event| {
            map_payloads(event, |&number| {
                payloads
                    .get(number as usize)
                    .cloned()
                    .ok_or(JournalError::NoPayload { number })
            })
        })
        .collect()
}

fn map_payloads<P, Q, E>(
    event: &Event<P>,
    mut map: impl FnMut(&P) -> Result<Q, E>,
) -> Result<Event<Q>, E> {
    Ok(Event {
        sequence: event.sequence,
        at: event.at,
        flow: event.flow,
        history: event.history,
        state: event.state.clone(),
        kind: map_kind(&event.kind, &mut map)?,
    })
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each kind of event, and nothing else"
)]
fn map_kind<P, Q, E>(
    kind: &EventKind<P>,
    map: &mut impl FnMut(&P) -> Result<Q, E>,
) -> Result<EventKind<Q>, E> {
    Ok(match kind {
        EventKind::ExecutionStarted(started) => {
            EventKind::ExecutionStarted(Box::new(ExecutionStarted {
                execution: Arc::clone(&started.execution),
                name: Arc::clone(&started.name),
                state_machine: Arc::clone(&started.state_machine),
                state_machine_name: Arc::clone(&started.state_machine_name),
                role: Arc::clone(&started.role),
                version: started.version.clone(),
                alias: started.alias.clone(),
                test_case: started.test_case.clone(),
                trace_header: started.trace_header.clone(),
                input: map(&started.input)?,
            }))
        }
        EventKind::ExecutionSucceeded { output } => EventKind::ExecutionSucceeded {
            output: map(output)?,
        },
        EventKind::ExecutionFailed(failure) => EventKind::ExecutionFailed(failure.clone()),
        EventKind::ExecutionAborted(failure) => EventKind::ExecutionAborted(failure.clone()),
        EventKind::ExecutionTimedOut(failure) => EventKind::ExecutionTimedOut(failure.clone()),
        EventKind::StateEntered { input } => EventKind::StateEntered { input: map(input)? },
        EventKind::StateExited {
            output,
            assigned,
            next,
        } => EventKind::StateExited {
            output: map(output)?,
            assigned: assigned
                .iter()
                .map(|(name, value)| Ok((Arc::clone(name), map(value)?)))
                .collect::<Result<_, E>>()?,
            next: next.clone(),
        },
        EventKind::StateAborted => EventKind::StateAborted,
        EventKind::EvaluationFailed { failure, location } => EventKind::EvaluationFailed {
            failure: failure.clone(),
            location: location.clone(),
        },
        EventKind::WaitScheduled { until } => EventKind::WaitScheduled { until: *until },
        EventKind::RetryScheduled {
            retrier,
            until,
            failed_by,
        } => EventKind::RetryScheduled {
            retrier: *retrier,
            until: *until,
            failed_by: *failed_by,
        },
        EventKind::TaskScheduled(task) => EventKind::TaskScheduled(Box::new(TaskScheduled {
            parameters: map(&task.parameters)?,
            timeout_seconds: task.timeout_seconds,
            heartbeat_seconds: task.heartbeat_seconds,
            token: task.token.clone(),
            role: task.role.clone(),
        })),
        EventKind::TaskStarted { worker } => EventKind::TaskStarted {
            worker: worker.clone(),
        },
        EventKind::TaskHeartbeat => EventKind::TaskHeartbeat,
        EventKind::TaskSubmitted { output } => EventKind::TaskSubmitted {
            output: map(output)?,
        },
        EventKind::TaskSucceeded { output } => EventKind::TaskSucceeded {
            output: map(output)?,
        },
        EventKind::TaskFailed { failure, phase } => EventKind::TaskFailed {
            failure: failure.clone(),
            phase: *phase,
        },
        EventKind::TaskTimedOut { failure, heartbeat } => EventKind::TaskTimedOut {
            failure: failure.clone(),
            heartbeat: *heartbeat,
        },
        EventKind::ParallelStarted { first, input } => EventKind::ParallelStarted {
            first: *first,
            input: map(input)?,
        },
        EventKind::ParallelSucceeded => EventKind::ParallelSucceeded,
        EventKind::ParallelFailed(child) => EventKind::ParallelFailed(child.clone()),
        EventKind::MapStarted {
            items,
            length,
            concurrency_max,
        } => EventKind::MapStarted {
            items: map(items)?,
            length: *length,
            concurrency_max: *concurrency_max,
        },
        EventKind::MapIterationStarted {
            map: owner,
            index,
            input,
        } => EventKind::MapIterationStarted {
            map: *owner,
            index: *index,
            input: map(input)?,
        },
        EventKind::MapIterationSucceeded { index } => {
            EventKind::MapIterationSucceeded { index: *index }
        }
        EventKind::MapIterationFailed { index } => EventKind::MapIterationFailed { index: *index },
        EventKind::MapIterationAborted { index } => {
            EventKind::MapIterationAborted { index: *index }
        }
        EventKind::MapSucceeded => EventKind::MapSucceeded,
        EventKind::MapFailed(child) => EventKind::MapFailed(child.clone()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::event::{FlowId, HistoryId, HistoryPlace, Sequence};
    use crate::timestamp::Timestamp;

    use super::*;

    fn event(sequence: u64, kind: EventKind) -> Event {
        Event {
            sequence: Sequence(sequence),
            at: Timestamp::from_milliseconds(5),
            flow: FlowId::MAIN,
            history: Some(HistoryPlace {
                id: HistoryId(sequence),
                previous: HistoryId(sequence - 1),
            }),
            state: None,
            kind,
        }
    }

    #[test]
    fn a_payload_that_passes_through_is_written_once_and_read_back_shared() {
        let payload = Payload::from_value(json!({"order": "x".repeat(1000)}));
        let events = vec![
            event(
                1,
                EventKind::StateEntered {
                    input: payload.clone(),
                },
            ),
            event(
                2,
                EventKind::StateExited {
                    output: payload.clone(),
                    assigned: vec![("a".into(), payload.clone())],
                    next: None,
                },
            ),
            event(3, EventKind::ExecutionSucceeded { output: payload }),
        ];
        let bytes = encode(&events);
        assert!(bytes.len() < 1500, "{} bytes", bytes.len());
        let read = decode(&bytes).unwrap();
        assert_eq!(read, events);
        let (EventKind::StateEntered { input }, EventKind::ExecutionSucceeded { output }) =
            (&read[0].kind, &read[2].kind)
        else {
            panic!("other kinds came back");
        };
        assert!(input.is_same(output));
    }

    #[test]
    fn damaged_chunks_are_errors() {
        for bytes in [
            "",
            "[]",
            "{}",
            r#"{"payloads":[],"events":[{"sequence":1,"at":0,"flow":0,"kind":{"StateEntered":{"input":3}}}]}"#,
        ] {
            assert!(decode(bytes.as_bytes()).is_err(), "{bytes}");
        }
    }
}

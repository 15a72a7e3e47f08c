//! How a run of events is written down: one chunk per append.
//!
//! A chunk is a byte with the version of its format, the CRC-32 of what follows, and its body.
//! In [`PLAIN`] that is `MessagePack`: the names of states, the texts of payloads, and the events,
//! which refer to both by number. Data that passes through ten states stands in the chunk once.
//! In [`VERSION`] it is the same as one block of LZ4 after its length, for data that a state only
//! adds to stands in the chunk once for each state. Whatever is shorter is written.
//!
//! Each chunk can be read alone. Fields may be added to events, as the last and with a default, and
//! kinds of events may be added; what is written never changes meaning.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use lz4_flex::block::{compress_into, get_maximum_output_size};
use serde::{Deserialize, Serialize, de};
use stepwell_language::model::StateName;

use crate::event::{Event, EventKind, ExecutionStarted, TaskScheduled};
use crate::payload::Payload;

/// The newest version of the format, the first byte of a chunk.
pub const VERSION: u8 = 2;

/// The version without compression.
const PLAIN: u8 = 1;

/// Bytes before what the checksum is of.
const HEAD_LENGTH: usize = 5;

/// Bytes of `MessagePack` that are not worth the work of making them fewer.
const PLAIN_MAX: usize = 512;

/// How many bytes one byte of LZ4 can stand for, at most.
const LZ4_RATIO_MAX: usize = 255;

/// Why a chunk could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another version of Stepwell wrote it.
    #[error("the chunk has the format {found}, not {VERSION}")]
    Version {
        /// Its version.
        found: u8,
    },
    /// It is cut short, or some of it is not what was written.
    #[error("the chunk is damaged: its checksum does not fit")]
    Checksum,
    /// Its body is no block of LZ4.
    #[error("the chunk cannot be decompressed")]
    Compression,
    /// It is not what [`encode`] writes.
    #[error("the chunk cannot be read")]
    Damaged(#[source] rmp_serde::decode::Error),
    /// An event refers to an entry that the chunk's tables do not have.
    #[error("the chunk has no entry {number}")]
    NoEntry {
        /// The entry's number.
        number: u32,
    },
}

/// A chunk without its head; events have numbers for payloads and names.
#[derive(Serialize, Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    names: Vec<&'a str>,
    #[serde(borrow)]
    payloads: Vec<&'a str>,
    events: Vec<Event<u32, u32>>,
}

/// Entries and their numbers.
struct Table<K, T> {
    numbers: BTreeMap<K, u32>,
    entries: Vec<T>,
}

impl<K: Ord, T: Clone> Table<K, T> {
    fn new() -> Self {
        Self {
            numbers: BTreeMap::new(),
            entries: Vec::new(),
        }
    }

    fn number(&mut self, key: K, entry: &T) -> u32 {
        *self.numbers.entry(key).or_insert_with(|| {
            self.entries.push(entry.clone());
            u32::try_from(self.entries.len() - 1).expect("a chunk has fewer than 2^32 entries")
        })
    }
}

/// Writes events down.
pub fn encode(events: &[Event]) -> Vec<u8> {
    const EVENT_BYTES: usize = 48;
    let mut payloads = Table::new();
    let mut names = Table::new();
    let numbered: Vec<Event<u32, u32>> = events
        .iter()
        .map(|event| {
            let numbered = map_event(
                event,
                |payload: &Payload| {
                    Ok::<_, JournalError>(payloads.number(payload.address(), payload))
                },
                |name: &StateName| Ok(names.number(name.clone(), name)),
            );
            numbered.expect("numbering cannot fail")
        })
        .collect();
    let chunk = Chunk {
        names: names.entries.iter().map(StateName::as_str).collect(),
        payloads: payloads.entries.iter().map(Payload::text).collect(),
        events: numbered,
    };
    let texts: usize = chunk.payloads.iter().map(|text| text.len() + 5).sum();
    let mut plain = Vec::with_capacity(HEAD_LENGTH + texts + events.len() * EVENT_BYTES);
    plain.extend_from_slice(&[0; HEAD_LENGTH]);
    rmp_serde::encode::write(&mut plain, &chunk).expect("events can be written");
    match compress(&plain[HEAD_LENGTH..]) {
        Some(compressed) => with_head(VERSION, compressed),
        None => with_head(PLAIN, plain),
    }
}

/// Room for a head and a body after it, if that is shorter than `body`.
fn compress(body: &[u8]) -> Option<Vec<u8>> {
    const LENGTH_BYTES: usize = size_of::<u32>();
    let length = u32::try_from(body.len()).ok()?;
    if body.len() <= PLAIN_MAX {
        return None;
    }
    let block_at = HEAD_LENGTH + LENGTH_BYTES;
    let mut bytes = vec![0; block_at + get_maximum_output_size(body.len())];
    bytes[HEAD_LENGTH..block_at].copy_from_slice(&length.to_le_bytes());
    let block = compress_into(body, &mut bytes[block_at..]).ok()?;
    bytes.truncate(block_at + block);
    // It is kept for long: not with the room for what could not be made shorter.
    bytes.shrink_to_fit();
    (LENGTH_BYTES + block < body.len()).then_some(bytes)
}

/// Fills in the head before the body.
fn with_head(version: u8, mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&bytes[HEAD_LENGTH..]);
    bytes[0] = version;
    bytes[1..HEAD_LENGTH].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Reads back what [`encode`] wrote.
///
/// # Errors
///
/// [`JournalError`] for anything else.
pub fn decode(bytes: &[u8]) -> Result<Vec<Event>, JournalError> {
    let (head, body) = bytes
        .split_first_chunk::<HEAD_LENGTH>()
        .ok_or(JournalError::Checksum)?;
    let [version, checksum @ ..] = *head;
    if ![PLAIN, VERSION].contains(&version) {
        return Err(JournalError::Version { found: version });
    }
    if crc32fast::hash(body) != u32::from_le_bytes(checksum) {
        return Err(JournalError::Checksum);
    }
    let body = match version {
        VERSION => Cow::Owned(decompress(body).ok_or(JournalError::Compression)?),
        _ => Cow::Borrowed(body),
    };
    let chunk: Chunk<'_> = rmp_serde::from_slice(&body).map_err(JournalError::Damaged)?;
    // The checksum vouches for the texts: they are JSON, as they were when they were written.
    let payloads: Vec<Payload> = chunk
        .payloads
        .iter()
        .map(|text| Payload::from_trusted_text(*text))
        .collect();
    let names: Vec<StateName> = chunk
        .names
        .iter()
        .map(|name| StateName::parse(name).map_err(de::Error::custom))
        .collect::<Result<_, _>>()
        .map_err(JournalError::Damaged)?;
    chunk
        .events
        .iter()
        .map(|event| {
            map_event(
                event,
                |number| entry(&payloads, *number),
                |number| entry(&names, *number),
            )
        })
        .collect()
}

fn decompress(body: &[u8]) -> Option<Vec<u8>> {
    let (length, block) = body.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    // A length that cannot be must not be given memory.
    if length > block.len().saturating_mul(LZ4_RATIO_MAX) {
        return None;
    }
    let plain = lz4_flex::block::decompress(block, length).ok()?;
    (plain.len() == length).then_some(plain)
}

fn entry<T: Clone>(table: &[T], number: u32) -> Result<T, JournalError> {
    let entry = table.get(number as usize).cloned();
    entry.ok_or(JournalError::NoEntry { number })
}

/// The same event with its payloads and names held in another way.
fn map_event<P, Q, N, M, E>(
    event: &Event<P, N>,
    mut map: impl FnMut(&P) -> Result<Q, E>,
    mut map_name: impl FnMut(&N) -> Result<M, E>,
) -> Result<Event<Q, M>, E> {
    Ok(Event {
        sequence: event.sequence,
        at: event.at,
        flow: event.flow,
        history: event.history,
        state: event.state.as_ref().map(&mut map_name).transpose()?,
        kind: map_kind(&event.kind, &mut map, &mut map_name)?,
    })
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each kind of event, and nothing else"
)]
fn map_kind<P, Q, N, M, E>(
    kind: &EventKind<P, N>,
    map: &mut impl FnMut(&P) -> Result<Q, E>,
    map_name: &mut impl FnMut(&N) -> Result<M, E>,
) -> Result<EventKind<Q, M>, E> {
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
                child_of: started.child_of.clone(),
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
            next: next.as_ref().map(map_name).transpose()?,
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
        EventKind::ExecutionRedriven {
            redrive_count,
            client_token,
        } => EventKind::ExecutionRedriven {
            redrive_count: *redrive_count,
            client_token: client_token.clone(),
        },
        EventKind::MapRunStarted(started) => EventKind::MapRunStarted(started.clone()),
        EventKind::MapRunSucceeded { output } => EventKind::MapRunSucceeded {
            output: map(output)?,
        },
        EventKind::MapRunFailed(child) => EventKind::MapRunFailed(child.clone()),
        EventKind::MapRunAborted => EventKind::MapRunAborted,
        EventKind::MapRunRedriven {
            map_run,
            redrive_count,
        } => EventKind::MapRunRedriven {
            map_run: Arc::clone(map_run),
            redrive_count: *redrive_count,
        },
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
    fn a_damaged_chunk_is_an_error_wherever_the_damage_is() {
        let whole = encode(&[event(
            1,
            EventKind::StateEntered {
                input: Payload::from_value(json!({"a": 1})),
            },
        )]);
        assert!(decode(&whole).is_ok());
        for cut in 0..whole.len() {
            assert!(decode(&whole[..cut]).is_err(), "cut at {cut}");
            let mut damaged = whole.clone();
            damaged[cut] ^= 1;
            assert!(decode(&damaged).is_err(), "damaged at {cut}");
        }
        assert!(matches!(
            decode(b"{\"payloads\":[]}"),
            Err(JournalError::Version { found: b'{' })
        ));
    }

    #[test]
    fn an_entry_that_is_not_there_is_an_error() {
        let chunk = Chunk {
            names: Vec::new(),
            payloads: vec!["{}"],
            events: vec![Event {
                sequence: Sequence(1),
                at: Timestamp::EPOCH,
                flow: FlowId::MAIN,
                history: None,
                state: None,
                kind: EventKind::StateEntered { input: 3 },
            }],
        };
        let body = rmp_serde::to_vec(&chunk).unwrap();
        let bytes = with_head(PLAIN, [&[0; HEAD_LENGTH][..], &body].concat());
        let read = decode(&bytes);
        assert!(matches!(read, Err(JournalError::NoEntry { number: 3 })));
    }

    #[test]
    fn what_each_state_only_adds_to_is_written_in_few_bytes() {
        let items: Vec<_> = (0..50)
            .map(|n| json!({"sku": n, "price": n * 17}))
            .collect();
        let events: Vec<Event> = (1..=20)
            .map(|n| {
                let output = Payload::from_value(json!({"items": items, "step": n}));
                event(n, EventKind::TaskSucceeded { output })
            })
            .collect();
        let bytes = encode(&events);
        assert_eq!(bytes[0], VERSION);
        assert!(bytes.len() < 3_000, "{} bytes", bytes.len());
        assert_eq!(decode(&bytes).unwrap(), events);
    }

    #[test]
    fn a_body_that_is_no_lz4_is_an_error_and_gets_no_memory() {
        for body in [
            &[][..],
            &[9, 0, 0],
            &[9, 0, 0, 0],
            &[255; 24],
            &[1, 0, 0, 0, 240, 7],
        ] {
            let bytes = with_head(VERSION, [&[0; HEAD_LENGTH][..], body].concat());
            let read = decode(&bytes);
            assert!(matches!(read, Err(JournalError::Compression)), "{body:?}");
        }
    }

    #[test]
    fn events_are_written_in_few_bytes() {
        let events: Vec<Event> = (1..100)
            .map(|sequence| event(sequence, EventKind::StateAborted))
            .collect();
        let bytes = encode(&events).len();
        assert!(bytes < events.len() * 40, "{bytes} bytes");
    }
}

//! Children of a Map Run: made from their items, and set going.

use std::collections::BTreeSet;
use std::sync::Arc;

use stepwell_interpreter::event::{ChildOf, Event, ExecutionStarted};
use stepwell_interpreter::execution::Mode;
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::Input;
use stepwell_interpreter::map_run::MapRunChild;
use stepwell_interpreter::{Chance, Execution, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::arn;
use crate::executor::express::child::JournalEnd;
use crate::executor::express::{self, ExpressStart, FirstTurn, Room};
use crate::executor::{Executor, chunk, driver, go_live, lock, named_by, standing, wake_at};
use crate::measure;
use crate::store::map_run::{Child, ChildrenCreation, MapRunRecord, NewChildren};
use crate::store::{Chunk, ExecutionKey, ExecutionRecord, NewExecution, StoreError, WaitingTask};

use super::{Asked, Runner, kind_of};

/// Children that are added in one step.
pub(super) const BATCH_MAX: u64 = 100;

/// Bytes of input that are added in one step, if it is more than one child's.
const BATCH_BYTES_MAX: usize = 2 << 20;

/// What all children that are made at the same time have in common.
struct Family<'a> {
    asked: &'a Asked,
    parent: ExecutionRecord,
    /// The activities that their machine names and that do not exist.
    absent: BTreeSet<Arc<str>>,
    now: Timestamp,
}

/// Room for more children.
pub(super) enum Places {
    /// For so many Standard ones.
    Standard(u64),
    /// For Express ones, which are in memory for as long as they run.
    Express(Vec<Room>),
}

impl Places {
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Standard(count) => *count,
            Self::Express(rooms) => rooms.len() as u64,
        }
    }
}

/// A child that is about to be added.
struct Made {
    new: NewExecution,
    turn: Turn,
}

/// What a child did in its first turn.
enum Turn {
    Standard(Box<(Execution, Vec<Event>)>),
    Express(Box<(FirstTurn, Room)>),
}

impl Runner {
    /// Adds the next children, as many as there is room for and a step takes. An input that cannot
    /// be made is the failure of the run.
    pub(super) async fn add_children(
        &self,
        asked: &Asked,
        record: &MapRunRecord,
        mut places: Places,
    ) -> Result<Result<ChildrenCreation, Failure>, StoreError> {
        let executor = &self.executor;
        let parent = executor.store().execution(asked.execution).await?;
        let Some(parent) = parent else {
            return Ok(Ok(ChildrenCreation::Outdated(record.clone())));
        };
        let absent = if asked.started.test_case.is_some() {
            BTreeSet::new()
        } else {
            let named = named_by(asked.run.items.machine());
            executor.absent_activities(&named).await?
        };
        let now = executor.now();
        let family = Family {
            asked,
            parent,
            absent,
            now,
        };
        let mut chance = executor.chance();
        let mut made = Vec::new();
        let (mut item, mut bytes) = (record.next_item, 0);
        for index in
            (record.next_child..).take(usize::try_from(places.count().min(BATCH_MAX)).unwrap_or(1))
        {
            let child = match asked.run.items.child(item, now, &mut chance) {
                Ok(Some(child)) => child,
                Err(failure) if made.is_empty() => return Ok(Err(failure)),
                // What was made before is added first; a failure comes again.
                Ok(None) | Err(_) => break,
            };
            item += child.items;
            bytes += child.input.size();
            let place = Child {
                map_run: record.key,
                index,
                items: child.items,
            };
            let room = match &mut places {
                Places::Standard(_) => None,
                Places::Express(rooms) => rooms.pop(),
            };
            made.push(self.make(&family, place, child, room, &mut chance));
            if bytes >= BATCH_BYTES_MAX {
                break;
            }
        }
        self.add(record, made).await.map(Ok)
    }

    fn make(
        &self,
        family: &Family<'_>,
        place: Child,
        child: MapRunChild,
        room: Option<Room>,
        chance: &mut Chance,
    ) -> Made {
        let executor = &self.executor;
        let Family {
            asked,
            parent,
            absent,
            now,
        } = family;
        let now = *now;
        let name = chance.uuid_at(now);
        let started = started(&asked.started, asked, &name, place.index, child);
        let machine = Arc::clone(asked.run.items.machine());
        let turn = if let Some(room) = room {
            let first = executor.prepare_express(ExpressStart {
                machine,
                started,
                mode: Mode::Express,
                chance: executor.chance(),
            });
            Turn::Express(Box::new((first, room)))
        } else {
            let mut execution = Execution::new(machine, executor.0.limits);
            execution.set_absent_activities(absent.clone());
            let events = execution.handle(Input::Start(Box::new(started)), now, chance);
            Turn::Standard(Box::new((execution, events)))
        };
        let execution = turn.execution();
        let (status, stopped_at) = standing(execution.status());
        let record = ExecutionRecord {
            key: executor.next_key(),
            state_machine: parent.state_machine,
            revision: parent.revision,
            owner: executor.epoch(),
            name,
            status,
            started_at: execution.started().map_or(now, |(at, _)| at),
            stopped_at,
            wake_at: wake_at(execution),
            details: None,
            child: Some(place),
        };
        Made {
            new: NewExecution {
                record,
                chunks: turn.journal(),
                waiting: executor.waiting(execution),
            },
            turn,
        }
    }

    async fn add(
        &self,
        record: &MapRunRecord,
        made: Vec<Made>,
    ) -> Result<ChildrenCreation, StoreError> {
        let executor = &self.executor;
        let mut children = Vec::with_capacity(made.len());
        let mut begun = Vec::with_capacity(made.len());
        for Made { new, turn } in made {
            let (key, waiting) = (new.record.key, new.waiting.clone());
            children.push(new);
            begun.push(match turn {
                Turn::Standard(turn) => {
                    let (execution, events) = *turn;
                    // Those that run are on the list before anybody can know of them.
                    go(executor, key, execution, events, waiting)
                }
                Turn::Express(turn) => Begin::Express(key, turn),
            });
        }
        let created = executor
            .store()
            .map_runs()
            .create_children(NewChildren {
                epoch: executor.epoch(),
                map_run: record.key,
                children,
            })
            .await;
        if matches!(created, Ok(ChildrenCreation::Created(_))) {
            metrics::counter!(measure::STARTED).increment(begun.len() as u64);
            for begin in begun {
                begin.begin(executor, &self.map_run);
            }
        }
        created
    }
}

/// A child that waits until it is durable. Dropped before, it is as if it had never been.
enum Begin {
    /// It has ended in its first turn.
    Ended(Box<(ExecutionKey, Execution, Vec<Event>)>),
    /// Its driver waits for this.
    Driven(oneshot::Sender<()>),
    /// It is run in memory.
    Express(ExecutionKey, Box<(FirstTurn, Room)>),
}

impl Turn {
    fn execution(&self) -> &Execution {
        match self {
            Self::Standard(turn) => &turn.0,
            Self::Express(turn) => turn.0.execution(),
        }
    }

    fn journal(&self) -> Vec<Chunk> {
        match self {
            Self::Standard(turn) => {
                let (execution, events) = &**turn;
                let chunk = chunk(events, execution.last_history_id());
                chunk.into_iter().collect()
            }
            Self::Express(turn) => {
                let first = &turn.0;
                express::child::journal(first.events(), first.execution().status())
            }
        }
    }
}

impl Begin {
    fn begin(self, executor: &Executor, map_run: &Arc<str>) {
        match self {
            Self::Ended(ended) => {
                let (key, execution, events) = *ended;
                executor.committed(key, &execution, &events);
            }
            Self::Driven(begin) => {
                let _ = begin.send(());
            }
            Self::Express(key, turn) => {
                let (first, room) = *turn;
                if !first.execution().is_running() {
                    first.show();
                    executor.0.deletions.something_ended();
                    executor.map_run_changed(map_run);
                    return;
                }
                let child = express::child::Child {
                    key,
                    map_run: Arc::clone(map_run),
                    end: JournalEnd::BEGINNING,
                };
                first.go_on(room, Some(child));
            }
        }
    }
}

fn go(
    executor: &Executor,
    key: ExecutionKey,
    execution: Execution,
    events: Vec<Event>,
    waiting: Vec<WaitingTask>,
) -> Begin {
    if !execution.is_running() {
        return Begin::Ended(Box::new((key, execution, events)));
    }
    let (inbox, messages) = mpsc::unbounded_channel();
    let (begin, durable) = oneshot::channel();
    let own = executor.clone();
    let own_inbox = inbox.clone();
    let driving = async move {
        if durable.await.is_err() {
            lock(&own.0.live).remove(&key);
            return;
        }
        own.committed(key, &execution, &events);
        own.enqueue(key, &waiting);
        driver::drive(own, key, Some(execution), own_inbox, messages).await;
    };
    go_live(&mut lock(&executor.0.live), key, inbox, driving);
    Begin::Driven(begin)
}

/// What a child knows about itself.
fn started(
    parent: &ExecutionStarted,
    asked: &Asked,
    name: &str,
    index: u64,
    child: MapRunChild,
) -> ExecutionStarted {
    let map_run = &asked.run.started.map_run;
    let execution = arn::of_child(map_run, kind_of(asked), name);
    let (state_machine, state_machine_name) = arn::labelled(map_run);
    ExecutionStarted {
        execution: execution.into(),
        name: name.into(),
        state_machine: state_machine.into(),
        state_machine_name: state_machine_name.into(),
        role: Arc::clone(&parent.role),
        version: None,
        alias: None,
        test_case: parent.test_case.clone(),
        trace_header: None,
        input: child.input,
        child_of: Some(ChildOf {
            map_run: Arc::clone(map_run),
            state: asked.run.items.state().name.as_str().into(),
            index,
        }),
    }
}

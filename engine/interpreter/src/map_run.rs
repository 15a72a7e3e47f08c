//! What the children of a Map Run are given: their inputs, one after the other.
//!
//! The inputs of a run are never there all at once, in memory or in a journal: whoever runs the
//! children asks for one at a time, and what it was given stands in the child's own first event.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell_language::json::Value;
use stepwell_language::model::{
    ExecutionType, Map as MapState, MapMode, State, StateId, StateKind, StateMachine,
    Transformation,
};

use crate::chance::Chance;
use crate::data_flow::{self, Context, ContextMember, Scope, Surroundings};
use crate::event::HistoryId;
use crate::failure::Failure;
use crate::fault::Fault;
use crate::payload::Payload;
use crate::state::{self, BatchLimits, BatchMaker, item_context};
use crate::timestamp::Timestamp;

/// What an item is from, when it is from the state's input.
const STATE_DATA: &str = "STATE_DATA";

/// The items of a Map Run, and all that the inputs of its children are computed from.
pub struct MapRunItems {
    machine: Arc<StateMachine>,
    origin: Origin,
    items: Payload,
    batch: Option<BatchLimits>,
}

/// The visit of the Map state, as its expressions see it.
pub(crate) struct Origin {
    pub(crate) state: StateId,
    pub(crate) entered: HistoryId,
    pub(crate) input: Payload,
    pub(crate) execution: Option<Value>,
    pub(crate) state_machine: Option<Value>,
    pub(crate) state_context: Option<Value>,
    pub(crate) variables: BTreeMap<Arc<str>, Payload>,
}

/// What one child is given.
#[derive(Clone, Debug, PartialEq)]
pub struct MapRunChild {
    /// Its input.
    pub input: Payload,
    /// How many items that is.
    pub items: u64,
}

impl MapRunItems {
    pub(crate) fn new(
        machine: Arc<StateMachine>,
        origin: Origin,
        items: Payload,
        batch: Option<BatchLimits>,
    ) -> Self {
        Self {
            machine,
            origin,
            items,
            batch,
        }
    }

    /// How many items there are.
    pub fn count(&self) -> u64 {
        self.items.value().as_array().map_or(0, <[_]>::len) as u64
    }

    /// How many children that makes, where it is known before their inputs are.
    pub fn children(&self) -> Option<u64> {
        match self.batch {
            None => Some(self.count()),
            Some(_) => None,
        }
    }

    /// The name of the Map state.
    pub fn state(&self) -> &State {
        self.machine.state(self.origin.state)
    }

    /// How the children are run.
    pub fn execution_type(&self) -> ExecutionType {
        match &self.map().mode {
            MapMode::Distributed(distributed) => distributed.execution_type,
            MapMode::Inline => ExecutionType::Standard,
        }
    }

    /// The machine that the Map state stands in.
    pub fn machine(&self) -> &Arc<StateMachine> {
        &self.machine
    }

    /// In which form the results go into the state's output.
    pub fn transformation(&self) -> Transformation {
        let MapMode::Distributed(distributed) = &self.map().mode else {
            return Transformation::default();
        };
        let writer = distributed.result_writer.as_ref();
        writer
            .and_then(|writer| writer.transformation)
            .unwrap_or_default()
    }

    /// The state's failure when the results are too large together.
    pub fn too_large(&self) -> Failure {
        Fault::data_limit(&self.state().name, "returned a result").into_failure()
    }

    /// What the child is given that begins with the item of this number; `None` past the last.
    ///
    /// # Errors
    ///
    /// The [`Failure`] of the state when the input cannot be computed, or is too large.
    pub fn child(
        &self,
        first: u64,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Result<Option<MapRunChild>, Failure> {
        let made = match self.batch {
            None => self.single(first, now, chance),
            Some(batch) => self.batch(first, batch, now, chance),
        };
        let state = self.state();
        made.map_err(|fault| fault.into_failed(state, self.origin.entered).failure)
    }

    fn single(
        &self,
        index: u64,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Result<Option<MapRunChild>, Fault> {
        let Some(input) = self.select(index, now, chance)? else {
            return Ok(None);
        };
        let input = data_flow::within_limit(self.state(), input)?;
        Ok(Some(MapRunChild { input, items: 1 }))
    }

    fn batch(
        &self,
        first: u64,
        limits: BatchLimits,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Result<Option<MapRunChild>, Fault> {
        let shared = self.batch_input(now, chance)?;
        let mut batch = BatchMaker::new(limits, shared.as_ref());
        while batch.has_room() {
            let Some(item) = self.select(first + batch.count(), now, chance)? else {
                break;
            };
            if !batch.take(item.value(), item.size()) {
                break;
            }
        }
        let items = batch.count();
        if items == 0 {
            return Ok(None);
        }
        let input = Payload::from_value(batch.finish());
        let input = data_flow::within_limit(self.state(), input)?;
        Ok(Some(MapRunChild { input, items }))
    }

    fn batch_input(&self, now: Timestamp, chance: &mut Chance) -> Result<Option<Payload>, Fault> {
        let MapMode::Distributed(distributed) = &self.map().mode else {
            return Ok(None);
        };
        let Some(batcher) = &distributed.item_batcher else {
            return Ok(None);
        };
        let around = Detached {
            origin: &self.origin,
            now,
            item: None,
        };
        let context = Context::default();
        let raw = Scope::new(&self.origin.input, &around, &context);
        state::batch_input(self.state(), batcher, &raw, chance)
    }

    /// What `ItemSelector` makes of an item; `None` past the last.
    fn select(
        &self,
        index: u64,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Result<Option<Payload>, Fault> {
        let Some(item) = self.item(index) else {
            return Ok(None);
        };
        let around = Detached {
            origin: &self.origin,
            now,
            item: Some((index, item)),
        };
        let context = Context::default();
        let raw = Scope::new(&self.origin.input, &around, &context);
        state::item_input(self.state(), self.map(), item, &raw, chance).map(Some)
    }

    /// An item by its number.
    fn item(&self, index: u64) -> Option<&Value> {
        self.items.value().element(usize::try_from(index).ok()?)
    }

    fn map(&self) -> &MapState {
        match &self.state().kind {
            StateKind::Map(map) => map,
            StateKind::Task(_)
            | StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Parallel(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => unreachable!("only Map states have Map Runs"),
        }
    }
}

/// Two are the same when they were made for the same visit; what they hold follows from it.
impl PartialEq for MapRunItems {
    fn eq(&self, other: &Self) -> bool {
        self.origin.state == other.origin.state
            && self.origin.entered == other.origin.entered
            && self.batch == other.batch
            && self.items == other.items
    }
}

/// Without what is in them, which may be large.
impl std::fmt::Debug for MapRunItems {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MapRunItems")
            .field("state", &self.state().name)
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// The surroundings of the Map state's visit, without the execution.
struct Detached<'a> {
    origin: &'a Origin,
    now: Timestamp,
    item: Option<(u64, &'a Value)>,
}

impl Surroundings for Detached<'_> {
    fn execution(&self) -> Option<&Value> {
        self.origin.execution.as_ref()
    }

    fn context_member(&self, member: ContextMember) -> Option<Value> {
        match member {
            ContextMember::StateMachine => self.origin.state_machine.clone(),
            ContextMember::State => self.origin.state_context.clone(),
            ContextMember::Task => None,
            ContextMember::Map => {
                let (index, item) = self.item?;
                Some(item_context(index, item, Some(STATE_DATA)))
            }
        }
    }

    fn variable(&self, name: &str) -> Option<&Payload> {
        self.origin.variables.get(name)
    }

    fn variables_size(&self) -> usize {
        0
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

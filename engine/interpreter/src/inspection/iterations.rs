//! What is to be seen of a Map before its iterations run: their inputs, how many run at a time and
//! how many may fail.

use stepwell_language::json::Value;
use stepwell_language::model::{Map, MapMode, State, StateKind};

use crate::chance::Chance;
use crate::data_flow::{Context, Scope};
use crate::fault::Fault;
use crate::payload::Payload;
use crate::state::{self, BatchLimits, BatchMaker};
use crate::timestamp::Timestamp;

use super::{Progress, StateTest, Work, surroundings::Probe};

/// How many iterations of a Map may fail; a Map that says nothing does not fail for it in a test.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// So many.
    pub count: Option<u64>,
    /// So many percent of all.
    pub percentage: Option<f64>,
}

impl Tolerance {
    /// Whether so many failures of all iterations are too many.
    pub fn is_exceeded(self, failures: u64, iterations: u64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "items are counted in 32 bits")]
        let percent = failures as f64 * 100.0 / iterations.max(1) as f64;
        self.count.is_some_and(|count| failures > count)
            || self.percentage.is_some_and(|tolerated| percent > tolerated)
    }
}

impl StateTest {
    /// Looks at what the iterations over `items` would be.
    pub(super) fn open_map(
        &mut self,
        items: &Payload,
        concurrency_max: Option<u64>,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Progress {
        match self.look_at_map(items, now, chance) {
            Ok(look) => {
                let tolerance = look.tolerance;
                self.inspection.after_items_pointer = look.pointed;
                self.inspection.after_item_selector = look.selected;
                self.inspection.after_item_batcher = look.batched;
                self.inspection.max_concurrency = Some(concurrency_max.unwrap_or(0));
                self.inspection.tolerated_failure_count = tolerance.count;
                self.inspection.tolerated_failure_percentage = tolerance.percentage;
                Progress::Works(Work::Iterations {
                    count: elements(items).len() as u64,
                    tolerance,
                })
            }
            Err(fault) => Progress::Ended(self.resolve(fault.into_unplaced(), now, chance)),
        }
    }

    fn look_at_map(
        &self,
        items: &Payload,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Result<Look, Fault> {
        let state = self.tested();
        let StateKind::Map(map) = &state.kind else {
            unreachable!("only a Map has iterations")
        };
        let inputs = self.inputs(state, map, items, now, chance)?;
        let mut look = Look {
            selected: map.item_selector.is_some().then(|| inputs.clone()),
            ..Look::default()
        };
        let MapMode::Distributed(distributed) = &map.mode else {
            return Ok(look);
        };
        let context = Context::default();
        let probe = Probe::new(self, now);
        let raw = Scope::new(&self.setup.input, &probe, &context);
        if self.setup.reader_data.is_some()
            && let Some(reader) = &distributed.item_reader
            && super::reader::has_pointer(reader)
        {
            look.pointed = Some(items.clone());
        }
        let limits = state::limits(state, distributed, &raw, chance)?;
        if let (Some(batcher), Some(limits)) = (&distributed.item_batcher, limits.batch) {
            let shared = state::batch_input(state, batcher, &raw, chance)?;
            look.batched = Some(batches(limits, shared.as_ref(), &inputs));
        }
        look.tolerance = Tolerance {
            count: limits.tolerated_failure_count,
            percentage: limits.tolerated_failure_percentage,
        };
        Ok(look)
    }

    /// What each iteration takes in: a JSON array.
    fn inputs(
        &self,
        state: &State,
        map: &Map,
        items: &Payload,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Result<Payload, Fault> {
        if map.item_selector.is_none() {
            return Ok(items.clone());
        }
        let mut inputs = Vec::new();
        let mut size = 0;
        for (item, index) in elements(items).iter().zip(0..) {
            let context = Context::default();
            let probe = Probe::of_item(self, now, (index, item));
            let raw = Scope::new(&self.setup.input, &probe, &context);
            let input = state::item_input(state, map, item, &raw, chance)?;
            // What is shown has the limit of every payload; the others are not looked at.
            size += input.size();
            if size > Payload::SIZE_MAX {
                break;
            }
            inputs.push(input.value().clone());
        }
        Ok(Payload::from_value(inputs))
    }
}

#[derive(Default)]
struct Look {
    pointed: Option<Payload>,
    selected: Option<Payload>,
    batched: Option<Payload>,
    tolerance: Tolerance,
}

fn elements(items: &Payload) -> &[Value] {
    items.value().as_array().unwrap_or_default()
}

/// The items in batches, as `ItemBatcher` says.
fn batches(limits: BatchLimits, shared: Option<&Payload>, inputs: &Payload) -> Payload {
    let mut all = Vec::new();
    let mut batch = BatchMaker::new(limits, shared);
    for item in elements(inputs) {
        let size = item.to_string().len();
        if !batch.take(item, size) {
            let full = std::mem::replace(&mut batch, BatchMaker::new(limits, shared));
            all.push(full.finish());
            batch.take(item, size);
        }
    }
    if batch.count() > 0 {
        all.push(batch.finish());
    }
    Payload::from_value(all)
}

//! What is to be seen of a Map before its iterations run: their inputs, how many run at a time and
//! how many may fail.

use serde_json::{Map as Object, Value};
use stepwell_language::expression::ReferencePath;
use stepwell_language::model::{
    Distributed, Map, MapMode, NumberField, QueryLanguage, State, StateKind, Template,
};

use crate::chance::Chance;
use crate::data_flow::{self, Context, Scope};
use crate::fault::Fault;
use crate::payload::Payload;
use crate::query::Query;
use crate::state;
use crate::timestamp::Timestamp;

use super::{Progress, StateTest, Work, surroundings::Probe};

/// Bytes of a batch, whatever the definition says.
const BATCH_BYTES_MAX: u64 = 262_144;

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
        let effective = match state.query_language {
            QueryLanguage::JsonPath => data_flow::effective(state, &raw)?,
            QueryLanguage::Jsonata => self.setup.input.clone(),
        };
        let scope = raw.over(&effective);
        if self.setup.reader_data.is_some()
            && let Some(reader) = &distributed.item_reader
            && super::reader::has_pointer(reader)
        {
            look.pointed = Some(items.clone());
        }
        if let Some(batcher) = &distributed.item_batcher {
            let batcher = fill(state, batcher, "ItemBatcher", &scope, chance)?;
            look.batched = Some(batches(&batcher, &inputs, &scope)?);
        }
        look.tolerance = tolerance(state, distributed, &scope, chance)?;
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
        Ok(Payload::from_value(Value::Array(inputs)))
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
    items.value().as_array().map_or(&[], Vec::as_slice)
}

/// A part of a Map's definition, filled in.
pub(super) fn fill(
    state: &State,
    template: &Template,
    field: &str,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Payload, Fault> {
    match state.query_language {
        QueryLanguage::JsonPath => data_flow::fill(template, scope, chance),
        QueryLanguage::Jsonata => Query::new(state, scope, chance).fill(template, field),
    }
}

/// The items in batches, as `ItemBatcher` says.
fn batches(batcher: &Payload, inputs: &Payload, scope: &Scope<'_>) -> Result<Payload, Fault> {
    let batcher = batcher.value();
    let items_max = limit(batcher, "MaxItemsPerBatch", scope)?.unwrap_or(u64::MAX);
    let bytes_max = limit(batcher, "MaxInputBytesPerBatch", scope)?.unwrap_or(BATCH_BYTES_MAX);
    let mut all = Vec::new();
    let (mut batch, mut size) = (Vec::new(), 0);
    for item in elements(inputs) {
        let length = item.to_string().len() as u64;
        if !batch.is_empty() && (batch.len() as u64 >= items_max || size + length > bytes_max) {
            all.push(batch_of(batcher, std::mem::take(&mut batch)));
            size = 0;
        }
        size += length;
        batch.push(item.clone());
    }
    if !batch.is_empty() {
        all.push(batch_of(batcher, batch));
    }
    Ok(Payload::from_value(Value::Array(all)))
}

fn batch_of(batcher: &Value, items: Vec<Value>) -> Value {
    let mut batch = Object::new();
    if let Some(input) = batcher.get("BatchInput") {
        batch.insert("BatchInput".to_owned(), input.clone());
    }
    batch.insert("Items".to_owned(), Value::Array(items));
    Value::Object(batch)
}

/// A number of a filled in part, written or found where the field's `…Path` says; 0 is no limit.
pub(super) fn limit(part: &Value, field: &str, scope: &Scope<'_>) -> Result<Option<u64>, Fault> {
    let path_field = format!("{field}Path");
    let value = match (part.get(field), part.get(&path_field)) {
        (Some(value), _) => value.clone(),
        (None, Some(Value::String(path))) => {
            let path = ReferencePath::parse(path)
                .map_err(|error| Fault::runtime(format!("Invalid path '{path}' : {error}")))?;
            data_flow::read_reference(&path, scope)?.clone()
        }
        (None, _) => return Ok(None),
    };
    let number = value.as_u64().or_else(|| whole(value.as_f64()?));
    match number {
        Some(0) => Ok(None),
        Some(number) => Ok(Some(number)),
        None => Err(Fault::runtime(format!(
            "The {field} field refers to value \"{value}\" which is not a valid integer"
        ))),
    }
}

fn whole(number: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, and within the range"
    )]
    (number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number))
        .then_some(number as u64)
}

/// How many failures a distributed Map survives.
fn tolerance(
    state: &State,
    distributed: &Distributed,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Tolerance, Fault> {
    let count = distributed.tolerated_failure_count.as_ref();
    let percentage = distributed.tolerated_failure_percentage.as_ref();
    let (count, percentage) = match state.query_language {
        QueryLanguage::JsonPath => (
            path_count(count, scope)?,
            path_percentage(percentage, scope)?,
        ),
        QueryLanguage::Jsonata => {
            let mut query = Query::new(state, scope, chance);
            (
                state::count(count, "ToleratedFailureCount", &mut query)?,
                state::number(percentage, "ToleratedFailurePercentage", &mut query)?,
            )
        }
    };
    if percentage.is_some_and(|percentage| !(0.0..=100.0).contains(&percentage)) {
        return Err(Fault::runtime(
            "ToleratedFailurePercentage must be between 0 and 100.",
        ));
    }
    Ok(Tolerance { count, percentage })
}

fn path_count(field: Option<&NumberField>, scope: &Scope<'_>) -> Result<Option<u64>, Fault> {
    let path = match field {
        None => return Ok(None),
        Some(NumberField::Literal(number)) => return Ok(whole(*number)),
        Some(NumberField::Path(path)) => path,
        Some(NumberField::Expression(_)) => unreachable!("a JSONPath state has no JSONata"),
    };
    let value = data_flow::read_reference(path, scope)?;
    let Some(count) = value.as_i64() else {
        return Err(invalid("ToleratedFailureCountPath", "integer", value, path));
    };
    u64::try_from(count)
        .map(Some)
        .map_err(|_| Fault::runtime("ToleratedFailureCount cannot be negative."))
}

fn path_percentage(field: Option<&NumberField>, scope: &Scope<'_>) -> Result<Option<f64>, Fault> {
    let path = match field {
        None => return Ok(None),
        Some(NumberField::Literal(number)) => return Ok(Some(*number)),
        Some(NumberField::Path(path)) => path,
        Some(NumberField::Expression(_)) => unreachable!("a JSONPath state has no JSONata"),
    };
    let value = data_flow::read_reference(path, scope)?;
    let percentage = value.as_f64();
    percentage
        .map(Some)
        .ok_or_else(|| invalid("ToleratedFailurePercentagePath", "float", value, path))
}

fn invalid(field: &str, kind: &str, value: &Value, path: &ReferencePath) -> Fault {
    let value = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Fault::runtime(format!(
        "The {field} field refers to value \"{value}\" which is not a valid {kind}: {}",
        path.text()
    ))
}

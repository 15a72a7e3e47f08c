//! A distributed Map: what its Map Run is started with, once its items are known.

use stepwell_language::expression::ReferencePath;
use stepwell_language::json::{Members, Value};
use stepwell_language::model::{Distributed, ItemBatcher, NumberField, QueryLanguage, State};

use crate::chance::Chance;
use crate::data_flow::{self, Scope};
use crate::fault::Fault;
use crate::payload::Payload;
use crate::query::Query;

use super::jsonata;
use super::map::not_a_number;

/// What a Map Run may do and survives, and how its items are put together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MapRunLimits {
    pub(crate) tolerated_failure_percentage: Option<f64>,
    pub(crate) tolerated_failure_count: Option<u64>,
    pub(crate) batch: Option<BatchLimits>,
}

/// How much fits into a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BatchLimits {
    pub(crate) items_max: u64,
    pub(crate) bytes_max: u64,
}

/// Puts items together to the input of one child.
pub(crate) struct BatchMaker {
    limits: BatchLimits,
    shared: Option<Value>,
    items: Vec<Value>,
    size: usize,
}

impl BatchMaker {
    /// An empty batch; `shared` is what each has besides its items.
    pub(crate) fn new(limits: BatchLimits, shared: Option<&Payload>) -> Self {
        let of_shared = shared.map_or(0, |shared| r#""BatchInput":,"#.len() + shared.size());
        Self {
            limits,
            shared: shared.map(|shared| shared.value().clone()),
            items: Vec::new(),
            size: r#"{"Items":[]}"#.len() + of_shared,
        }
    }

    /// How many items it has.
    pub(crate) fn count(&self) -> u64 {
        self.items.len() as u64
    }

    /// Whether it may have another item, if that is small enough.
    pub(crate) fn has_room(&self) -> bool {
        self.count() < self.limits.items_max
    }

    /// Takes an item of so many bytes, if it fits. One that is too large for any batch has one for
    /// itself.
    pub(crate) fn take(&mut self, item: &Value, size: usize) -> bool {
        let bytes_max = usize::try_from(self.limits.bytes_max).unwrap_or(usize::MAX);
        let size = self.size + usize::from(!self.items.is_empty()) + size;
        let fits = size <= bytes_max.min(Payload::SIZE_MAX);
        if !self.has_room() || !(fits || self.items.is_empty()) {
            return false;
        }
        self.size = size;
        self.items.push(item.clone());
        true
    }

    /// The child's input.
    pub(crate) fn finish(self) -> Value {
        let mut input = Members::new();
        if let Some(shared) = self.shared {
            input.insert("BatchInput", shared);
        }
        input.insert("Items", self.items);
        input.into()
    }
}

/// Reads the limits; `raw` is a scope over the state's raw input.
pub(crate) fn limits(
    state: &State,
    distributed: &Distributed,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<MapRunLimits, Fault> {
    let effective = data_flow::select(&state.data_flow.input_path, raw)?;
    let mut reader = Reader {
        scope: raw.over(&effective),
        query: (state.query_language == QueryLanguage::Jsonata)
            .then(|| Query::new(state, raw, chance)),
    };
    let count = reader.integer(
        distributed.tolerated_failure_count.as_ref(),
        "ToleratedFailureCount",
    )?;
    let percentage = reader.percentage(distributed.tolerated_failure_percentage.as_ref())?;
    let mut limits = MapRunLimits {
        tolerated_failure_percentage: percentage,
        tolerated_failure_count: count,
        ..MapRunLimits::default()
    };
    if let Some(batcher) = &distributed.item_batcher {
        let ItemBatcher {
            items_max,
            bytes_max,
            ..
        } = batcher;
        let items = reader.integer(items_max.as_ref(), "MaxItemsPerBatch")?;
        let bytes = reader.integer(bytes_max.as_ref(), "MaxInputBytesPerBatch")?;
        if bytes.is_some_and(|bytes| bytes > Payload::SIZE_MAX as u64) {
            return Err(Fault::runtime(format!(
                "MaxInputBytesPerBatch must be between 0 and {}.",
                Payload::SIZE_MAX
            )));
        }
        // A batch has a limit in any case: zero stands for the widest.
        let or_none = |limit: Option<u64>| limit.filter(|limit| *limit > 0);
        limits.batch = Some(BatchLimits {
            items_max: or_none(items).unwrap_or(u64::MAX),
            bytes_max: or_none(bytes).unwrap_or(Payload::SIZE_MAX as u64),
        });
    }
    Ok(limits)
}

/// `BatchInput`; `raw` is a scope over the state's raw input.
pub(crate) fn batch_input(
    state: &State,
    batcher: &ItemBatcher,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Option<Payload>, Fault> {
    let Some(template) = &batcher.batch_input else {
        return Ok(None);
    };
    if state.query_language == QueryLanguage::Jsonata {
        let filled = Query::new(state, raw, chance).fill(template, "ItemBatcher/BatchInput")?;
        return Ok(Some(filled));
    }
    let effective = data_flow::select(&state.data_flow.input_path, raw)?;
    data_flow::fill(template, &raw.over(&effective), chance).map(Some)
}

/// Reads numbers in the state's own language.
struct Reader<'a, 'b> {
    scope: Scope<'a>,
    query: Option<Query<'b>>,
}

impl Reader<'_, '_> {
    /// A whole number that is not negative.
    fn integer(&mut self, field: Option<&NumberField>, name: &str) -> Result<Option<u64>, Fault> {
        if let Some(query) = &mut self.query {
            return jsonata::count(field, name, query);
        }
        match field {
            None => Ok(None),
            Some(NumberField::Literal(number)) => Ok(jsonata::whole(*number)),
            Some(NumberField::Path(path)) => {
                let value = data_flow::read_reference(path, &self.scope)?;
                let Some(number) = value.as_i64() else {
                    return Err(not_a_number(&format!("{name}Path"), value, "integer", path));
                };
                u64::try_from(number)
                    .map(Some)
                    .map_err(|_| Fault::runtime(format!("{name} cannot be negative.")))
            }
            Some(NumberField::Expression(_)) => unreachable!("a JSONPath state has no JSONata"),
        }
    }

    /// `ToleratedFailurePercentage`.
    fn percentage(&mut self, field: Option<&NumberField>) -> Result<Option<f64>, Fault> {
        const NAME: &str = "ToleratedFailurePercentage";
        let out_of_range = || format!("{NAME} must be between 0 and 100.");
        let is_in_range = |number: f64| (0.0..=100.0).contains(&number);
        if let Some(query) = &mut self.query {
            let number = jsonata::number(field, NAME, query)?;
            return match number {
                Some(number) if !is_in_range(number) => {
                    Err(Fault::evaluation(Some(NAME), out_of_range()))
                }
                Some(_) | None => Ok(number),
            };
        }
        let number = match field {
            None => return Ok(None),
            Some(NumberField::Literal(number)) => *number,
            Some(NumberField::Path(path)) => self.float(path, NAME)?,
            Some(NumberField::Expression(_)) => unreachable!("a JSONPath state has no JSONata"),
        };
        if is_in_range(number) {
            Ok(Some(number))
        } else {
            Err(Fault::runtime(out_of_range()))
        }
    }

    fn float(&self, path: &ReferencePath, name: &str) -> Result<f64, Fault> {
        let value = data_flow::read_reference(path, &self.scope)?;
        value
            .as_f64()
            .ok_or_else(|| not_a_number(&format!("{name}Path"), value, "float", path))
    }
}

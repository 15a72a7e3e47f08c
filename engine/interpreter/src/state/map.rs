//! Map: runs its processor for each item.

use stepwell_language::expression::{ReferencePath, Root};
use stepwell_language::json::{Members, Value};
use stepwell_language::model::{Map, NumberField, PathField, QueryLanguage, State};

use crate::chance::Chance;
use crate::data_flow::{self, Scope, Stage};
use crate::evaluate::json_path;
use crate::fault::Fault;
use crate::payload::Payload;
use crate::query::Query;

use super::{Decision, jsonata};

/// Iterations of an inline Map that run at a time, whatever the definition says.
pub(crate) const INLINE_CONCURRENCY_MAX: u64 = 40;

pub(super) fn decide(state: &State, map: &Map, raw: &Scope<'_>) -> Result<Decision, Fault> {
    let effective = data_flow::effective(state, raw)?;
    let scope = raw.over(&effective);
    let items = data_flow::select(&map.items_path, &scope)
        .map_err(|fault| no_items(&map.items_path, &scope).unwrap_or(fault))?;
    let Some(length) = items.value().as_array().map(|items| items.len() as u64) else {
        let path = match &map.items_path {
            // AWS names a path into the context object as one into an input.
            PathField::Path(path) => match path.root() {
                Root::Context => &path.text()[1..],
                Root::Input | Root::Variable(_) => path.text(),
            },
            PathField::Whole | PathField::Nothing => "$",
        };
        return Err(Fault::runtime(format!(
            "Reference path \"{path}\" must point to array."
        )));
    };
    raw.see(Stage::ItemsPath, &items);
    let concurrency_max = limit(map, &scope)?;
    Ok(Decision::OpenMap {
        items,
        length,
        concurrency_max,
    })
}

/// The failure of an `ItemsPath` that leads nowhere in its document.
fn no_items(path: &PathField, scope: &Scope<'_>) -> Option<Fault> {
    match path {
        PathField::Path(path) => {
            let (step, document) = json_path::conflict(path, scope)?;
            Some(Fault::reference_path(&step, document))
        }
        PathField::Whole | PathField::Nothing => None,
    }
}

/// The same in either language, for a Map whose items come from elsewhere than its input.
pub(crate) fn concurrency(
    state: &State,
    map: &Map,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Option<u64>, Fault> {
    if state.query_language == QueryLanguage::Jsonata {
        return jsonata::concurrency(map, &mut Query::new(state, raw, chance));
    }
    let effective = data_flow::effective(state, raw)?;
    limit(map, &raw.over(&effective))
}

/// `MaxConcurrency`; `None` where the definition sets no limit, or a limit of zero.
fn limit(map: &Map, scope: &Scope<'_>) -> Result<Option<u64>, Fault> {
    let limit = match &map.max_concurrency {
        None => 0,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "parsing accepts non-negative integers only"
        )]
        Some(NumberField::Literal(limit)) => *limit as u64,
        Some(NumberField::Path(path)) => {
            let value = data_flow::read_reference(path, scope)?;
            let Some(limit) = value.as_i64() else {
                return Err(not_a_number("MaxConcurrencyPath", value, "integer", path));
            };
            u64::try_from(limit)
                .map_err(|_| Fault::runtime("MaxConcurrency cannot be negative."))?
        }
        Some(NumberField::Expression(_)) => {
            unreachable!("a JSONPath state has no JSONata")
        }
    };
    Ok((limit > 0).then_some(limit))
}

/// A path of a number leads to something else.
pub(super) fn not_a_number(
    field: &str,
    value: &Value,
    expected: &str,
    path: &ReferencePath,
) -> Fault {
    let shown = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Fault::runtime(format!(
        "The {field} field refers to value \"{shown}\" which is not a valid {expected}: {}",
        path.text(),
    ))
}

/// What the iteration over `item` takes in; `raw` is a scope over the Map's raw input whose
/// context holds the item.
pub(crate) fn item_input(
    state: &State,
    map: &Map,
    item: &Value,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Payload, Fault> {
    if state.query_language == QueryLanguage::Jsonata {
        return jsonata::item_input(state, map, item, raw, chance);
    }
    let Some(selector) = &map.item_selector else {
        return Ok(Payload::from_value(item.clone()));
    };
    let effective = data_flow::select(&state.data_flow.input_path, raw)?;
    let input = data_flow::fill(selector, &raw.over(&effective), chance)?;
    data_flow::within_limit(state, input)
}

/// `Map` in the context object of an iteration; a distributed Map also says where the item is
/// from.
pub(crate) fn item_context(index: u64, item: &Value, source: Option<&str>) -> Value {
    let mut details = Members::from([("Index", index.into()), ("Value", item.clone())]);
    if let Some(source) = source {
        details.insert("Source", source);
    }
    Members::from([("Item", details)]).into()
}

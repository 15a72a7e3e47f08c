//! What an `ItemReader` makes of the data that a test gives it in place of an object store.
//!
//! Source: developer guide, "`ItemReader` (Map)".

use std::collections::BTreeSet;

use stepwell_language::expression::ReferencePath;
use stepwell_language::json::{self, Members, Value};
use stepwell_language::model::{QueryLanguage, State, Template};

use crate::chance::Chance;
use crate::data_flow::{self, Scope};
use crate::failure::{Failure, name};
use crate::fault::Fault;
use crate::payload::Payload;
use crate::query::Query;

/// The items that `reader` reads from `data`: a JSON array.
pub(super) fn read(
    state: &State,
    reader: &Template,
    data: &str,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Payload, Fault> {
    let reader = fill(state, reader, "ItemReader", scope, chance)?;
    let config = reader.value().get("ReaderConfig").unwrap_or(&Value::Null);
    let text = |field: &str| config.get(field).and_then(Value::as_str);
    let mut items = match text("InputType") {
        Some("CSV") => csv(data, config)?,
        Some("JSONL") => lines(data)?,
        Some(kind @ ("PARQUET" | "MANIFEST")) => {
            return Err(failed(format!(
                "Data of the type {kind} cannot be given in a test."
            )));
        }
        Some(_) | None => json_items(data, text("ItemsPointer"))?,
    };
    if let Some(maximum) = limit(config, "MaxItems", scope)? {
        items.truncate(usize::try_from(maximum).unwrap_or(usize::MAX));
    }
    Ok(Payload::from_value(items))
}

/// A part of a Map's definition, filled in.
fn fill(
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

/// A number of a filled in part, written or found where the field's `…Path` says; 0 is no limit.
fn limit(part: &Value, field: &str, scope: &Scope<'_>) -> Result<Option<u64>, Fault> {
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

/// Whether the reader takes the items from a place inside of what it reads.
pub(super) fn has_pointer(reader: &Template) -> bool {
    match reader {
        Template::Literal(value) => value.pointer("/ReaderConfig/ItemsPointer").is_some(),
        Template::Object(entries) => entries.iter().any(|(name, entry)| match entry {
            Template::Literal(value) => {
                &**name == "ReaderConfig" && value.get("ItemsPointer").is_some()
            }
            Template::Object(entries) => {
                &**name == "ReaderConfig"
                    && entries.iter().any(|(name, _)| &**name == "ItemsPointer")
            }
            Template::Expression(_) | Template::Array(_) => false,
        }),
        Template::Expression(_) | Template::Array(_) => false,
    }
}

fn failed(cause: impl Into<String>) -> Fault {
    Fault::plain(Failure::new(name::ITEM_READER_FAILED, cause.into()))
}

fn parse(text: &str) -> Result<Value, Fault> {
    json::read_value(text).map_err(|error| failed(error.to_string()))
}

/// The elements of an array, or the members of an object.
fn json_items(data: &str, pointer: Option<&str>) -> Result<Vec<Value>, Fault> {
    let mut document = parse(data)?;
    if let Some(pointer) = pointer {
        document = document
            .pointer(pointer)
            .cloned()
            .ok_or_else(|| {
                failed("The provided ReaderConfig.ItemsPointer does not match any valid path in the JSON structure.")
            })?;
    }
    match document {
        Value::Array(items) => Ok(items.to_vec()),
        Value::Object(members) => Ok(members
            .iter()
            .map(|(key, value)| {
                Members::from([("Key", Value::from(key)), ("Value", value.clone())]).into()
            })
            .collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(failed("Attempting to map over non-iterable node."))
        }
    }
}

fn lines(data: &str) -> Result<Vec<Value>, Fault> {
    data.lines()
        .filter(|line| !line.trim().is_empty())
        .map(parse)
        .collect()
}

/// Rows as objects of texts. Short rows are filled up, what is too much is dropped.
fn csv(data: &str, config: &Value) -> Result<Vec<Value>, Fault> {
    let delimiter = match config.get("CSVDelimiter").and_then(Value::as_str) {
        Some("PIPE") => '|',
        Some("SEMICOLON") => ';',
        Some("SPACE") => ' ',
        Some("TAB") => '\t',
        Some(_) | None => ',',
    };
    let mut rows = rows(data, delimiter).into_iter();
    let is_given = config.get("CSVHeaderLocation").and_then(Value::as_str) == Some("GIVEN");
    let headers: Vec<String> = if is_given {
        let headers = config.get("CSVHeaders").and_then(Value::as_array);
        let text = |header: &Value| header.as_str().unwrap_or_default().to_owned();
        headers.into_iter().flatten().map(text).collect()
    } else {
        rows.next().unwrap_or_default()
    };
    let different: BTreeSet<&String> = headers.iter().collect();
    if different.len() < headers.len() {
        return Err(failed("CSV headers cannot contain duplicates."));
    }
    let item = |row: Vec<String>| {
        let cells = row.into_iter().chain(std::iter::repeat(String::new()));
        let members: Members = headers
            .iter()
            .zip(cells)
            .map(|(header, cell)| (header.as_str(), cell))
            .collect();
        members.into()
    };
    Ok(rows.map(item).collect())
}

/// The cells of each row. Inside quotes a cell may hold anything; a quote in it is doubled or has a
/// backslash before it. Empty lines are no rows.
fn rows(data: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut cell) = (Vec::new(), String::new());
    let (mut is_quoted, mut was_quoted) = (false, false);
    let mut characters = data.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\\' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if cell.is_empty() => (is_quoted, was_quoted) = (true, true),
            other if is_quoted => cell.push(other),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' => {
                row.push(std::mem::take(&mut cell));
                let is_empty = row.len() == 1 && row[0].is_empty() && !was_quoted;
                if is_empty {
                    row.clear();
                } else {
                    rows.push(std::mem::take(&mut row));
                }
                was_quoted = false;
            }
            other if other == delimiter => row.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !row.is_empty() || was_quoted {
        row.push(cell);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_csv(data: &str, config: &Value, expected: &Value) {
        let items = csv(data, config).unwrap_or_else(|_| panic!("{data:?} is refused"));
        assert_eq!(&Value::from(items), expected, "{data:?}");
    }

    #[test]
    fn rows_become_objects_of_texts() {
        let first_row = tree!({});
        check_csv("a,b\n1,2\n", &first_row, &tree!([{"a": "1", "b": "2"}]));
        check_csv(
            "a,b\r\n1\r\n\r\n2,3,4",
            &first_row,
            &tree!([{"a": "1", "b": ""}, {"a": "2", "b": "3"}]),
        );
        check_csv(
            "a\n\"x, \"\"y\"\"\n\\\"z\"\n",
            &first_row,
            &tree!([{"a": "x, \"y\"\n\"z"}]),
        );
        check_csv("", &first_row, &tree!([]));
        let given =
            tree!({"CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a"], "CSVDelimiter": "PIPE"});
        check_csv("1|2\n3", &given, &tree!([{"a": "1"}, {"a": "3"}]));
        assert!(csv("a,a\n1,2", &first_row).is_err());
    }

    #[test]
    fn items_are_found_in_documents() {
        let items = |data, pointer| json_items(data, pointer).ok().map(Value::from);
        assert_eq!(items("[1, 2]", None), Some(tree!([1, 2])));
        assert_eq!(
            items(r#"{"a": {"b": [3]}}"#, Some("/a/b")),
            Some(tree!([3]))
        );
        assert_eq!(
            items(r#"{"a": 1}"#, None),
            Some(tree!([{"Key": "a", "Value": 1}]))
        );
        assert_eq!(items("1", None), None);
        assert_eq!(items("[", None), None);
        assert_eq!(items("{}", Some("/a")), None);
        assert_eq!(lines("1\n\n{}\n").ok(), Some(vec![tree!(1), tree!({})]));
    }
}

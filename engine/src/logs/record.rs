//! One event as `CloudWatch` Logs shows it: a line of JSON, with numbers as text.

use serde_json::{Map, Value, json};
use stepwell_interpreter::history::HistoryEntry;

/// Bytes of a payload that a record holds. Source: Step Functions, "Logging using `CloudWatch` Logs".
const PAYLOAD_BYTES_MAX: usize = 248 * 1024;

/// The line for an entry of the history of an execution that was redriven so often, with its end.
pub(super) fn line(entry: HistoryEntry, execution: &str, redrive_count: u64) -> String {
    let mut details = entry.details.map_or_else(Map::new, |(_, details)| details);
    cut(&mut details);
    let mut line = json!({
        "id": entry.id.to_string(),
        "type": entry.event_type,
        "details": details,
        "previous_event_id": entry.previous_event_id.to_string(),
        "event_timestamp": entry.timestamp_milliseconds.to_string(),
        "execution_arn": execution,
        "redrive_count": redrive_count.to_string(),
    })
    .to_string();
    line.push('\n');
    line
}

/// Cuts payloads that are too long; their details say so.
fn cut(details: &mut Map<String, Value>) {
    let long: Vec<String> = details
        .iter()
        .filter(|(_, value)| {
            value
                .as_str()
                .is_some_and(|text| text.len() > PAYLOAD_BYTES_MAX)
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in long {
        if let Some(Value::String(text)) = details.get_mut(&name) {
            text.truncate(text.floor_char_boundary(PAYLOAD_BYTES_MAX));
        }
        if let Some(about) = details.get_mut(&format!("{name}Details")) {
            about["truncated"] = json!(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, kept: usize, truncated: bool) {
        let mut details = Map::new();
        details.insert("input".to_owned(), json!(input));
        details.insert("inputDetails".to_owned(), json!({"truncated": false}));
        let entry = HistoryEntry {
            id: 2,
            previous_event_id: 0,
            timestamp_milliseconds: 1_718_026_592_000,
            event_type: "PassStateEntered".to_owned(),
            details: Some(("stateEnteredEventDetails", details)),
        };
        let line = line(entry, "arn", 3);
        assert!(line.ends_with("}\n") && !line.trim_end().contains('\n'));
        let expected = json!({
            "id": "2", "type": "PassStateEntered",
            "details": {"input": input[..kept], "inputDetails": {"truncated": truncated}},
            "previous_event_id": "0", "event_timestamp": "1718026592000",
            "execution_arn": "arn", "redrive_count": "3",
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    }

    #[test]
    fn long_payloads_are_cut_at_a_letter() {
        check("{}\n", 3, false);
        check(&"x".repeat(PAYLOAD_BYTES_MAX), PAYLOAD_BYTES_MAX, false);
        check(&"x".repeat(PAYLOAD_BYTES_MAX + 1), PAYLOAD_BYTES_MAX, true);
        let wide = format!("x{}", "ü".repeat(PAYLOAD_BYTES_MAX / 2));
        check(&wide, PAYLOAD_BYTES_MAX - 1, true);
    }
}

//! How often and when an execution was redriven, as its record says it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stepwell_interpreter::Timestamp;

/// How an execution was redriven. It lies in the details of its record, where a listing finds it,
/// and can be told from its journal.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Redrive {
    /// How often, from 1.
    pub count: u64,
    /// The last time.
    pub at: Timestamp,
    /// Milliseconds that the execution was open before that.
    #[serde(rename = "openBefore")]
    pub open_before_milliseconds: u64,
}

impl Redrive {
    /// The member of the details. Only executions that were redriven have it.
    pub(crate) const MEMBER: &str = "redrive";

    /// Reads it from the details of an execution; `None` if it never was redriven.
    pub fn read(details: Option<&str>) -> Option<Self> {
        let details: Map<String, Value> = serde_json::from_str(details?).ok()?;
        serde_json::from_value(details.get(Self::MEMBER)?.clone()).ok()
    }

    /// The details with this in them; whatever else they say stays.
    pub fn write(&self, details: Option<&str>) -> String {
        let read = details.and_then(|details| serde_json::from_str(details).ok());
        let mut details: Map<String, Value> = read.unwrap_or_default();
        let redrive = serde_json::to_value(self).expect("numbers can be written");
        details.insert(Self::MEMBER.to_owned(), redrive);
        Value::Object(details).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::version::Origin;

    #[test]
    fn details_keep_what_else_they_say() {
        let redrive = |count| Redrive {
            count,
            at: Timestamp::from_milliseconds(5),
            open_before_milliseconds: 7,
        };
        assert_eq!(Redrive::read(None), None);
        assert_eq!(Redrive::read(Some("no JSON")), None);
        assert_eq!(Redrive::read(Some("{\"version\":1}")), None);
        let origin = Origin {
            version: Some(3),
            alias: Some("live".to_owned()),
        };
        let once = redrive(1).write(origin.write().as_deref());
        let twice = redrive(2).write(Some(&once));
        assert_eq!(Redrive::read(Some(&twice)), Some(redrive(2)));
        assert_eq!(Origin::read(Some(&twice)), origin);
        assert_eq!(
            Redrive::read(Some(&redrive(1).write(None))),
            Some(redrive(1))
        );
    }
}

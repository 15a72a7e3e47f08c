//! The history of an execution, page by page.

use stepwell_interpreter::history::{HistoryEntry, HistoryView};
use stepwell_interpreter::journal;

use crate::engine::Engine;
use crate::error::OperationError;
use crate::store::{HistoryRange, Order};

use super::paging;

/// A request for [`Engine::get_execution_history`].
#[derive(Clone, Debug)]
pub struct GetExecutionHistory {
    /// Which.
    pub execution_arn: String,
    /// At most so many, 0 to 1,000; 0 means 100.
    pub max_results: Option<i64>,
    /// The latest first.
    pub reverse_order: bool,
    /// Where the page before ended.
    pub next_token: Option<String>,
    /// Whether inputs and outputs are shown.
    pub include_execution_data: bool,
}

/// A page of a history.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The page.
    pub events: Vec<HistoryEntry>,
    /// Where the next page begins; `None` for the last.
    pub next_token: Option<String>,
}

/// Bytes of journal that are read at once for a page.
const READ_BYTES: usize = 1 << 20;

impl Engine {
    /// `GetExecutionHistory`.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such execution, a page token or size that is none.
    pub async fn get_execution_history(
        &self,
        request: GetExecutionHistory,
    ) -> Result<HistoryPage, OperationError> {
        let arn = &request.execution_arn;
        let record = self.find_execution(arn).await?;
        let size = paging::size(request.max_results)?;
        let arguments = ("GetExecutionHistory", record.key.0, request.reverse_order);
        let (mut from, mut to): (u64, u64) = match &request.next_token {
            Some(token) => paging::place(arguments, token)?,
            None => (1, i64::MAX.unsigned_abs()),
        };
        let unreadable = |reason: String| OperationError::Journal {
            execution: arn.clone(),
            reason,
        };
        let program = self
            .executor
            .program(record.revision)
            .await
            .map_err(|error| unreadable(error.to_string()))?;
        let view = HistoryView {
            machine: &program.machine,
            region: &self.region,
            include_execution_data: request.include_execution_data,
        };
        let order = if request.reverse_order {
            Order::Descending
        } else {
            Order::Ascending
        };
        let mut events: Vec<HistoryEntry> = Vec::new();
        // One more than asked for tells whether there is another page.
        while events.len() <= size && from <= to {
            let range = HistoryRange {
                from,
                to,
                order,
                bytes_max: READ_BYTES,
            };
            let chunks = self.executor.store().history(record.key, range).await?;
            if chunks.is_empty() {
                break;
            }
            for chunk in chunks {
                let read =
                    journal::decode(&chunk.bytes).map_err(|error| unreadable(error.to_string()))?;
                let shown = read.iter().filter_map(|event| view.entry(event));
                let mut shown: Vec<HistoryEntry> = shown
                    .filter(|entry| (from..=to).contains(&entry.id))
                    .collect();
                match order {
                    Order::Ascending => from = chunk.last_history + 1,
                    Order::Descending => {
                        shown.reverse();
                        to = chunk.first_history.saturating_sub(1);
                    }
                }
                events.append(&mut shown);
            }
        }
        let rest = events.get(size).map(|next| match order {
            Order::Ascending => (next.id, i64::MAX.unsigned_abs()),
            Order::Descending => (1, next.id),
        });
        events.truncate(size);
        let next_token = rest.map(|rest| paging::token(arguments, &rest));
        Ok(HistoryPage { events, next_token })
    }
}

//! `DescribeMapRun`.

use serde_json::Value;
use stepwell::Engine;
use stepwell::operations::MapRunCounts;
use stepwell::operations::model::{Member, required};

use super::ApiError;
use super::extract::Arguments;
use super::render::{self, Members, time};
use super::shapes::LONG_ARN;

/// What a request may hold.
pub(super) const REQUEST: &[Member] = &[required("mapRunArn", LONG_ARN)];

pub(super) async fn act(engine: Engine, request: Arguments) -> Result<Value, ApiError> {
    let arn = request.required_text("mapRunArn");
    let found = engine.describe_map_run(&arn).await?;
    let limits = found.limits;
    Ok(Members::default()
        .with("mapRunArn", found.map_run_arn)
        .with("executionArn", found.execution_arn)
        .with("status", render::map_run_status(found.status))
        .with("startDate", time(found.start_date))
        .maybe("stopDate", found.stop_date.map(time))
        .with("maxConcurrency", limits.concurrency_max)
        .with(
            "toleratedFailurePercentage",
            limits.tolerated_failure_percentage,
        )
        .with("toleratedFailureCount", limits.tolerated_failure_count)
        .with("itemCounts", counts(&found.items))
        .with("executionCounts", counts(&found.executions))
        .with("redriveCount", found.redrive_count)
        .maybe("redriveDate", found.redrive_date.map(time))
        .done())
}

fn counts(counts: &MapRunCounts) -> Value {
    let begun = &counts.begun;
    let some = |number: u64| Some(number).filter(|number| *number > 0);
    Members::default()
        .with("pending", counts.pending)
        .with("running", begun.running)
        .with("succeeded", begun.succeeded)
        .with("failed", begun.failed)
        .with("timedOut", begun.timed_out)
        .with("aborted", begun.aborted)
        .with("total", counts.total)
        // So it was recorded, with and without a writer.
        .with("resultsWritten", begun.succeeded)
        .maybe(
            "failuresNotRedrivable",
            some(counts.failures_not_redrivable),
        )
        .maybe("pendingRedrive", some(begun.pending_redrive))
        .done()
}

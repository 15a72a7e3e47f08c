//! Express executions: started with or without waiting for them. Nothing else can be done with one.

use std::sync::Arc;
use std::time::Duration;

use stepwell_interpreter::execution::Mode;
use stepwell_interpreter::{Chance, Payload, Timestamp};

use crate::engine::{Engine, ExecutionHandle};
use crate::error::OperationError;
use crate::executor::express::{ExpressExecution, ExpressStart, Room};
use crate::executor::standing;
use crate::store::{ExecutionStatus, StateMachineKind};

use super::executions::{StartExecution, Target, read_input};
use super::names;

/// How an Express execution ended, for the caller who waited.
#[derive(Clone, Debug)]
pub struct SyncExecution {
    /// Its ARN, by which nobody finds it any more.
    pub execution_arn: String,
    /// Its machine's ARN.
    pub state_machine_arn: String,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub status: ExecutionStatus,
    /// When it started.
    pub start_date: Timestamp,
    /// When it ended.
    pub stop_date: Timestamp,
    /// Its input.
    pub input: Payload,
    /// What it gave.
    pub output: Option<Payload>,
    /// The error it ended with.
    pub error: Option<String>,
    /// Why.
    pub cause: Option<String>,
    /// `traceHeader` of the start.
    pub trace_header: Option<String>,
    /// The time that AWS would bill: the duration in steps of 100 ms.
    pub billed_duration: Duration,
    /// The memory that AWS would bill.
    pub billed_memory_megabytes: u64,
}

/// Step of the duration that is billed. Source: Step Functions pricing.
const BILLED_STEP: Duration = Duration::from_millis(100);

/// Step of the memory that is billed. An execution counts 50 MB and its data, which is smaller than
/// the rest of the step.
const BILLED_MEGABYTES: u64 = 64;

impl Engine {
    /// `StartSyncExecution`: starts an Express execution and waits for its end. It goes on to that
    /// if nobody waits any more, and is never run twice.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such machine, a Standard one, invalid name or input, too many
    /// executions at once. An execution that fails is no error.
    pub async fn start_sync_execution(
        &self,
        request: StartExecution,
    ) -> Result<SyncExecution, OperationError> {
        let input = read_input(request.input.as_deref())?;
        if let Some(name) = &request.name {
            names::check(name)?;
        }
        let mut chance = self.executor.chance();
        let target = self.target(&request.state_machine_arn, &mut chance).await?;
        if target.record.kind != StateMachineKind::Express {
            return Err(OperationError::type_not_supported());
        }
        let room = self.executor.express_room();
        let room = room.ok_or(OperationError::Throttled)?;
        let trace_header = request.trace_header.clone();
        let begun = self.begin(
            request,
            &target,
            input.clone(),
            chance,
            Mode::ExpressSync,
            room,
        );
        let status = begun.execution.outcome().await;
        let status = status.ok_or_else(|| OperationError::given_up(&begun.arn))?;
        let start_date = begun.execution.started_at;
        let (shown, stop_date) = standing(&status);
        let stop_date = stop_date.unwrap_or(start_date);
        let failure = status.failure();
        Ok(SyncExecution {
            execution_arn: begun.arn,
            state_machine_arn: self.arns.state_machine(&target.record.name),
            name: begun.name,
            status: shown,
            start_date,
            stop_date,
            input,
            output: status.output().cloned(),
            error: failure.and_then(|failure| failure.error.as_deref().map(str::to_owned)),
            cause: failure.and_then(|failure| failure.cause.as_deref().map(str::to_owned)),
            trace_header,
            billed_duration: billed(stop_date.since(start_date)),
            billed_memory_megabytes: BILLED_MEGABYTES,
        })
    }

    /// `StartExecution` of an Express machine.
    pub(super) fn start_express_execution(
        &self,
        request: StartExecution,
        target: &Target,
        input: Payload,
        chance: Chance,
    ) -> Result<ExecutionHandle, OperationError> {
        let room = self.executor.express_room();
        let room = room.ok_or(OperationError::ExecutionLimitExceeded)?;
        let begun = self.begin(request, target, input, chance, Mode::Express, room);
        Ok(self.express_handle(begun.execution, begun.arn))
    }

    pub(crate) fn begin(
        &self,
        request: StartExecution,
        target: &Target,
        input: Payload,
        mut chance: Chance,
        mode: Mode,
        room: Room,
    ) -> Begun {
        let name = request.name.unwrap_or_else(|| chance.uuid());
        let arn = self
            .arns
            .express(&target.record.name, &name, &chance.uuid());
        let started = self.beginning(target, &arn, &name, request.trace_header, input);
        let start = ExpressStart {
            machine: Arc::clone(&target.program.machine),
            started,
            mode,
            chance,
        };
        let execution = self.executor.start_express(room, start);
        Begun {
            arn,
            name,
            execution,
        }
    }
}

/// An Express execution that was started.
pub(crate) struct Begun {
    arn: String,
    name: String,
    pub(crate) execution: ExpressExecution,
}

/// The part of a duration that is billed: whole steps, and at least one.
fn billed(duration: Duration) -> Duration {
    let steps = duration
        .as_millis()
        .div_ceil(BILLED_STEP.as_millis())
        .max(1);
    BILLED_STEP * u32::try_from(steps).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_begun_is_billed() {
        for (took, expected) in [
            (0, 100),
            (1, 100),
            (100, 100),
            (101, 200),
            (300_000, 300_000),
        ] {
            let billed = billed(Duration::from_millis(took));
            assert_eq!(billed, Duration::from_millis(expected), "{took} ms");
        }
    }
}

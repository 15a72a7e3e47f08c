//! How `asl run` comes to its execution: an open one goes on, or a new one starts.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use stepwell::interpreter::Timestamp;
use stepwell::operations::{ExecutionSummary, ListExecutions, StartExecution};
use stepwell::store::ExecutionStatus;
use stepwell::{Engine, ExecutionHandle, OperationError};

use crate::cli::Problem;

/// What is to be run.
pub(super) struct Request {
    pub(super) machine_arn: String,
    pub(super) test_case: Option<String>,
    /// The name of the first execution; later ones have the time behind it.
    pub(super) execution_name: String,
    /// `None` where the command line has none.
    pub(super) input: Option<String>,
    /// Whether there may be an open execution from an earlier run.
    pub(super) is_durable: bool,
}

/// What is being run.
pub(super) struct Started {
    pub(super) execution: ExecutionHandle,
    pub(super) name: String,
    /// When an earlier run started it.
    pub(super) resumed_from: Option<Timestamp>,
}

impl Request {
    /// Goes on with the open execution of this name, or starts one.
    pub(super) async fn start_or_resume(&self, engine: &Engine) -> Result<Started, Problem> {
        if self.is_durable
            && let Some(open) = self.find_open(engine).await?
        {
            return self.resume(engine, open).await;
        }
        match self.start(engine, self.execution_name.clone()).await {
            Err(OperationError::ExecutionAlreadyExists(_)) => {
                let now = DateTime::<Utc>::from(SystemTime::now());
                let suffix = now.format(SUFFIX).to_string();
                Ok(self
                    .start(engine, format!("{}-{suffix}", self.execution_name))
                    .await?)
            }
            started => Ok(started?),
        }
    }

    async fn start(&self, engine: &Engine, name: String) -> Result<Started, OperationError> {
        let case = self.test_case.as_deref().map(|case| format!("#{case}"));
        let request = StartExecution {
            state_machine_arn: format!("{}{}", self.machine_arn, case.unwrap_or_default()),
            name: Some(name.clone()),
            input: self.input.clone(),
            trace_header: None,
        };
        let execution = engine.start_execution(request).await?;
        Ok(Started {
            execution,
            name,
            resumed_from: None,
        })
    }

    async fn resume(&self, engine: &Engine, open: ExecutionSummary) -> Result<Started, Problem> {
        let execution = engine.execution(&open.execution_arn).await?;
        let name = open.name;
        if let Some(input) = &self.input {
            let of_open = execution.describe().await?.input;
            let wanted = serde_json::from_str(input).ok();
            if wanted.as_ref() != Some(of_open.value()) {
                return Err(Problem::Arguments(format!(
                    "{name} is open with another input: leave out --input to resume it, or start another one with --execution-name"
                )));
            }
        }
        Ok(Started {
            execution,
            name,
            resumed_from: Some(open.start_date),
        })
    }

    /// The latest open execution that has the name, or the name with a time behind it.
    async fn find_open(&self, engine: &Engine) -> Result<Option<ExecutionSummary>, Problem> {
        let mut request = ListExecutions {
            state_machine_arn: self.machine_arn.clone(),
            status_filter: Some(ExecutionStatus::Running),
            redriven_filter: None,
            max_results: Some(1_000),
            next_token: None,
        };
        loop {
            let page = engine.list_executions(request.clone()).await?;
            let mut executions = page.executions.into_iter();
            if let Some(found) =
                executions.find(|execution| is_run_of(&execution.name, &self.execution_name))
            {
                return Ok(Some(found));
            }
            request.next_token = page.next_token;
            if request.next_token.is_none() {
                return Ok(None);
            }
        }
    }
}

/// The time behind a name, to the millisecond: `20260131-120000-123`.
const SUFFIX: &str = "%Y%m%d-%H%M%S-%3f";

/// Whether `name` is what a run under `execution_name` calls its executions.
fn is_run_of(name: &str, execution_name: &str) -> bool {
    let Some(rest) = name.strip_prefix(execution_name) else {
        return false;
    };
    let is_time = |suffix: &str| {
        let lengths: Vec<usize> = suffix.split('-').map(str::len).collect();
        lengths == [8, 6, 3]
            && suffix
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_digit())
    };
    rest.is_empty() || rest.strip_prefix('-').is_some_and(is_time)
}

#[cfg(test)]
mod tests {
    use stepwell::operations::StopExecution;

    use super::*;

    #[track_caller]
    fn check(name: &str, expected: bool) {
        assert_eq!(is_run_of(name, "run"), expected, "{name}");
    }

    #[test]
    fn executions_of_earlier_runs_are_known_by_their_names() {
        check("run", true);
        let now = DateTime::<Utc>::from(SystemTime::UNIX_EPOCH).format(SUFFIX);
        assert_eq!(now.to_string(), "19700101-000000-000");
        check(&format!("run-{now}"), true);
        check("runner", false);
        check("run-other", false);
        check("run-20260131-120000", false);
        check("other", false);
    }

    const DEFINITION: &str = r#"{"StartAt": "A", "States": {
        "A": {"Type": "Wait", "Seconds": 3600, "End": true}
    }}"#;

    #[tokio::test]
    async fn an_open_execution_goes_on_and_an_ended_one_is_followed_by_another() {
        let engine = Engine::builder().build().await.unwrap();
        let machine = engine
            .create_state_machine("test", DEFINITION)
            .await
            .unwrap();
        let mut request = Request {
            machine_arn: machine.arn,
            test_case: None,
            execution_name: "run".to_owned(),
            input: Some(r#"{"a": 1}"#.to_owned()),
            is_durable: true,
        };
        let first = request.start_or_resume(&engine).await.unwrap();
        assert_eq!((&*first.name, first.resumed_from), ("run", None));

        request.input = Some(r#"{"a":1}"#.to_owned());
        let resumed = request.start_or_resume(&engine).await.unwrap();
        assert!(resumed.resumed_from.is_some());
        assert_eq!(resumed.execution.arn, first.execution.arn);

        request.input = Some("{}".to_owned());
        let refused = request.start_or_resume(&engine).await.err().unwrap().line();
        assert!(
            refused.starts_with("run is open with another input"),
            "{refused}"
        );

        let stop = StopExecution {
            execution_arn: first.execution.arn,
            error: None,
            cause: None,
        };
        engine.stop_execution(stop).await.unwrap();
        let second = request.start_or_resume(&engine).await.unwrap();
        assert!(
            is_run_of(&second.name, "run") && second.name != "run",
            "{}",
            second.name
        );
        request.input = None;
        let resumed = request.start_or_resume(&engine).await.unwrap();
        assert_eq!(resumed.execution.arn, second.execution.arn);
    }
}

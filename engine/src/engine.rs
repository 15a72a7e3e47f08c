//! The engine: what an embedding program holds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stepwell_interpreter::Execution;
use stepwell_interpreter::event::Event;
use stepwell_interpreter::execution::{Limits, Status};
use stepwell_interpreter::{Payload, Timestamp};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::arn::Arns;
use crate::clock::{Clock, SystemClock};
use crate::configuration::{Configuration, Retention};
use crate::error::OperationError;
use crate::executor::express::{self, ExpressExecution};
use crate::executor::{Executor, Observer, Parts, Watched, standing};
use crate::integrations::mock::MockConfiguration;
use crate::integrations::{Closure, Handlers, HandlersError, TaskError, TaskHandler};
use crate::logs::Logs;
use crate::measure::Levels;
use crate::operations::{
    CreateStateMachine, DescribeExecution, ExecutionDescription, RedriveExecution, StartExecution,
};
use crate::store::memory::MemoryStore;
use crate::store::{ExecutionKey, ExecutionStatus, Store, StoreError};

/// Runs state machines. Cloning gives another handle of the same engine; it stops when the last
/// one is dropped.
///
/// The methods named after operations of the AWS API are in [`operations`](crate::operations).
#[derive(Clone)]
pub struct Engine {
    pub(crate) executor: Executor,
    pub(crate) arns: Arns,
    pub(crate) region: Arc<str>,
    /// How long closed executions are kept.
    retention: Duration,
    running: Arc<StopOnDrop>,
}

/// How an [`Engine`] is to be.
pub struct EngineBuilder {
    database: Database,
    configuration: Configuration,
    tasks: Vec<(String, Registration)>,
    mocks: Option<MockConfiguration>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    observer: Option<Observer>,
    lease: Option<Duration>,
    express_open_max: usize,
    seed: Option<[u8; 32]>,
}

/// Puts a handler of some type under an ARN.
type Registration = Box<dyn FnOnce(&mut Handlers, String) + Send>;

enum Database {
    Memory,
    #[cfg(feature = "sqlite")]
    File(PathBuf),
    Store(Arc<dyn Store>),
}

/// Why an engine could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The store cannot be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The handlers of the configuration cannot be made.
    #[error(transparent)]
    Handlers(#[from] HandlersError),
    /// There is no thread to write execution logs.
    #[error("execution logs cannot be written")]
    Logs(#[source] std::io::Error),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Seed(String),
}

/// A state machine that was created.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct StateMachineHandle {
    /// Its ARN.
    pub arn: String,
}

/// An execution that was started.
#[derive(Clone)]
pub struct ExecutionHandle {
    engine: Engine,
    kept: Kept,
    /// Its ARN.
    pub arn: String,
    /// When it started.
    pub start_date: Timestamp,
}

/// What keeps an execution.
#[derive(Clone)]
enum Kept {
    /// The store.
    Journal(ExecutionKey),
    /// Memory alone: an Express execution.
    Memory(ExpressExecution),
}

/// What an execution ended with.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub status: ExecutionStatus,
    /// What it gave, when it succeeded.
    pub output: Option<Value>,
    /// The error, when it did not.
    pub error: Option<String>,
    /// Why.
    pub cause: Option<String>,
}

impl Engine {
    /// How an engine is made.
    pub fn builder() -> EngineBuilder {
        EngineBuilder {
            database: Database::Memory,
            configuration: Configuration::default(),
            tasks: Vec::new(),
            mocks: None,
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            observer: None,
            lease: None,
            express_open_max: express::OPEN_MAX,
            seed: None,
        }
    }

    /// Creates a state machine, or finds the one that is exactly like it.
    ///
    /// # Errors
    ///
    /// [`OperationError`] when the definition is refused, or the name is taken by another.
    pub async fn create_state_machine(
        &self,
        name: &str,
        definition: &str,
    ) -> Result<StateMachineHandle, OperationError> {
        let request = CreateStateMachine::new(name, definition);
        let created = self.create_state_machine_with(request).await?;
        Ok(StateMachineHandle {
            arn: created.state_machine_arn,
        })
    }

    /// Starts an execution under a name that nobody else has. It is durable when this answers,
    /// unless its machine is Express.
    ///
    /// # Errors
    ///
    /// [`OperationError`] when the machine is gone or the store fails.
    pub async fn start(
        &self,
        machine: &StateMachineHandle,
        input: Value,
    ) -> Result<ExecutionHandle, OperationError> {
        let input = Payload::from_value(input);
        self.start_execution(StartExecution::new(&machine.arn, input.text()))
            .await
    }

    /// The execution with this ARN.
    ///
    /// # Errors
    ///
    /// [`OperationError::ExecutionDoesNotExist`] when there is none.
    pub async fn execution(&self, arn: &str) -> Result<ExecutionHandle, OperationError> {
        let record = self.find_execution(arn).await?;
        Ok(self.handle(record.key, arn.to_owned(), record.started_at))
    }

    /// Whether work can be taken on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] that ended all work.
    pub fn readiness(&self) -> Result<(), StoreError> {
        self.executor.failure().map_or(Ok(()), Err)
    }

    /// How much there is of everything now; shown in the gauges of [`measure`](crate::measure) too.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub async fn measure(&self) -> Result<Levels, StoreError> {
        let open = self.executor.store().count_open_executions().await?;
        let levels = Levels {
            open,
            ..self.executor.levels()
        };
        levels.show();
        Ok(levels)
    }

    /// Removes every execution that has been closed for as long as executions are kept, with its
    /// history: nobody finds it any more, and its name is free again. Says how many these were.
    ///
    /// An engine does so by itself every hour.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot do it; those that are left go the next time.
    pub async fn remove_expired_executions(&self) -> Result<u64, StoreError> {
        self.executor.remove_expired(self.retention).await
    }

    /// The ARN of a state machine of this engine.
    pub fn state_machine_arn(&self, name: &str) -> String {
        self.arns.state_machine(name)
    }

    /// The ARN of an execution of this engine.
    pub fn execution_arn(&self, state_machine: &str, name: &str) -> String {
        self.arns.execution(state_machine, name)
    }

    /// The ARN of a Map Run of this engine, of the Map state with this label.
    pub fn map_run_arn(&self, state_machine: &str, label: &str, id: &str) -> String {
        self.arns.map_run(state_machine, label, id)
    }

    /// Stops working, also for those who hold other handles of this engine: what is under way ends
    /// where it stands, and goes on with the next engine that opens the store. Whoever shares the
    /// store goes on with it at once.
    pub async fn shut_down(&self) {
        self.running.end();
        if self.running.is_shared {
            self.executor.leave().await;
        }
    }

    /// Ends timers, letters and the renewal of the lease, as a crash would.
    #[cfg(test)]
    pub(crate) fn end_duties(&self) {
        self.running.end_duties();
    }

    pub(crate) fn handle(
        &self,
        key: ExecutionKey,
        arn: String,
        start_date: Timestamp,
    ) -> ExecutionHandle {
        ExecutionHandle {
            engine: self.clone(),
            kept: Kept::Journal(key),
            arn,
            start_date,
        }
    }

    pub(crate) fn express_handle(
        &self,
        execution: ExpressExecution,
        arn: String,
    ) -> ExecutionHandle {
        ExecutionHandle {
            engine: self.clone(),
            arn,
            start_date: execution.started_at,
            kept: Kept::Memory(execution),
        }
    }
}

impl EngineBuilder {
    /// Keeps everything in memory: nothing survives the process. The default.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.database = Database::Memory;
        self
    }

    /// Keeps everything in a SQLite file, which is created if it does not exist. One process at a
    /// time may have it open.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn database(mut self, file: impl Into<PathBuf>) -> Self {
        self.database = Database::File(file.into());
        self
    }

    /// Keeps everything in a store of the caller's.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.database = Database::Store(store);
        self
    }

    /// Lets a closure run the tasks of a resource. After a crash it may be called again for a task
    /// that it has done before; [`handler`](Self::handler) gives a task's stable id.
    #[must_use]
    pub fn task<F, W>(self, arn: impl Into<String>, closure: F) -> Self
    where
        F: Fn(Value) -> W + Clone + Send + Sync + 'static,
        W: Future<Output = Result<Value, TaskError>> + Send + 'static,
    {
        self.handler(arn, Closure(closure))
    }

    /// Lets a handler run the tasks of a resource.
    #[must_use]
    pub fn handler(mut self, arn: impl Into<String>, handler: impl TaskHandler) -> Self {
        let register: Registration = Box::new(|handlers, arn| {
            handlers.register(arn, handler);
        });
        self.tasks.push((arn.into(), register));
        self
    }

    /// Functions, connections, region and account, as `stepwell.toml` has them.
    #[must_use]
    pub fn configuration(mut self, configuration: Configuration) -> Self {
        self.configuration = configuration;
        self
    }

    /// How long closed executions are kept, 90 days unless set.
    #[must_use]
    pub fn retention(mut self, period: Duration) -> Self {
        self.configuration.retention = Retention { period };
        self
    }

    /// Answers in place of tasks, for executions that are started on a test case.
    #[must_use]
    pub fn mocks(mut self, mocks: MockConfiguration) -> Self {
        self.mocks = Some(mocks);
        self
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Other bounds than AWS's.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Express executions that may be open at once, 10,000 unless set, and as many children of Map
    /// Runs beside them. They live in memory.
    #[must_use]
    pub fn express_open_max(mut self, open_max: usize) -> Self {
        self.express_open_max = open_max;
        self
    }

    /// Is shown the events of every execution once they are durable.
    #[must_use]
    pub fn observer(
        mut self,
        observer: impl Fn(&Execution, &[Event]) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Shares the store with other engines. Each holds the executions that it drives under a lease,
    /// which it renews; when one is gone, the others go on with its executions once its lease has
    /// run out. Its clock has to agree with theirs within a fraction of that time. Without a lease,
    /// the default, an engine is alone with its store.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// A fixed seed for all randomness, so that a test repeats.
    #[must_use]
    pub fn seed(mut self, seed: [u8; 32]) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Opens the store and goes on with every open execution.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the store cannot be opened, or the configuration cannot be met.
    pub async fn build(self) -> Result<Engine, BuildError> {
        let is_shared = matches!(self.database, Database::Store(_));
        let store: Arc<dyn Store> = match self.database {
            Database::Memory => Arc::new(MemoryStore::new()),
            Database::Store(store) => store,
            #[cfg(feature = "sqlite")]
            Database::File(path) => {
                let opened = tokio::task::spawn_blocking(move || {
                    crate::store::sqlite::SqliteStore::open(&path)
                });
                Arc::new(opened.await.expect("opening a store does not panic")?)
            }
        };
        let mut handlers = Handlers::new(&self.configuration)?;
        for (arn, register) in self.tasks {
            register(&mut handlers, arn);
        }
        let seed = match self.seed {
            Some(seed) => seed,
            None => random_seed()?,
        };
        let arns = Arns::new(&self.configuration.server);
        let retention = self.configuration.retention.period;
        let region = &self.configuration.server.region;
        let logs = self.configuration.logs.as_ref();
        let logs = logs.map(|places| Logs::start(places, region)).transpose();
        let executor = Executor::join(Parts {
            store,
            clock: self.clock,
            lease: self.lease,
            handlers,
            mocks: self.mocks,
            limits: self.limits,
            observer: self.observer,
            activity_prefix: arns.activity(""),
            logs: logs.map_err(BuildError::Logs)?,
            express_open_max: self.express_open_max,
            seed,
        })
        .await?;
        let open = executor.store().count_open_executions().await?;
        if open > 0 {
            tracing::info!(executions = open, "open executions go on");
        }
        executor.load_deletions().await?;
        let duties = vec![
            tokio::spawn(executor.clone().run_timers()).abort_handle(),
            tokio::spawn(executor.clone().run_inbox()).abort_handle(),
            tokio::spawn(executor.clone().run_lease()).abort_handle(),
            tokio::spawn(executor.clone().run_retention(retention)).abort_handle(),
            tokio::spawn(executor.clone().recover_map_runs()).abort_handle(),
            tokio::spawn(executor.clone().run_deletions()).abort_handle(),
        ];
        Ok(Engine {
            arns,
            region: self.configuration.server.region.as_str().into(),
            running: Arc::new(StopOnDrop {
                duties,
                executor: executor.clone(),
                is_shared,
            }),
            executor,
            retention,
        })
    }
}

impl ExecutionHandle {
    /// Waits until the execution has ended.
    ///
    /// # Errors
    ///
    /// [`OperationError`] when it cannot be read, or cannot go on.
    pub async fn outcome(&self) -> Result<Outcome, OperationError> {
        match &self.kept {
            Kept::Journal(key) => self.kept_outcome(*key).await,
            Kept::Memory(execution) => {
                let status = execution.outcome().await;
                let status = status.ok_or_else(|| OperationError::given_up(&self.arn))?;
                Ok(outcome(&status))
            }
        }
    }

    async fn kept_outcome(&self, key: ExecutionKey) -> Result<Outcome, OperationError> {
        let executor = &self.engine.executor;
        loop {
            // Watch first, look second: an end in between is not missed.
            let watch = executor.watch(key);
            if !executor.drives(key) {
                let description = self.describe().await?;
                if description.status != ExecutionStatus::Running {
                    return Ok(Outcome {
                        status: description.status,
                        output: description.output.as_ref().map(Payload::to_json),
                        error: description.error,
                        cause: description.cause,
                    });
                }
            }
            // A store that failed before wakes nobody any more.
            self.engine.readiness()?;
            match watch.end().await {
                Watched::Ended(status) => return Ok(outcome(&status)),
                // Redriven, it runs again after its end.
                Watched::EndedElsewhere => {}
                Watched::GivenUp => {
                    self.engine.readiness()?;
                    return Err(OperationError::given_up(&self.arn));
                }
            }
        }
    }

    /// Lets an execution that ended without success go on from the states that had not ended.
    /// Returns when that was.
    ///
    /// # Errors
    ///
    /// [`OperationError::ExecutionNotRedrivable`], and whatever keeps it from being read.
    pub async fn redrive(&self) -> Result<Timestamp, OperationError> {
        let request = RedriveExecution {
            execution_arn: self.arn.clone(),
            client_token: None,
        };
        self.engine.redrive_execution(request).await
    }

    /// How the execution stands.
    ///
    /// # Errors
    ///
    /// [`OperationError`] when it cannot be read; nobody describes an Express execution.
    pub async fn describe(&self) -> Result<ExecutionDescription, OperationError> {
        let request = DescribeExecution {
            execution_arn: self.arn.clone(),
        };
        self.engine.describe_execution(request).await
    }
}

/// What a program is told of an end.
fn outcome(status: &Status) -> Outcome {
    let failure = status.failure();
    let text = |text: &Arc<str>| text.to_string();
    Outcome {
        status: standing(status).0,
        output: status.output().map(Payload::to_json),
        error: failure.and_then(|failure| failure.error.as_ref().map(text)),
        cause: failure.and_then(|failure| failure.cause.as_ref().map(text)),
    }
}

/// Ends everything that the engine does, with the engine.
struct StopOnDrop {
    duties: Vec<AbortHandle>,
    executor: Executor,
    /// Whether the store goes on without the engine.
    is_shared: bool,
}

impl StopOnDrop {
    fn end_duties(&self) {
        for duty in &self.duties {
            duty.abort();
        }
    }

    fn end(&self) {
        self.end_duties();
        self.executor.stop();
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.end();
        // Others need not wait for the lease to run out; without a runtime they do.
        if let (true, Ok(runtime)) = (self.is_shared, Handle::try_current()) {
            let executor = self.executor.clone();
            runtime.spawn(async move { executor.leave().await });
        }
    }
}

/// 32 bytes from the operating system.
fn random_seed() -> Result<[u8; 32], BuildError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| BuildError::Seed(error.to_string()))?;
    Ok(seed)
}

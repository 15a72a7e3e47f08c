//! AWS Step Functions that runs anywhere: durable state machines in one crate.
//!
//! ```
//! use serde_json::{Value, json};
//! use stepwell::{Engine, TaskError};
//!
//! async fn charge(order: Value) -> Result<Value, TaskError> {
//!     Ok(json!({"charged": order["amount"]}))
//! }
//!
//! # tokio_test(async {
//! const CHARGE: &str = "arn:aws:lambda:us-east-1:123456789012:function:charge";
//! let definition = json!({
//!     "StartAt": "Charge",
//!     "States": {"Charge": {"Type": "Task", "Resource": CHARGE, "End": true}}
//! });
//!
//! let engine = Engine::builder().in_memory().task(CHARGE, charge).build().await?;
//! let machine = engine.create_state_machine("order", &definition.to_string()).await?;
//! let execution = engine.start(&machine, json!({"amount": 7})).await?; // durable from here on
//! let outcome = execution.outcome().await?;
//! assert_eq!(outcome.output, Some(json!({"charged": 7})));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # });
//! # fn tokio_test<T>(test: impl Future<Output = Result<T, Box<dyn std::error::Error>>>) {
//! #     tokio::runtime::Runtime::new().unwrap().block_on(test).unwrap();
//! # }
//! ```
//!
//! With [`database`](EngineBuilder::database) in place of [`in_memory`](EngineBuilder::in_memory)
//! executions survive the process: whoever opens the file next goes on with them.

mod engine;
pub mod operations;
mod error;
mod arn;
pub mod clock;
pub mod configuration;
mod executor;
mod logs;
pub mod integrations;
pub mod store;
pub mod measure;
#[cfg(feature = "sqlite")]
pub mod maintenance;

pub use engine::{BuildError, Engine, EngineBuilder, ExecutionHandle, Outcome, StateMachineHandle};
pub use error::{OperationError, ValidationReason};
pub use executor::Observer;
pub use integrations::TaskError;
pub use stepwell_interpreter as interpreter;
pub use stepwell_language as language;

//! The Map state.

use super::{Catcher, NumberField, PathField, Retrier, ScopeId, Template, Transition};

/// A Map state.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// `ItemProcessor`, or the older `Iterator`.
    pub processor: ScopeId,
    /// Whether iterations belong to this execution.
    pub mode: MapMode,
    /// `ItemsPath` (JSONPath).
    pub items_path: PathField,
    /// `Items` (JSONata).
    pub items: Option<Template>,
    /// `ItemSelector`, or the older `Parameters`.
    pub item_selector: Option<Template>,
    /// Iterations at a time, 0 for no limit of its own.
    pub max_concurrency: Option<NumberField>,
    /// Its retriers.
    pub retry: Vec<Retrier>,
    /// Its catchers.
    pub catch: Vec<Catcher>,
    /// Where it goes.
    pub transition: Transition,
}

/// `ProcessorConfig.Mode` with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub enum MapMode {
    /// Iterations run in this execution and write into its history.
    Inline,
    /// Iterations are executions of their own.
    Distributed(Box<Distributed>),
}

/// `ProcessorConfig.ExecutionType`, and the type of a state machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExecutionType {
    /// Durable, exactly once, up to a year.
    Standard,
    /// Up to five minutes, without history.
    Express,
}

/// What only a distributed Map has.
#[derive(Clone, Debug, PartialEq)]
pub struct Distributed {
    /// What kind of executions the children are.
    pub execution_type: ExecutionType,
    /// `ItemReader`, as written.
    pub item_reader: Option<Template>,
    /// `ItemBatcher`.
    pub item_batcher: Option<ItemBatcher>,
    /// `ResultWriter`.
    pub result_writer: Option<ResultWriter>,
    /// Failed items in percent that the run survives, 0 to 100.
    pub tolerated_failure_percentage: Option<NumberField>,
    /// Failed items that the run survives.
    pub tolerated_failure_count: Option<NumberField>,
    /// `Label`, 1 to 40 characters.
    pub label: Option<String>,
}

/// `ItemBatcher`: several items for one child.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemBatcher {
    /// `BatchInput`: what each batch has besides its items.
    pub batch_input: Option<Template>,
    /// `MaxItemsPerBatch`, 0 for no limit.
    pub items_max: Option<NumberField>,
    /// `MaxInputBytesPerBatch`, 0 for no limit of its own.
    pub bytes_max: Option<NumberField>,
}

/// `ResultWriter`: in which form the results leave, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultWriter {
    /// All of it, as written.
    pub written: Template,
    /// Whether the results are written to somewhere outside.
    pub has_resource: bool,
    /// `WriterConfig.Transformation`; `None` without a `WriterConfig`.
    pub transformation: Option<Transformation>,
}

/// What becomes of the result of each child.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Transformation {
    /// Its output, with what else is known of the execution.
    None,
    /// Its output.
    #[default]
    Compact,
    /// Its output, the elements of arrays one by one.
    Flatten,
}

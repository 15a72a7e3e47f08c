//! A definition's text, read into a [`StateMachine`].
//!
//! Parsing never fails: it returns what it understood and every diagnostic. A definition without
//! errors is fully resolved: each transition leads to a state of its own scope, each number is in
//! range, each expression has been read. AWS refuses a definition for the same reasons, in the
//! same words where these are known; the words stand in [`wording`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};
use crate::json::Node;
use crate::model::{ExecutionType, QueryLanguage, ScopeId, StateId, StateMachine};
use crate::source::Span;

mod lone;
mod scope;
mod state;
mod task;
mod resource;
mod parameters;
mod http_task;
mod map;
mod distributed;
mod choice;
mod wait;
mod retry;
mod template;
mod variables;
mod structure;
mod fields;
mod place;
mod suggestion;
mod wording;

#[cfg(test)]
mod tests;

pub use lone::parse_state;

use fields::Fields;
use place::Place;
use scope::{PendingScope, PendingState};
use template::Available;

/// Bytes of a definition. Source: API, `definition`.
pub const DEFINITION_BYTES_MAX: usize = 1_048_576;

/// Levels of branches and processors inside each other. AWS has a limit, but does not say which.
pub const NESTING_MAX: usize = 50;

/// Findings that are kept: so many of those for which a definition is refused, and as many others.
/// Nobody reads more, and each of them may quote a good part of the document.
pub const DIAGNOSTICS_MAX: usize = 1_000;

/// Bytes of text in the findings that are kept.
const DIAGNOSTICS_BYTES_MAX: usize = 4 * 1_048_576;

/// What parsing understood, and what it found wrong.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The machine; `None` when there is too little of it. It may be run if nothing among the
    /// diagnostics [`is_refused`](Diagnostic::is_refused).
    pub machine: Option<StateMachine>,
    /// The findings, in the order in which AWS reports them; of very many the first.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// The machine, if it may be created; otherwise what keeps it from that.
    ///
    /// # Errors
    ///
    /// The diagnostics for which AWS refuses a definition; never empty.
    pub fn into_result(self) -> Result<StateMachine, Vec<Diagnostic>> {
        let refused: Vec<Diagnostic> = self
            .diagnostics
            .into_iter()
            .filter(Diagnostic::is_refused)
            .collect();
        match self.machine {
            Some(machine) if refused.is_empty() => Ok(machine),
            Some(_) | None => Err(refused),
        }
    }
}

/// Reads a definition of a state machine of this type.
///
/// ```
/// use stepwell_language::{model::ExecutionType, parse::parse};
///
/// let text = r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#;
/// let machine = parse(text, ExecutionType::Standard).into_result().expect("it is valid");
/// assert_eq!(machine.states.len(), 1);
///
/// let parsed = parse(r#"{"StartAt": "A"}"#, ExecutionType::Standard);
/// assert_eq!(
///     parsed.diagnostics[0].to_string(),
///     "SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /"
/// );
/// ```
pub fn parse(text: &str, execution_type: ExecutionType) -> Parsed {
    let read;
    let mut parser = Parser::new(execution_type);
    let mut machine = None;
    if let Some(root) = parser.read(text) {
        read = root;
        machine = parser.document(&read);
    }
    Parsed {
        machine,
        diagnostics: parser.diagnostics,
    }
}

/// The location of findings about the whole text.
const NOWHERE: Option<&str> = None;

/// What is known while a definition is read.
struct Parser<'a> {
    execution_type: ExecutionType,
    diagnostics: Vec<Diagnostic>,
    /// What is left to say for which a definition is refused, and otherwise.
    budgets: [Budget; 2],
    /// Every `States` map, found before any state is read.
    scopes: Vec<PendingScope<'a>>,
    /// Every state of every scope, in document order.
    states: Vec<PendingState<'a>>,
    /// First use of each state name.
    names: BTreeMap<Arc<str>, StateId>,
    /// Labels of distributed Maps.
    labels: BTreeSet<String>,
    query_language: QueryLanguage,
    /// What JSONata may read in the field at hand.
    available: Available,
}

/// How many findings are still kept, and how many bytes of them.
#[derive(Clone, Copy)]
struct Budget {
    findings: usize,
    bytes: usize,
}

impl Budget {
    const WHOLE: Self = Self {
        findings: DIAGNOSTICS_MAX,
        bytes: DIAGNOSTICS_BYTES_MAX,
    };

    fn is_spent(self) -> bool {
        self.findings == 0 || self.bytes == 0
    }
}

impl<'a> Parser<'a> {
    fn new(execution_type: ExecutionType) -> Self {
        Self {
            execution_type,
            diagnostics: Vec::new(),
            budgets: [Budget::WHOLE; 2],
            scopes: Vec::new(),
            states: Vec::new(),
            names: BTreeMap::new(),
            labels: BTreeSet::new(),
            query_language: QueryLanguage::JsonPath,
            available: Available::default(),
        }
    }

    fn document(&mut self, root: &'a Node) -> Option<StateMachine> {
        self.find_duplicate_keys(root, &Place::Field(""));
        let Some(object) = root.as_object() else {
            let message = wording::NOT_AN_OBJECT;
            self.report(Code::SchemaValidationFailed, message, NOWHERE, root.span);
            return None;
        };
        let mut fields = Fields::new(root.span, object, "");
        let comment = fields.text(self, "Comment");
        self.query_language = fields.query_language(self).unwrap_or_default();
        fields.one_of(self, "Version", &["1.0"]);
        let timeout_seconds = fields.integer(self, "TimeoutSeconds", 0, 99_999_999);
        fields.skip("StartAt");
        fields.skip("States");
        fields.finish(self);
        self.collect(root, object, "", None, 0);
        if self.states.is_empty() {
            return None;
        }
        let mut machine = StateMachine {
            comment,
            query_language: self.query_language,
            timeout_seconds,
            scopes: Vec::new(),
            states: indexmap::IndexMap::new(),
        };
        self.read_scopes(&mut machine);
        self.check_structure();
        // A machine whose root has no start is of no use, not even to be drawn. One that misses a
        // state would lead to wrong ones.
        let has_start = self
            .scopes
            .first()
            .is_some_and(|scope| scope.start_at.is_some());
        let is_whole = machine.states.len() == self.states.len()
            && self.states.iter().all(|state| state.has_valid_name);
        (has_start && is_whole).then_some(machine)
    }

    /// Keeps a finding, as long as there are not too many.
    fn report(
        &mut self,
        code: Code,
        message: impl Into<String>,
        location: Option<impl Display>,
        span: Span,
    ) {
        self.keep(code, message, location, span, None);
    }

    fn schema(&mut self, message: impl Into<String>, location: impl Display, span: Span) {
        self.keep(
            Code::SchemaValidationFailed,
            message,
            Some(location),
            span,
            None,
        );
    }

    fn helpful(
        &mut self,
        code: Code,
        message: impl Into<String>,
        location: impl Display,
        span: Span,
        help: Option<String>,
    ) {
        self.keep(code, message, Some(location), span, help);
    }

    fn keep(
        &mut self,
        code: Code,
        message: impl Into<String>,
        location: Option<impl Display>,
        span: Span,
        help: Option<String>,
    ) {
        let is_refused = code.is_refused();
        if self.budgets[usize::from(is_refused)].is_spent() {
            return;
        }
        // The document itself is `/`.
        let location = location.map(|location| match location.to_string() {
            empty if empty.is_empty() => "/".to_owned(),
            location => location,
        });
        let message = message.into();
        let budget = &mut self.budgets[usize::from(is_refused)];
        let length = message.len() + location.as_ref().map_or(0, String::len);
        budget.bytes = budget.bytes.saturating_sub(length);
        budget.findings -= 1;
        self.diagnostics.push(Diagnostic {
            code,
            message,
            location,
            span,
            help,
        });
    }

    /// Whether nothing more is kept for which a definition is refused, so that it need not be found.
    fn has_said_enough(&self) -> bool {
        self.budgets[usize::from(true)].is_spent()
    }

    /// JSON takes the last of two equal keys; whoever wrote both meant something else.
    fn find_duplicate_keys(&mut self, node: &Node, place: &Place<'_>) {
        if let Some(object) = node.as_object() {
            for duplicate in object.duplicates() {
                let message = format!("The key '{}' is given more than once.", duplicate.key);
                self.helpful(
                    Code::DuplicateKey,
                    message,
                    place,
                    duplicate.again,
                    Some("the last one wins, the others are lost".to_owned()),
                );
            }
            for (key, entry) in object.entries() {
                self.find_duplicate_keys(&entry.value, &Place::Key(place, key));
            }
        }
        for (index, element) in node.as_array().into_iter().flatten().enumerate() {
            self.find_duplicate_keys(element, &Place::Index(place, index));
        }
    }

    /// The scope with this id, as far as it is known.
    fn pending_scope(&self, id: ScopeId) -> &PendingScope<'a> {
        &self.scopes[id.0 as usize]
    }

    /// The state with this id, as far as it is known.
    fn pending_state(&self, id: StateId) -> &PendingState<'a> {
        &self.states[id.0 as usize]
    }

    /// Where a state stands.
    fn location(&self, id: StateId) -> String {
        let state = self.pending_state(id);
        let scope = &self.pending_scope(state.scope).location;
        format!("{scope}/States/{}", state.name)
    }
}

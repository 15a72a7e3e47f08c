//! A definition's text, read into a [`StateMachine`].
//!
//! Parsing never fails: it returns what it understood and every diagnostic. A definition without
//! errors is fully resolved: each transition leads to a state of its own scope, each number is in
//! range, each expression has been read. AWS refuses a definition for the same reasons, in the
//! same words where these are known; the words stand in [`wording`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};
use crate::json::{self, Node};
use crate::model::{ExecutionType, QueryLanguage, ScopeId, StateId, StateMachine};
use crate::source::Span;

mod fields;
mod scope;
mod state;
mod task;
mod resource;
mod map;
mod choice;
mod wait;
mod retry;
mod template;
mod structure;
mod wording;

use fields::Fields;
use scope::{PendingScope, PendingState};

/// Bytes of a definition. Source: API, `definition`.
pub const DEFINITION_BYTES_MAX: usize = 1_048_576;

/// Levels of branches and processors inside each other. AWS has a limit, but does not say which.
pub const NESTING_MAX: usize = 50;

/// What parsing understood, and what it found wrong.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The machine; `None` when there is too little of it. It may be run if nothing among the
    /// diagnostics [`is_refused`](Diagnostic::is_refused).
    pub machine: Option<StateMachine>,
    /// All findings, in the order in which AWS reports them.
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
    let whole = Span::new(0, text.len());
    let refused = |code, message: String, location, span| Parsed {
        machine: None,
        diagnostics: vec![Diagnostic {
            code,
            message,
            location,
            span,
            help: None,
        }],
    };
    if text.len() > DEFINITION_BYTES_MAX {
        return refused(
            Code::SchemaValidationFailed,
            wording::too_long(),
            None,
            whole,
        );
    }
    if text.trim().is_empty() {
        let message = wording::NOT_AN_OBJECT.to_owned();
        return refused(Code::InvalidJsonDescription, message, None, whole);
    }
    match json::read(text) {
        Ok(root) => {
            let mut parser = Parser::new(execution_type);
            let machine = parser.document(&root);
            Parsed {
                machine,
                diagnostics: parser.diagnostics,
            }
        }
        Err(error) => {
            let location = Some(error.location(text));
            refused(
                Code::InvalidJsonDescription,
                error.message,
                location,
                error.span,
            )
        }
    }
}

/// What is known while a definition is read.
struct Parser<'a> {
    execution_type: ExecutionType,
    diagnostics: Vec<Diagnostic>,
    /// Every `States` map, found before any state is read.
    scopes: Vec<PendingScope<'a>>,
    /// Every state of every scope, in document order.
    states: Vec<PendingState<'a>>,
    /// First use of each state name.
    names: BTreeMap<Arc<str>, StateId>,
    /// Labels of distributed Maps.
    labels: BTreeMap<String, Span>,
    query_language: QueryLanguage,
}

impl<'a> Parser<'a> {
    fn new(execution_type: ExecutionType) -> Self {
        Self {
            execution_type,
            diagnostics: Vec::new(),
            scopes: Vec::new(),
            states: Vec::new(),
            names: BTreeMap::new(),
            labels: BTreeMap::new(),
            query_language: QueryLanguage::JsonPath,
        }
    }

    fn document(&mut self, root: &'a Node) -> Option<StateMachine> {
        self.find_duplicate_keys(root, "");
        let Some(object) = root.as_object() else {
            let message = wording::NOT_AN_OBJECT;
            self.report(Code::InvalidJsonDescription, message, None, root.span);
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
        self.check_structure(&machine);
        // A machine whose root has no start is of no use, not even to be drawn.
        let has_start = self
            .scopes
            .first()
            .is_some_and(|scope| scope.start_at.is_some());
        (has_start && machine.states.len() == self.states.len()).then_some(machine)
    }

    fn report(
        &mut self,
        code: Code,
        message: impl Into<String>,
        location: Option<String>,
        span: Span,
    ) {
        // A path of the document itself is `/`.
        let location = location.map(|location| {
            if location.is_empty() {
                "/".to_owned()
            } else {
                location
            }
        });
        let message = message.into();
        self.diagnostics.push(Diagnostic {
            code,
            message,
            location,
            span,
            help: None,
        });
    }

    fn schema(&mut self, message: impl Into<String>, location: &str, span: Span) {
        self.report(
            Code::SchemaValidationFailed,
            message,
            Some(location.to_owned()),
            span,
        );
    }

    fn helpful(
        &mut self,
        code: Code,
        message: impl Into<String>,
        location: &str,
        span: Span,
        help: Option<String>,
    ) {
        self.report(code, message, Some(location.to_owned()), span);
        if let Some(last) = self.diagnostics.last_mut() {
            last.help = help;
        }
    }

    /// JSON takes the last of two equal keys; whoever wrote both meant something else.
    fn find_duplicate_keys(&mut self, node: &Node, location: &str) {
        if let Some(object) = node.as_object() {
            for duplicate in object.duplicates() {
                let message = format!("The key '{}' is given more than once.", duplicate.key);
                self.helpful(
                    Code::DuplicateKey,
                    message,
                    location,
                    duplicate.again,
                    Some("the last one wins, the others are lost".to_owned()),
                );
            }
            for (key, entry) in object.entries() {
                self.find_duplicate_keys(&entry.value, &format!("{location}/{key}"));
            }
        }
        for (index, element) in node.as_array().into_iter().flatten().enumerate() {
            self.find_duplicate_keys(element, &format!("{location}[{index}]"));
        }
    }

    /// The scope with this id, as far as it is known.
    fn pending_scope(&self, id: ScopeId) -> &PendingScope<'a> {
        &self.scopes[id.0 as usize]
    }
}

//! One state: the fields that all types share, and the dispatch by `Type`.

use crate::diagnostic::Code;
use crate::expression::{Expression, Root};
use crate::json::{Node, NodeValue};
use crate::model::{
    DataFlow, Fail, Parallel, Pass, QueryLanguage, ResultPath, ScopeId, State, StateId, StateKind,
    StateName, TextField,
};
use crate::source::Span;

use super::fields::Fields;
use super::template::{Written, looks_like_expression};
use super::{Parser, wording};

const TYPES: [&str; 8] = [
    "Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map",
];

/// What reading a state has to know about it.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    pub(super) id: StateId,
    pub(super) scope: ScopeId,
    pub(super) language: QueryLanguage,
}

impl Parser<'_> {
    pub(super) fn read_state(&mut self, id: StateId) -> State {
        let pending = self.pending_state(id);
        let (node, scope) = (pending.node, pending.scope);
        let name = StateName::parse(&pending.name).unwrap_or_else(|_| stand_in(&pending.name));
        let location = self.location(id);
        let mut state = State {
            id,
            name,
            scope,
            comment: None,
            query_language: self.pending_scope(scope).query_language,
            data_flow: DataFlow::default(),
            kind: StateKind::Succeed,
        };
        let mut kind = None;
        if let Some(mut fields) = Fields::of(self, node, &location) {
            state.comment = fields.text(self, "Comment");
            if fields.has("QueryLanguage") {
                // AWS reads a state with an unknown language as one in JSONata.
                let language = self.own_language(&mut fields);
                state.query_language = language.unwrap_or(QueryLanguage::Jsonata);
            }
            fields.language = Some(state.query_language);
            fields.require(self, &["Type"]);
            kind = fields.one_of(self, "Type", &TYPES);
            if let Some(kind) = kind {
                let setting = Setting {
                    id,
                    scope,
                    language: state.query_language,
                };
                state.data_flow = self.data_flow(&mut fields, kind, setting);
                state.kind = self.kind(&mut fields, kind, setting);
                fields.finish(self);
            }
        }
        let pending = &mut self.states[id.0 as usize];
        pending.is_unclear = kind.is_none();
        pending.is_terminal |= matches!(kind, None | Some("Succeed" | "Fail"));
        state
    }

    /// The language that a state, a branch or a processor names for itself.
    fn own_language(&mut self, fields: &mut Fields<'_>) -> Option<QueryLanguage> {
        let language = fields.query_language(self);
        let is_conflict = language == Some(QueryLanguage::JsonPath)
            && self.query_language == QueryLanguage::Jsonata;
        if is_conflict {
            self.schema(wording::LANGUAGE_CONFLICT, &fields.location, fields.span);
        }
        language
    }

    fn kind(&mut self, fields: &mut Fields<'_>, kind: &str, setting: Setting) -> StateKind {
        match kind {
            "Task" => StateKind::Task(Box::new(self.task(fields, setting))),
            "Pass" => StateKind::Pass(self.pass(fields, setting)),
            "Wait" => StateKind::Wait(self.wait(fields, setting)),
            "Choice" => StateKind::Choice(self.choice(fields, setting)),
            "Parallel" => StateKind::Parallel(self.parallel(fields, setting)),
            "Map" => match self.map(fields, setting) {
                Some(map) => StateKind::Map(Box::new(map)),
                None => StateKind::Succeed,
            },
            "Fail" => StateKind::Fail(self.fail(fields, setting)),
            _ => StateKind::Succeed,
        }
    }

    /// The fields for input and output that a type accepts. Those that it does not accept are not
    /// asked for, and so reported with all other unknown fields.
    fn data_flow(&mut self, fields: &mut Fields<'_>, kind: &str, setting: Setting) -> DataFlow {
        let mut flow = DataFlow::default();
        let does_work = matches!(kind, "Task" | "Parallel" | "Map");
        self.available.result = does_work;
        if !matches!(kind, "Succeed" | "Fail") {
            flow.assign = self.assign(fields, setting);
        }
        if setting.language == QueryLanguage::Jsonata {
            if kind != "Fail" {
                flow.output = self.template(fields, "Output", setting.language);
            }
            self.available.result = false;
            if matches!(kind, "Task" | "Parallel") {
                flow.parameters = self.template(fields, "Arguments", setting.language);
            }
            return flow;
        }
        self.available.result = false;
        if kind != "Fail" {
            flow.input_path = fields.path_field(self, "InputPath");
            flow.output_path = fields.path_field(self, "OutputPath");
        }
        if matches!(kind, "Task" | "Pass" | "Parallel") {
            flow.parameters = self.template(fields, "Parameters", setting.language);
        }
        if does_work {
            flow.result_selector = self.template(fields, "ResultSelector", setting.language);
        }
        if does_work || kind == "Pass" {
            flow.result_path = self.result_path(fields);
        }
        flow
    }

    /// `ResultPath`: `null`, or a reference path into the input.
    pub(super) fn result_path(&mut self, fields: &mut Fields<'_>) -> ResultPath {
        let is_null = |node: &Node| matches!(node.value, NodeValue::Null);
        if fields.object.get("ResultPath").is_some_and(is_null) {
            fields.skip("ResultPath");
            return ResultPath::Discard;
        }
        let location = fields.at("ResultPath");
        let Some(path) = fields.any_reference_path(self, "ResultPath") else {
            return ResultPath::Replace;
        };
        match path.root() {
            Root::Input if path.is_root() => ResultPath::Replace,
            Root::Input => ResultPath::At(path),
            Root::Context | Root::Variable(_) => {
                self.schema(wording::not_in_input(), &location, fields.span);
                ResultPath::Replace
            }
        }
    }

    fn pass(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Pass {
        let result = match setting.language {
            QueryLanguage::JsonPath => fields.node("Result").map(|node| {
                self.warn_about_static_result(node, &fields.at("Result"));
                node.to_value()
            }),
            QueryLanguage::Jsonata => None,
        };
        Pass {
            result,
            transition: self.transition(fields, setting),
        }
    }

    /// One warning is enough for one result.
    fn warn_about_static_result(&mut self, node: &Node, location: &str) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            let (mut found, mut is_dynamic) = (node, false);
            if let Some(object) = node.as_object() {
                for (key, entry) in object.entries() {
                    if key.ends_with(".$") && !is_dynamic {
                        (found, is_dynamic) = (&entry.value, true);
                    }
                    open.push(&entry.value);
                }
            }
            open.extend(node.as_array().into_iter().flatten());
            if is_dynamic || node.as_str().is_some_and(looks_like_expression) {
                let (code, message) = (Code::PassResultIsStatic, wording::STATIC_RESULT);
                self.report(code, message, Some(location), found.span);
                return;
            }
        }
    }

    fn parallel(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Parallel {
        fields.require(self, &["Branches"]);
        for (index, branch) in fields
            .list(self, "Branches")
            .into_iter()
            .flatten()
            .enumerate()
        {
            let location = format!("{}[{index}]", fields.at("Branches"));
            if let Some(object) = branch.as_object() {
                let mut branch = Fields::new(branch.span, object, &location);
                self.scope_fields(&mut branch);
                branch.finish(self);
            }
        }
        Parallel {
            branches: self.pending_state(setting.id).inner.clone(),
            retry: self.retry(fields),
            catch: self.catch(fields, setting),
            transition: self.transition(fields, setting),
        }
    }

    /// What a branch or processor has besides its states, which were read before.
    pub(super) fn scope_fields(&mut self, fields: &mut Fields<'_>) {
        fields.text(self, "Comment");
        self.own_language(fields);
        fields.skip("StartAt");
        fields.skip("States");
    }

    fn fail(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Fail {
        Fail {
            error: self.text_field(fields, ["Error", "ErrorPath"], setting.language),
            cause: self.text_field(fields, ["Cause", "CausePath"], setting.language),
        }
    }

    fn text_field(
        &mut self,
        fields: &mut Fields<'_>,
        [field, path_field]: [&'static str; 2],
        language: QueryLanguage,
    ) -> Option<TextField> {
        if language == QueryLanguage::JsonPath {
            fields.at_most_one(self, &[field, path_field]);
            if let Some(node) = fields.node(path_field) {
                let location = fields.location.clone();
                let expression = self.expression_text(node, path_field, &location)?;
                self.check_text(&expression, path_field, &location, node.span);
                return Some(TextField::Path(expression));
            }
        }
        let node = fields.node(field)?;
        match fields.written(self, field, node, language) {
            Written::Expression(expression) => Some(TextField::Expression(expression)),
            Written::Literal => {
                if language == QueryLanguage::JsonPath {
                    self.warn_about_missing_path(node, &fields.at(field));
                }
                fields.text(self, field).map(TextField::Literal)
            }
            Written::Broken => None,
        }
    }

    /// Refuses a call whose function never gives a text, where nothing else is of use.
    fn check_text(&mut self, expression: &Expression, field: &str, location: &str, span: Span) {
        if let Expression::Intrinsic(call) = expression
            && !call.function().may_return_text()
        {
            self.helpful(
                Code::SchemaValidationFailed,
                wording::no_expression(field),
                location,
                span,
                Some(format!("{} gives no text", call.function().name())),
            );
        }
    }

    fn warn_about_missing_path(&mut self, node: &Node, location: &str) {
        if node.as_str().is_some_and(looks_like_expression) {
            let (code, message) = (Code::NoPath, wording::NO_PATH_FIELD);
            self.report(code, message, Some(location), node.span);
        }
    }
}

/// Takes the place of a name that no state may have. The machine is refused, so nobody sees it.
fn stand_in(name: &str) -> StateName {
    let start: String = name.chars().take(StateName::LENGTH_MAX).collect();
    StateName::parse(&start)
        .or_else(|_| StateName::parse("-"))
        .expect("one character is a name")
}

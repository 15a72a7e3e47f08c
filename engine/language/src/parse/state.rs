//! One state: the fields that all types share, and the dispatch by `Type`.

use crate::json::Node;
use crate::model::{
    DataFlow, Fail, Parallel, Pass, QueryLanguage, ResultPath, ScopeId, State, StateId, StateKind,
    TextField,
};

use super::fields::Fields;
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
        let pending = &self.states[id.0 as usize];
        let (node, scope, inherited) = (pending.node, pending.scope, pending.query_language);
        let (name, location) = (pending.name.clone(), pending.location.clone());
        let mut state = State {
            id,
            name,
            scope,
            comment: None,
            query_language: inherited,
            data_flow: DataFlow::default(),
            kind: StateKind::Succeed,
        };
        let Some(mut fields) = Fields::of(self, node, &location) else {
            return state;
        };
        state.comment = fields.text(self, "Comment");
        if let Some(language) = fields.query_language(self) {
            if language == QueryLanguage::JsonPath && self.query_language == QueryLanguage::Jsonata
            {
                let message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine";
                self.schema(message, &location, node.span);
            }
            state.query_language = language;
        }
        fields.language = Some(state.query_language);
        fields.require(self, &["Type"]);
        if let Some(kind) = fields.one_of(self, "Type", &TYPES) {
            let setting = Setting {
                id,
                scope,
                language: state.query_language,
            };
            state.data_flow = self.data_flow(&mut fields, kind, setting);
            state.kind = self.kind(&mut fields, kind, setting);
            fields.finish(self);
        }
        state
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
        if !matches!(kind, "Succeed" | "Fail") {
            flow.assign = self.assign(fields, setting);
        }
        if setting.language == QueryLanguage::Jsonata {
            if matches!(kind, "Task" | "Parallel") {
                flow.parameters = self.template(fields, "Arguments", setting.language);
            }
            if kind != "Fail" {
                flow.output = self.template(fields, "Output", setting.language);
            }
            return flow;
        }
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
        let is_null = |node: &Node| matches!(node.value, crate::json::NodeValue::Null);
        if fields.object.get("ResultPath").is_some_and(is_null) {
            fields.skip("ResultPath");
            return ResultPath::Discard;
        }
        let location = fields.at("ResultPath");
        let Some(path) = fields.reference_path(self, "ResultPath") else {
            return ResultPath::Replace;
        };
        match path.root() {
            crate::expression::Root::Input if path.is_root() => ResultPath::Replace,
            crate::expression::Root::Input => ResultPath::At(path),
            crate::expression::Root::Context | crate::expression::Root::Variable(_) => {
                let message = wording::no_reference_path("a result is written into the input only");
                self.schema(message, &location, fields.span);
                ResultPath::Replace
            }
        }
    }

    fn pass(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Pass {
        let result = match setting.language {
            QueryLanguage::JsonPath => fields
                .node("Result")
                .map(|node| std::sync::Arc::new(node.to_value())),
            QueryLanguage::Jsonata => None,
        };
        Pass {
            result,
            transition: self.transition(fields, setting.scope),
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
            branches: self.states[setting.id.0 as usize].inner.clone(),
            retry: self.retry(fields),
            catch: self.catch(fields, setting),
            transition: self.transition(fields, setting.scope),
        }
    }

    /// What a branch or processor has besides its states, which were read before.
    pub(super) fn scope_fields(&mut self, fields: &mut Fields<'_>) {
        fields.text(self, "Comment");
        fields.query_language(self);
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
                return self
                    .expression_text(node, path_field, &location)
                    .map(TextField::Path);
            }
        }
        let node = fields.node(field)?;
        if language == QueryLanguage::Jsonata
            && let Some(expression) = fields.expression(self, field, node)
        {
            return Some(TextField::Expression(expression));
        }
        fields.text(self, field).map(TextField::Literal)
    }
}

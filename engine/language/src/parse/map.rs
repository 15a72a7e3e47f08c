//! The Map state.

use crate::diagnostic::Code;
use crate::json::Node;
use crate::model::{Distributed, ExecutionType, Map, MapMode, PathField, QueryLanguage};
use crate::source::Span;

use super::fields::{Fields, Range};
use super::state::Setting;
use super::{Parser, wording};

/// Fields that only a distributed Map has.
const DISTRIBUTED_FIELDS: [&str; 8] = [
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "Label",
];

const COUNT: Range = Range {
    minimum: 0,
    maximum: u32::MAX as u64,
    is_integer: true,
};
const PERCENTAGE: Range = Range {
    minimum: 0,
    maximum: 100,
    is_integer: false,
};

impl Parser<'_> {
    /// `None` when the state has no processor.
    pub(super) fn map(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Option<Map> {
        let language = setting.language;
        if !fields.has("ItemProcessor") && !fields.has("Iterator") {
            fields.require(self, &["ItemProcessor"]);
        }
        fields.at_most_one(self, &["ItemProcessor", "Iterator"]);
        let mode = self.processor(fields, language);
        if mode == MapMode::Inline {
            for field in DISTRIBUTED_FIELDS {
                if let Some(entry) = fields.skip(field) {
                    let message =
                        format!("The field '{field}' is only supported in a DISTRIBUTED Map");
                    self.schema(message, &fields.location, entry.key_span);
                }
            }
        }
        let (items_path, items) = match language {
            QueryLanguage::JsonPath => (self.items_path(fields), None),
            QueryLanguage::Jsonata => (PathField::Whole, self.template(fields, "Items", language)),
        };
        if language == QueryLanguage::JsonPath {
            fields.at_most_one(self, &["ItemSelector", "Parameters"]);
        }
        let mut item_selector = self.template(fields, "ItemSelector", language);
        if item_selector.is_none() && language == QueryLanguage::JsonPath {
            item_selector = self.template(fields, "Parameters", language);
        }
        let concurrency = ["MaxConcurrency", "MaxConcurrencyPath"];
        let max_concurrency = fields.number_field(self, concurrency, COUNT, language);
        let retry = self.retry(fields);
        let catch = self.catch(fields, setting);
        let transition = self.transition(fields, setting.scope);
        let processor = self.states[setting.id.0 as usize].inner.first().copied()?;
        Some(Map {
            processor,
            mode,
            items_path,
            items,
            item_selector,
            max_concurrency,
            retry,
            catch,
            transition,
        })
    }

    fn items_path(&mut self, fields: &mut Fields<'_>) -> PathField {
        let path = fields.path_field(self, "ItemsPath");
        if path == PathField::Nothing {
            self.schema(
                wording::expected("String"),
                &fields.at("ItemsPath"),
                fields.span,
            );
        }
        path
    }

    /// The processor's own fields; its states were read before.
    fn processor(&mut self, fields: &mut Fields<'_>, language: QueryLanguage) -> MapMode {
        let iterator = fields.node("Iterator");
        let (field, node) = match fields.node("ItemProcessor") {
            Some(node) => ("ItemProcessor", node),
            None => match iterator {
                Some(node) => ("Iterator", node),
                None => return MapMode::Inline,
            },
        };
        let location = fields.at(field);
        let Some(object) = node.as_object() else {
            return MapMode::Inline;
        };
        let mut processor = Fields::new(node.span, object, &location);
        self.scope_fields(&mut processor);
        let config = processor.node("ProcessorConfig");
        let execution_type =
            config.and_then(|config| self.config(config, &processor.at("ProcessorConfig")));
        processor.finish(self);
        match execution_type {
            Some(execution_type) => {
                MapMode::Distributed(Box::new(self.distributed(fields, execution_type, language)))
            }
            None => MapMode::Inline,
        }
    }

    /// `ProcessorConfig`: the type of the children, when the Map is distributed.
    fn config(&mut self, node: &Node, location: &str) -> Option<ExecutionType> {
        let mut fields = Fields::of(self, node, location)?;
        let mode = fields.one_of(self, "Mode", &["INLINE", "DISTRIBUTED"]);
        let execution_type = fields.one_of(self, "ExecutionType", &["STANDARD", "EXPRESS"]);
        let is_distributed = mode == Some("DISTRIBUTED");
        if is_distributed {
            fields.require(self, &["ExecutionType"]);
        } else if fields.has("ExecutionType") {
            let message = "The field 'ExecutionType' is only supported in DISTRIBUTED mode";
            self.schema(message, location, node.span);
        }
        fields.finish(self);
        is_distributed.then_some(match execution_type {
            Some("EXPRESS") => ExecutionType::Express,
            Some(_) | None => ExecutionType::Standard,
        })
    }

    fn distributed(
        &mut self,
        fields: &mut Fields<'_>,
        execution_type: ExecutionType,
        language: QueryLanguage,
    ) -> Distributed {
        let percentage = [
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath",
        ];
        let count = ["ToleratedFailureCount", "ToleratedFailureCountPath"];
        let label_span = fields.object.get("Label").map(|node| node.span);
        let label = fields.text(self, "Label");
        if let (Some(label), Some(span)) = (&label, label_span) {
            self.check_label(label, &fields.at("Label"), span);
        }
        Distributed {
            execution_type,
            item_reader: self.template(fields, "ItemReader", language),
            item_batcher: self.template(fields, "ItemBatcher", language),
            result_writer: self.template(fields, "ResultWriter", language),
            tolerated_failure_percentage: fields
                .number_field(self, percentage, PERCENTAGE, language),
            tolerated_failure_count: fields.number_field(self, count, COUNT, language),
            label,
        }
    }

    fn check_label(&mut self, label: &str, location: &str, span: Span) {
        const REFUSED: &str = "?*<>{}[]:;,\\|^~$#%&`\"";
        let is_refused = |character: char| {
            character.is_whitespace() || character.is_control() || REFUSED.contains(character)
        };
        if label.is_empty() || label.chars().count() > 40 || label.contains(is_refused) {
            let message = format!("Invalid label: '{label}'");
            self.report(
                Code::InvalidLabelName,
                message,
                Some(location.to_owned()),
                span,
            );
        }
        if self.labels.insert(label.to_owned(), span).is_some() {
            let message = format!("Duplicate label: '{label}'");
            self.report(
                Code::DuplicateLabelName,
                message,
                Some(location.to_owned()),
                span,
            );
        }
    }
}

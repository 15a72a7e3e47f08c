//! The Map state.

use crate::json::Node;
use crate::model::{ExecutionType, Map, MapMode, NumberField, PathField, QueryLanguage};

use super::fields::{Fields, Range};
use super::state::Setting;
use super::{Parser, wording};

pub(super) const COUNT: Range = Range {
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
        let transition = self.transition(fields, setting);
        let processor = self.pending_state(setting.id).inner.first().copied()?;
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
            let location = fields.at("ItemsPath");
            self.schema(wording::expected("String"), location, fields.span);
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
        let tolerance = self.tolerance(fields, language);
        match execution_type {
            Some(execution_type) => MapMode::Distributed(Box::new(self.distributed(
                fields,
                execution_type,
                language,
                tolerance,
            ))),
            None => MapMode::Inline,
        }
    }

    /// What a distributed Map survives. AWS accepts it for an inline Map too, where it is of no
    /// use.
    fn tolerance(&mut self, fields: &mut Fields<'_>, language: QueryLanguage) -> Tolerance {
        let percentage = [
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath",
        ];
        let count = ["ToleratedFailureCount", "ToleratedFailureCountPath"];
        Tolerance {
            percentage: fields.number_field(self, percentage, PERCENTAGE, language),
            count: fields.number_field(self, count, COUNT, language),
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
            if self.execution_type == ExecutionType::Express {
                let (message, location) = (wording::EXPRESS_DISTRIBUTED, fields.at("Mode"));
                self.schema(message, location, node.span);
            }
        } else if let Some(entry) = fields.object.entry("ExecutionType") {
            let message = wording::unsupported("ExecutionType");
            self.schema(message, location, entry.key_span);
        }
        fields.finish(self);
        is_distributed.then_some(match execution_type {
            Some("EXPRESS") => ExecutionType::Express,
            Some(_) | None => ExecutionType::Standard,
        })
    }
}

/// Failures that a Map survives.
pub(super) struct Tolerance {
    pub(super) percentage: Option<NumberField>,
    pub(super) count: Option<NumberField>,
}

//! What only a distributed Map has: its label, and where its items come from and go to.

use crate::diagnostic::Code;
use crate::json::Node;
use crate::model::{
    Distributed, ExecutionType, ItemBatcher, QueryLanguage, ResultWriter, Transformation,
};
use crate::source::Span;

use super::fields::{Fields, Range};
use super::map::{COUNT, Tolerance};
use super::{Parser, wording};

const READERS: [&str; 2] = [
    "arn:aws:states:::s3:getObject",
    "arn:aws:states:::s3:listObjectsV2",
];
const WRITERS: [&str; 1] = ["arn:aws:states:::s3:putObject"];

const MAX_ITEMS: Range = Range {
    minimum: 0,
    maximum: 100_000_000,
    is_integer: true,
};
const BATCH_BYTES: Range = Range {
    minimum: 0,
    maximum: 262_144,
    is_integer: true,
};

const LABEL_LENGTH_MAX: usize = 40;

impl Parser<'_> {
    pub(super) fn distributed(
        &mut self,
        fields: &mut Fields<'_>,
        execution_type: ExecutionType,
        language: QueryLanguage,
        tolerance: Tolerance,
    ) -> Distributed {
        let label_span = fields.object.get("Label").map(|node| node.span);
        let label = fields.text(self, "Label");
        if let (Some(label), Some(span)) = (&label, label_span) {
            self.check_label(label, &fields.at("Label"), span);
        }
        self.reader(fields, language);
        Distributed {
            execution_type,
            item_reader: self.template(fields, "ItemReader", language),
            item_batcher: self.batcher(fields, language),
            result_writer: self.writer(fields, language),
            tolerated_failure_percentage: tolerance.percentage,
            tolerated_failure_count: tolerance.count,
            label,
        }
    }

    fn check_label(&mut self, label: &str, location: &str, span: Span) {
        const REFUSED: &str = "?*<>{}[]:;,\\|^~$#%&`\"";
        let is_refused = |character: char| {
            character.is_whitespace() || character.is_control() || REFUSED.contains(character)
        };
        let is_long = label.chars().count() > LABEL_LENGTH_MAX;
        if label.is_empty() || is_long || label.contains(is_refused) {
            let message = wording::invalid_label(label);
            self.report(Code::InvalidLabelName, message, Some(location), span);
        }
        if !self.labels.insert(label.to_owned()) {
            let message = wording::duplicate_label(label);
            self.report(Code::DuplicateLabelName, message, Some(location), span);
        }
    }

    fn reader(&mut self, fields: &mut Fields<'_>, language: QueryLanguage) {
        let Some(mut reader) = self.part(fields, "ItemReader", language) else {
            return;
        };
        reader.require(self, &["Resource"]);
        self.source(&mut reader, &READERS, language);
        if let Some(mut config) = self.part(&mut reader, "ReaderConfig", language) {
            let types = ["CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"];
            config.one_of(self, "InputType", &types);
            config.one_of(self, "CSVHeaderLocation", &["FIRST_ROW", "GIVEN"]);
            let delimiters = ["COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"];
            config.one_of(self, "CSVDelimiter", &delimiters);
            config.texts(self, "CSVHeaders");
            config.text(self, "ItemsPointer");
            config.one_of(self, "ManifestType", &["S3_INVENTORY", "ATHENA_DATA"]);
            config.one_of(self, "Transformation", &["NONE", "LOAD_AND_FLATTEN"]);
            let pair = ["MaxItems", "MaxItemsPath"];
            self.part_number(&mut config, pair, MAX_ITEMS, language);
            config.finish(self);
        }
        reader.finish(self);
    }

    fn batcher(&mut self, fields: &mut Fields<'_>, language: QueryLanguage) -> Option<ItemBatcher> {
        let mut batcher = self.part(fields, "ItemBatcher", language)?;
        let batch_input = self.template(&mut batcher, "BatchInput", language);
        let items = ["MaxItemsPerBatch", "MaxItemsPerBatchPath"];
        let bytes = ["MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"];
        let limits = [items, bytes].concat();
        if !limits.iter().any(|limit| batcher.has(limit)) {
            let limits = [items[0], bytes[0]];
            let message = wording::exactly_one(&limits);
            self.schema(message, &batcher.location, batcher.span);
        }
        let items_max = batcher.number_field(self, items, COUNT, language);
        let bytes_max = batcher.number_field(self, bytes, BATCH_BYTES, language);
        batcher.finish(self);
        Some(ItemBatcher {
            batch_input,
            items_max,
            bytes_max,
        })
    }

    fn writer(&mut self, fields: &mut Fields<'_>, language: QueryLanguage) -> Option<ResultWriter> {
        let mut writer = self.part(fields, "ResultWriter", language)?;
        self.source(&mut writer, &WRITERS, language);
        let has_resource = writer.has("Resource");
        let mut transformation = None;
        if let Some(mut config) = self.part(&mut writer, "WriterConfig", language) {
            config.one_of(self, "OutputType", &["JSON", "JSONL"]);
            let transformations = ["NONE", "COMPACT", "FLATTEN"];
            transformation = Some(
                match config.one_of(self, "Transformation", &transformations) {
                    Some("NONE") => Transformation::None,
                    Some("FLATTEN") => Transformation::Flatten,
                    Some(_) | None => Transformation::Compact,
                },
            );
            config.finish(self);
        }
        writer.finish(self);
        Some(ResultWriter {
            written: self.template(fields, "ResultWriter", language)?,
            has_resource,
            transformation,
        })
    }

    /// An object inside a field, whose expressions are read with the field as a whole.
    fn part<'a>(
        &mut self,
        fields: &mut Fields<'a>,
        field: &'static str,
        language: QueryLanguage,
    ) -> Option<Fields<'a>> {
        let node = fields.node(field)?;
        let mut part = Fields::of(self, node, &fields.at(field))?;
        part.language = Some(language);
        Some(part)
    }

    /// `Resource` with its parameters.
    fn source(&mut self, fields: &mut Fields<'_>, known: &[&str], language: QueryLanguage) {
        fields.skip(match language {
            QueryLanguage::JsonPath => "Parameters",
            QueryLanguage::Jsonata => "Arguments",
        });
        let span = fields.object.get("Resource").map(|node| node.span);
        if let Some(resource) = fields.text(self, "Resource")
            && let Some(span) = span
            && !known.contains(&&*resource)
        {
            let message = wording::unknown_resource(&resource);
            self.schema(message, fields.at("Resource"), span);
        }
    }

    /// A number of which only the literal form is looked at: an expression is read with the field
    /// around it.
    fn part_number(
        &mut self,
        fields: &mut Fields<'_>,
        [field, path_field]: [&'static str; 2],
        range: Range,
        language: QueryLanguage,
    ) {
        if language == QueryLanguage::JsonPath {
            fields.at_most_one(self, &[field, path_field]);
            fields.reference_path(self, path_field);
        }
        let is_expression = |node: &Node| {
            let text = node.as_str().unwrap_or_default();
            language == QueryLanguage::Jsonata && (text.starts_with("{%") || text.ends_with("%}"))
        };
        if let Some(node) = fields.node(field)
            && !is_expression(node)
        {
            fields.number(self, field, node, range);
        }
    }
}

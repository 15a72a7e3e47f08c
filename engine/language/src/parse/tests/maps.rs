//! Parallel and Map states, distributed ones included.

use super::*;

const PROCESSOR: &str = r#""StartAt": "P", "States": {"P": {"Type": "Succeed"}}"#;

fn inline(fields: &str) -> String {
    format!(r#"{{"Type": "Map", "ItemProcessor": {{{PROCESSOR}}}, "End": true{fields}}}"#)
}

fn distributed(fields: &str) -> String {
    let config = r#""ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}"#;
    format!(r#"{{"Type": "Map", "ItemProcessor": {{{config}, {PROCESSOR}}}, "End": true{fields}}}"#)
}

#[test]
fn parallel_has_branches() {
    check_state(
        r#"{"Type": "Parallel", "End": true}"#,
        "{S}: These fields are required: [Branches] at @",
    );
    check_state(
        r#"{"Type": "Parallel", "Branches": [], "End": true}"#,
        "{S}: Value cannot be empty at @/Branches",
    );
    check_state(
        r#"{"Type": "Parallel", "Branches": {}, "End": true}"#,
        "{S}: Expected value of type Array at @/Branches",
    );
    check_state(
        r#"{"Type": "Parallel", "Branches": [5, {"Foo": 1}], "End": true}"#,
        "{S}: Expected value of type Object at @/Branches[0], \
         {S}: These fields are required: [States, StartAt] at @/Branches[1], \
         {S}: Field 'Foo' is not supported at @/Branches[1]",
    );
}

#[test]
fn map_has_one_processor() {
    check_state(
        r#"{"Type": "Map", "End": true}"#,
        "{S}: These fields are required: [ItemProcessor] at @",
    );
    check_state(
        &format!(r#"{{"Type": "Map", "Iterator": {{{PROCESSOR}}}, "End": true}}"#),
        "",
    );
    check_state(
        &inline(r#", "Iterator": {}"#),
        "{S}: There should only be one of the following fields: [ItemProcessor, Iterator] at @",
    );
    check_state(
        r#"{"Type": "Map", "ItemProcessor": [], "End": true}"#,
        "{S}: Expected value of type Object at @/ItemProcessor",
    );
    check_state(
        &inline(r#", "ItemSelector": {}, "Parameters": {}"#),
        "{S}: There should only be one of the following fields: [ItemSelector, Parameters] at @",
    );
}

#[test]
fn items_path_is_a_path() {
    check_state(&inline(r#", "ItemsPath": "$.a[*].b""#), "");
    check_state(
        &inline(r#", "ItemsPath": "a""#),
        "{S}: Value must be a valid JSONPath. at @/ItemsPath",
    );
    check_state(
        &inline(r#", "ItemsPath": null"#),
        "{S}: Expected value of type String at @/ItemsPath",
    );
}

#[test]
fn numbers_stay_in_their_ranges() {
    for field in ["MaxConcurrency", "ToleratedFailureCount"] {
        check_state(&distributed(&format!(r#", "{field}": 0"#)), "");
        check_state(
            &distributed(&format!(r#", "{field}": -1"#)),
            &format!("{{S}}: Minimum value is 0 at @/{field}"),
        );
    }
    for (value, expected) in [
        ("0", ""),
        ("99.5", ""),
        (
            "-0.1",
            "{S}: Minimum value is 0.0 at @/ToleratedFailurePercentage",
        ),
        (
            "100.1",
            "{S}: Maximum value is 100.0 at @/ToleratedFailurePercentage",
        ),
        (
            r#""5""#,
            "{S}: Expected value of type Number at @/ToleratedFailurePercentage",
        ),
    ] {
        let fields = format!(r#", "ToleratedFailurePercentage": {value}"#);
        check_state(&distributed(&fields), expected);
        // AWS has been seen to accept it here too.
        check_state(&inline(&fields), expected);
    }
    for field in [
        "MaxConcurrency",
        "ToleratedFailureCount",
        "ToleratedFailurePercentage",
    ] {
        check_state(
            &distributed(&format!(r#", "{field}": 1, "{field}Path": "$.a""#)),
            &format!(
                "{{S}}: There should only be one of the following fields: [{field}, {field}Path] at @"
            ),
        );
        check_state(
            &distributed(&format!(r#", "{field}Path": "$$.Execution.Input.n""#)),
            &format!(
                "{{S}}: Value is not a Reference Path: the context object cannot be referred to \
                 here at @/{field}Path"
            ),
        );
        check_state(
            &distributed(&format!(r#", "{field}Path": "$variable""#)),
            "",
        );
        check_jsonata(&distributed(&format!(r#", "{field}": "{{% 1 %}}""#)), "");
    }
}

#[test]
fn a_processor_says_how_it_runs() {
    let map = |config: &str| {
        format!(
            r#"{{"Type": "Map", "ItemProcessor": {{"ProcessorConfig": {config}, {PROCESSOR}}}, "End": true}}"#
        )
    };
    let at = "@/ItemProcessor/ProcessorConfig";
    check_state(&map("{}"), "");
    check_state(&map(r#"{"Mode": "INLINE"}"#), "");
    check_state(
        &map(r#"{"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}"#),
        "",
    );
    check_state(
        &map(r#"{"Mode": "DISTRIBUTED"}"#),
        &format!("{{S}}: These fields are required: [ExecutionType] at {at}"),
    );
    check_state(
        &map(r#"{"Mode": "INLINE", "ExecutionType": "EXPRESS"}"#),
        &format!("{{S}}: Field 'ExecutionType' is not supported at {at}"),
    );
    check_state(
        &map(r#"{"Mode": "FAST", "Foo": 1}"#),
        &format!(
            "{{S}}: The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED] at \
             {at}/Mode, {{S}}: Field 'Foo' is not supported at {at}"
        ),
    );
    check_express(
        &map(r#"{"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}"#),
        &format!("{{S}}: Express state machine does not support DISTRIBUTED mode at {at}/Mode"),
    );
}

#[test]
fn only_a_distributed_map_has_a_reader_a_batcher_a_writer_and_a_label() {
    for (field, value) in [
        (
            "ItemReader",
            r#"{"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket.$": "$.b"}}"#,
        ),
        (
            "ItemBatcher",
            r#"{"MaxItemsPerBatch": 5, "BatchInput": {"a.$": "$.b"}}"#,
        ),
        (
            "ResultWriter",
            r#"{"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}"#,
        ),
        ("Label", r#""label""#),
    ] {
        let fields = format!(r#", "{field}": {value}"#);
        check_state(&distributed(&fields), "");
        check_state(
            &inline(&fields),
            &format!("{{S}}: Field '{field}' is not supported at @"),
        );
    }
}

#[test]
fn a_reader_is_told_how_to_read() {
    let check_config = |config: &str, expected: &str| {
        let fields = format!(
            r#", "ItemReader": {{"Resource": "arn:aws:states:::s3:getObject",
                "Parameters": {{"Bucket": "b", "Key.$": "$.k"}}, "ReaderConfig": {{{config}}}}}"#
        );
        check_state(
            &distributed(&fields),
            &expected.replace('#', "@/ItemReader/ReaderConfig"),
        );
    };
    check_config(
        r#""InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a"], "CSVDelimiter": "TAB", "MaxItems": 100000000"#,
        "",
    );
    check_config(
        r#""InputType": "JSON", "ItemsPointer": "/a", "MaxItemsPath": "$.n""#,
        "",
    );
    check_config(
        r#""InputType": "MANIFEST", "ManifestType": "ATHENA_DATA", "Transformation": "NONE""#,
        "",
    );
    check_config(
        r#""InputType": "XML""#,
        "{S}: The field 'InputType' should have one of these values: \
         [CSV, JSON, JSONL, PARQUET, MANIFEST] at #/InputType",
    );
    check_config(r#""MaxItems": -1"#, "{S}: Minimum value is 0 at #/MaxItems");
    check_config(
        r#""MaxItems": 100000001"#,
        "{S}: Maximum value is 100000000 at #/MaxItems",
    );
    check_config(
        r#""MaxItems": 1, "MaxItemsPath": "$.n""#,
        "{S}: There should only be one of the following fields: [MaxItems, MaxItemsPath] at #",
    );
    check_config(r#""Foo": 1"#, "{S}: Field 'Foo' is not supported at #");
    check_config(
        r#""CSVHeaders": []"#,
        "{S}: Value cannot be empty at #/CSVHeaders",
    );
    check_state(
        &distributed(r#", "ItemReader": {"Resource": "arn:aws:states:::s3:putObject"}"#),
        "{S}: The resource provided arn:aws:states:::s3:putObject is not recognized. The value is \
         not a valid resource ARN, or the resource is not available in this region. \
         at @/ItemReader/Resource",
    );
    check_state(
        &distributed(r#", "ItemReader": {}"#),
        "{S}: These fields are required: [Resource] at @/ItemReader",
    );
    check_state(
        &distributed(r#", "ItemReader": "r""#),
        "{S}: Expected value of type Object at @/ItemReader",
    );
}

#[test]
fn a_batcher_has_a_limit() {
    let batcher = |fields: &str| distributed(&format!(r#", "ItemBatcher": {{{fields}}}"#));
    check_state(
        &batcher(r#""MaxItemsPerBatchPath": "$.n", "MaxInputBytesPerBatch": 262144"#),
        "",
    );
    check_state(
        &batcher(""),
        "{S}: One of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch] \
         at @/ItemBatcher",
    );
    check_state(
        &batcher(r#""MaxInputBytesPerBatch": 262145"#),
        "{S}: Maximum value is 262144 at @/ItemBatcher/MaxInputBytesPerBatch",
    );
    check_state(
        &batcher(r#""MaxItemsPerBatch": 1, "MaxItemsPerBatchPath": "$.n""#),
        "{S}: There should only be one of the following fields: \
         [MaxItemsPerBatch, MaxItemsPerBatchPath] at @/ItemBatcher",
    );
    check_jsonata(&batcher(r#""MaxItemsPerBatch": "{% 5 %}""#), "");
    check_jsonata(
        &batcher(r#""MaxItemsPerBatch": "{% 5""#),
        "{S}: A JSONata expression starts with '{%' and ends with '%}' at \
         @/ItemBatcher/MaxItemsPerBatch",
    );
    check_jsonata(
        &batcher(r#""MaxItemsPerBatch": "5""#),
        "{S}: Expected value of type Integer at @/ItemBatcher/MaxItemsPerBatch",
    );
    check_jsonata(
        &batcher(r#""MaxItemsPerBatch": 5, "MaxInputBytesPerBatchPath": "$.n""#),
        "{S}: The QueryLanguage is set to 'JSONata', but field 'MaxInputBytesPerBatchPath' is only \
         supported for the 'JSONPath' QueryLanguage at @/ItemBatcher",
    );
}

#[test]
fn a_writer_may_only_format() {
    let writer = |fields: &str| distributed(&format!(r#", "ResultWriter": {{{fields}}}"#));
    let config = r#""WriterConfig": {"OutputType": "JSONL", "Transformation": "FLATTEN"}"#;
    check_state(&writer(config), "");
    check_jsonata(
        &writer(&format!(
            r#""Resource": "arn:aws:states:::s3:putObject", "Arguments": {{}}, {config}"#
        )),
        "",
    );
    check_state(
        &writer(r#""WriterConfig": {"OutputType": "CSV", "Foo": 1}"#),
        "{S}: The field 'OutputType' should have one of these values: [JSON, JSONL] at \
         @/ResultWriter/WriterConfig/OutputType, \
         {S}: Field 'Foo' is not supported at @/ResultWriter/WriterConfig",
    );
}

#[test]
fn labels_are_short_plain_and_unique() {
    let label = |label: &str| distributed(&format!(r#", "Label": "{label}""#));
    check_state(&label(&"ä".repeat(40)), "");
    check_state(&label("a-b_c.d/e"), "");
    let mut refused: Vec<String> = r"?*<>{}[]:;,|^~$#%&`".chars().map(String::from).collect();
    refused.extend(["", " ", r"\n", r"\u0000", r"\u0085", r"\\", r#"\""#].map(String::from));
    refused.push("a".repeat(41));
    for text in refused {
        let written: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
        check_state(
            &label(&text),
            &format!("INVALID_LABEL_NAME: Invalid label: '{written}' at /States/X/Label")
                .replace('@', "/States/X"),
        );
    }
    let map = |processor: &str, rest: &str| {
        format!(
            r#"{{"Type": "Map", "Label": "l", {rest}, "ItemProcessor": {{"ProcessorConfig":
                {{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}, {processor}}}}}"#
        )
    };
    let second = map(PROCESSOR, r#""End": true"#);
    let inner = format!(r#""StartAt": "M", "States": {{"M": {second}}}"#);
    check_state(
        &map(&inner, r#""End": true"#),
        "DUPLICATE_LABEL_NAME: Duplicate label: 'l' at @/ItemProcessor/States/M/Label",
    );
    check_state(
        &distributed(r#", "Label": 5"#),
        "{S}: Expected value of type String at @/Label",
    );
}

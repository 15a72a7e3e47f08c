//! Shapes of members that several operations have. Source: API reference, "Length Constraints" and
//! "Valid Values" of each.

use stepwell::interpreter::Payload;
use stepwell::operations::model::{Rule, Shape, Structure, optional, required};
use stepwell::store::StateMachineKind;

use super::extract::IncludedData;

/// An ARN.
pub(super) const ARN: Shape = Shape::Text(&[Rule::Length(1..=256)]);

/// An ARN of a version that is to be deleted, or of a Map Run.
pub(super) const LONG_ARN: Shape = Shape::Text(&[Rule::Length(1..=2_000)]);

/// A name of anything but an alias.
pub(super) const NAME: Shape = Shape::Text(&[Rule::Length(1..=80)]);

/// A text that follows no rule of the model.
pub(super) const ANY_TEXT: Shape = Shape::Text(&[]);

/// The definition of a state machine.
pub(super) const DEFINITION: Shape = Shape::Sensitive(&[Rule::Length(1..=1_048_576)]);

/// What a version or an alias is for.
pub(super) const DESCRIPTION: Shape = Shape::Sensitive(&[Rule::Length(0..=256)]);

/// An input, an output, or another payload.
pub(super) const PAYLOAD: Shape = Shape::Sensitive(&[Rule::Bytes(Payload::SIZE_MAX)]);

/// The name of an error.
pub(super) const ERROR: Shape = Shape::Sensitive(&[Rule::Length(0..=256)]);

/// Why there was an error.
pub(super) const CAUSE: Shape = Shape::Sensitive(&[Rule::Length(0..=32_768)]);

/// A token that a task is answered with.
pub(super) const TASK_TOKEN: Shape = Shape::Text(&[Rule::Length(1..=2_048)]);

/// The header of a trace.
pub(super) const TRACE_HEADER: Shape = Shape::Text(&[
    Rule::Length(0..=256),
    Rule::Pattern(r"\p{ASCII}*", str::is_ascii),
]);

/// Entries of a page.
pub(super) const PAGE_SIZE: Shape = Shape::Integer(0..=1_000);

/// Where a page ended.
pub(super) const PAGE_TOKEN: Shape = Shape::Text(&[Rule::Length(1..=1_024)]);

/// A whole number that is not negative.
pub(super) const COUNT: Shape = Shape::Integer(0..=i64::MAX);

/// Tags of a resource.
pub(super) const TAGS: Shape = Shape::List(&Shape::Structure(&TAG), 0..=usize::MAX);

const TAG: Structure = Structure {
    name: "Tag",
    members: &[
        required("key", TAG_KEY),
        optional("value", Shape::Text(&[Rule::Length(0..=256)])),
    ],
};

/// The key of a tag.
pub(super) const TAG_KEY: Shape = Shape::Text(&[Rule::Length(1..=128)]);

/// What an alias stands for.
pub(super) const ROUTING: Shape = Shape::List(&Shape::Structure(&ROUTE), 1..=2);

const ROUTE: Structure = Structure {
    name: "RoutingConfigurationListItem",
    members: &[
        required("stateMachineVersionArn", ARN),
        required("weight", Shape::Integer(0..=100)),
    ],
};

/// The types of state machines.
pub(super) const TYPES: [(&str, StateMachineKind); 2] = [
    ("STANDARD", StateMachineKind::Standard),
    ("EXPRESS", StateMachineKind::Express),
];

/// The type of a state machine.
pub(super) const TYPE: Shape = Shape::OneOf(TYPE_NAMES);

const TYPE_NAMES: &[&str] = &names(&TYPES);

/// How much is to be shown.
pub(super) const INCLUDED: [(&str, IncludedData); 2] = [
    ("ALL_DATA", IncludedData::All),
    ("METADATA_ONLY", IncludedData::MetadataOnly),
];

/// How much an answer is to hold.
pub(super) const INCLUDED_DATA: Shape = Shape::OneOf(INCLUDED_NAMES);

const INCLUDED_NAMES: &[&str] = &names(&INCLUDED);

/// The texts of a table of texts and what they mean.
pub(super) const fn names<T, const COUNT: usize>(
    table: &[(&'static str, T); COUNT],
) -> [&'static str; COUNT] {
    let mut names = [""; COUNT];
    let mut index = 0;
    while index < COUNT {
        names[index] = table[index].0;
        index += 1;
    }
    names
}

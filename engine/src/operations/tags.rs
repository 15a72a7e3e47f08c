//! Tags: words that people put on state machines and activities.

use serde::{Deserialize, Serialize};

use crate::arn::{Arns, Taggable};
use crate::engine::Engine;
use crate::error::OperationError;
use crate::store::{StateMachineKey, Tagging};

use super::constraints::{self, Violations};

/// A word, and what it says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tag {
    /// The word: 1 to 128 characters.
    pub key: String,
    /// What it says: up to 256 characters.
    pub value: String,
}

/// A request for [`Engine::tag_resource`].
#[derive(Clone, Debug)]
pub struct TagResource {
    /// What is tagged: a state machine or an activity.
    pub resource_arn: String,
    /// Its new tags. Those with keys that it has replace them, the others stay.
    pub tags: Vec<Tag>,
}

/// A request for [`Engine::untag_resource`].
#[derive(Clone, Debug)]
pub struct UntagResource {
    /// What loses tags: a state machine or an activity.
    pub resource_arn: String,
    /// The keys of the tags to lose. It need not have them.
    pub tag_keys: Vec<String>,
}

/// Tags of a resource. Source: API quotas, "Maximum number of tags".
const TAGS_MAX: usize = 50;

/// What begins the keys that AWS keeps to itself.
const RESERVED: &str = "aws:";

impl Engine {
    /// `TagResource`.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such resource, tags that break a rule, or too many.
    pub async fn tag_resource(&self, request: TagResource) -> Result<(), OperationError> {
        let arn = &request.resource_arn;
        let mut violations = Violations::default();
        violations.length(arn, "resourceArn", constraints::ARN);
        check_lengths(&request.tags, &mut violations);
        violations.finish()?;
        self.change_tags(arn, |tags| merge(tags, &request.tags, arn))
            .await
    }

    /// `UntagResource`.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such resource.
    pub async fn untag_resource(&self, request: UntagResource) -> Result<(), OperationError> {
        let arn = &request.resource_arn;
        let mut violations = Violations::default();
        violations.length(arn, "resourceArn", constraints::ARN);
        for (key, position) in request.tag_keys.iter().zip(1..) {
            violations.length(key, &format!("tagKeys.{position}.member"), 1..=128);
        }
        violations.finish()?;
        self.change_tags(arn, |tags| {
            tags.retain(|tag| !request.tag_keys.contains(&tag.key));
            Ok(())
        })
        .await
    }

    /// `ListTagsForResource`: the tags, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such resource.
    pub async fn list_tags_for_resource(&self, arn: &str) -> Result<Vec<Tag>, OperationError> {
        let mut violations = Violations::default();
        violations.length(arn, "resourceArn", constraints::ARN);
        violations.finish()?;
        Ok(read(&self.tagged(arn).await?.tags))
    }

    /// Changes the tags of a resource. Changes at the same time all take effect.
    async fn change_tags(
        &self,
        arn: &str,
        change: impl Fn(&mut Vec<Tag>) -> Result<(), OperationError>,
    ) -> Result<(), OperationError> {
        let Tagged { what, tags } = self.tagged(arn).await?;
        let mut before = tags;
        loop {
            let mut tags = read(&before);
            change(&mut tags)?;
            let store = self.executor.store();
            let tags = write(&tags);
            let tagged = match &what {
                What::StateMachine(key) => Some(store.tag_state_machine(*key, before, tags).await?),
                What::Activity(name) => {
                    let activities = store.activities();
                    activities.tag_activity(name, before, tags).await?
                }
            };
            match tagged.ok_or_else(|| not_found(arn))? {
                Tagging::Tagged => return Ok(()),
                Tagging::Outdated(newer) => before = newer,
            }
        }
    }

    async fn tagged(&self, arn: &str) -> Result<Tagged, OperationError> {
        let taggable = Arns::parse_taggable(arn)?;
        if !self.arns.is_own(arn) {
            return Err(not_found(arn));
        }
        let store = self.executor.store();
        let found = match taggable {
            Taggable::StateMachine(name) => {
                store.state_machine(&name).await?.map(|record| Tagged {
                    what: What::StateMachine(record.key),
                    tags: record.tags,
                })
            }
            Taggable::Activity(name) => {
                let found = store.activities().activity(&name).await?;
                found.map(|record| Tagged {
                    what: What::Activity(record.name),
                    tags: record.tags,
                })
            }
            Taggable::Nothing => None,
        };
        found.ok_or_else(|| not_found(arn))
    }
}

/// A resource, with its tags as the store keeps them.
struct Tagged {
    what: What,
    tags: String,
}

/// What has tags.
enum What {
    StateMachine(StateMachineKey),
    /// By its name.
    Activity(String),
}

fn not_found(arn: &str) -> OperationError {
    OperationError::ResourceNotFound {
        resource: arn.to_owned(),
    }
}

/// The tags of a new resource, as the store keeps them.
pub(super) fn of_new(tags: &[Tag], arn: &str) -> Result<String, OperationError> {
    let mut violations = Violations::default();
    check_lengths(tags, &mut violations);
    violations.finish()?;
    let mut kept = Vec::new();
    merge(&mut kept, tags, arn)?;
    Ok(write(&kept))
}

fn check_lengths(tags: &[Tag], violations: &mut Violations) {
    for (tag, position) in tags.iter().zip(1..) {
        violations.length(&tag.key, &format!("tags.{position}.member.key"), 1..=128);
        violations.length(
            &tag.value,
            &format!("tags.{position}.member.value"),
            0..=256,
        );
    }
}

/// Adds tags to those that are there.
fn merge(tags: &mut Vec<Tag>, added: &[Tag], arn: &str) -> Result<(), OperationError> {
    for tag in added {
        check_words(tag)?;
        match tags.iter_mut().find(|known| known.key == tag.key) {
            Some(known) => known.value.clone_from(&tag.value),
            None => tags.push(tag.clone()),
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(OperationError::TooManyTags {
            resource: arn.to_owned(),
            maximum: TAGS_MAX,
        });
    }
    Ok(())
}

fn check_words(tag: &Tag) -> Result<(), OperationError> {
    let is_allowed = |character: char| {
        character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
    };
    for text in [&tag.key, &tag.value] {
        if !text.chars().all(is_allowed) {
            return Err(OperationError::Validation(format!(
                "Tag keys and values may only contain letters, digits, white space and _ . : / = + - @. Received: {text}"
            )));
        }
    }
    if tag
        .key
        .get(..RESERVED.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(RESERVED))
    {
        return Err(OperationError::Validation(format!(
            "Tag keys may not begin with {RESERVED}. Received: {}",
            tag.key
        )));
    }
    Ok(())
}

fn write(tags: &[Tag]) -> String {
    serde_json::to_string(tags).expect("texts can be written")
}

/// Whatever cannot be read is no tag: it was written by us.
fn read(text: &str) -> Vec<Tag> {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    }

    #[track_caller]
    fn refused(tags: &[Tag], code: &str, message: &str) {
        let error = of_new(tags, "arn").unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, message));
    }

    #[test]
    fn a_key_stands_once_where_it_stood_first() {
        let tags = [tag("a", "1"), tag("b", "2"), tag("a", "3"), tag("A", "")];
        let kept = read(&of_new(&tags, "arn").unwrap());
        assert_eq!(kept, [tag("a", "3"), tag("b", "2"), tag("A", "")]);
    }

    #[test]
    fn tags_have_limits() {
        let many: Vec<Tag> = (0..51).map(|n| tag(&n.to_string(), "x")).collect();
        assert!(of_new(&many[1..], "arn").is_ok());
        refused(&many, "TooManyTags", "A resource can have at most 50 tags");
        let long = "ä".repeat(257);
        assert!(of_new(&[tag(&long[..256], &long[..512])], "arn").is_ok());
        let message = format!(
            "2 validation errors detected: Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '{long}' at 'tags.2.member.value' failed to satisfy constraint: Member must have length less than or equal to 256"
        );
        refused(
            &[tag("", ""), tag("a", &long)],
            "ValidationException",
            &message,
        );
    }

    #[test]
    fn tags_consist_of_letters_and_a_few_signs() {
        assert!(of_new(&[tag("Größe 1_.:/=+-@", "日本\tx")], "arn").is_ok());
        for (tag, message) in [
            (
                tag("a", "b;c"),
                "Tag keys and values may only contain letters, digits, white space and _ . : / = + - @. Received: b;c",
            ),
            (
                tag("{}", ""),
                "Tag keys and values may only contain letters, digits, white space and _ . : / = + - @. Received: {}",
            ),
            (
                tag("AWS:x", ""),
                "Tag keys may not begin with aws:. Received: AWS:x",
            ),
        ] {
            refused(&[tag], "ValidationException", message);
        }
        assert!(of_new(&[tag("awsome", "aws:")], "arn").is_ok());
    }
}

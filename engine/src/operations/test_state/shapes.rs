//! What the APIs of AWS services answer with, and whether a mocked result is such an answer.
//!
//! The tables in `shapes/` are made by `shapes/reduce.py`, which says how they are to be read. They
//! are text, so that a new version of a model can be reviewed; one is looked through only when a
//! mock needs it.

use stepwell_language::json::{Members, Value};

use super::apis::Answer;

/// The tables by service, in order.
const TABLES: &[(&str, &str)] = &[
    ("apigateway", include_str!("shapes/apigateway.txt")),
    ("athena", include_str!("shapes/athena.txt")),
    ("batch", include_str!("shapes/batch.txt")),
    ("bedrock", include_str!("shapes/bedrock.txt")),
    (
        "bedrock-runtime",
        include_str!("shapes/bedrock-runtime.txt"),
    ),
    ("cloudwatch", include_str!("shapes/cloudwatch.txt")),
    ("codebuild", include_str!("shapes/codebuild.txt")),
    ("cognito-idp", include_str!("shapes/cognito-idp.txt")),
    ("databrew", include_str!("shapes/databrew.txt")),
    ("dynamodb", include_str!("shapes/dynamodb.txt")),
    ("ec2", include_str!("shapes/ec2.txt")),
    ("ecs", include_str!("shapes/ecs.txt")),
    ("eks", include_str!("shapes/eks.txt")),
    ("emr", include_str!("shapes/emr.txt")),
    ("emr-containers", include_str!("shapes/emr-containers.txt")),
    ("emr-serverless", include_str!("shapes/emr-serverless.txt")),
    ("events", include_str!("shapes/events.txt")),
    ("firehose", include_str!("shapes/firehose.txt")),
    ("glue", include_str!("shapes/glue.txt")),
    ("iam", include_str!("shapes/iam.txt")),
    ("kinesis", include_str!("shapes/kinesis.txt")),
    ("kms", include_str!("shapes/kms.txt")),
    ("lambda", include_str!("shapes/lambda.txt")),
    ("logs", include_str!("shapes/logs.txt")),
    ("mediaconvert", include_str!("shapes/mediaconvert.txt")),
    ("pipes", include_str!("shapes/pipes.txt")),
    ("rds", include_str!("shapes/rds.txt")),
    ("s3", include_str!("shapes/s3.txt")),
    ("sagemaker", include_str!("shapes/sagemaker.txt")),
    ("scheduler", include_str!("shapes/scheduler.txt")),
    ("secretsmanager", include_str!("shapes/secretsmanager.txt")),
    ("sns", include_str!("shapes/sns.txt")),
    ("sqs", include_str!("shapes/sqs.txt")),
    ("ssm", include_str!("shapes/ssm.txt")),
    ("stepfunctions", include_str!("shapes/stepfunctions.txt")),
    ("sts", include_str!("shapes/sts.txt")),
];

/// How Step Functions spells the members of an API.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Spelling {
    /// With a capital: `executionArn` is `ExecutionArn`.
    Optimised,
    /// As the Java SDK does, with a capital: `DBInstances` is `DbInstances`.
    Sdk,
}

/// How closely a mock is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Strictness {
    /// What has to be there, must be.
    Complete,
    /// What is there, must be right.
    Present,
}

/// Checks that `result` is what the API answers, as far as the API is known.
///
/// # Errors
///
/// What is wrong with the first member that is, in AWS's words.
pub(super) fn check(
    answer: &Answer<'_>,
    result: &Value,
    strictness: Strictness,
) -> Result<(), String> {
    let Some((table, shape)) = find(answer.service, answer.operation) else {
        return Ok(());
    };
    let check = Check {
        shapes: shapes(table),
        spelling: answer.spelling,
        strictness,
    };
    check.answer(shape, result, answer.parsed)
}

/// Whether an operation is in a table.
#[cfg(test)]
pub(super) fn is_covered(service: &str, operation: &str) -> bool {
    find(service, operation).is_some()
}

/// The table of a service, and the type of an operation's answer.
fn find(service: &str, operation: &str) -> Option<(&'static str, &'static str)> {
    let (_, table) = TABLES.iter().find(|(name, _)| *name == service)?;
    table.lines().find_map(|line| {
        let (name, shape) = line.split_once('=')?;
        name.eq_ignore_ascii_case(operation)
            .then_some((*table, shape))
    })
}

/// The shapes of a table by their numbers.
fn shapes(table: &'static str) -> Vec<&'static str> {
    table
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
        .map(|line| line.split_once(' ').map_or("", |(_, shape)| shape))
        .collect()
}

struct Check {
    shapes: Vec<&'static str>,
    spelling: Spelling,
    strictness: Strictness,
}

impl Check {
    /// The whole answer, of which some members hold anything.
    fn answer(&self, shape: &str, result: &Value, parsed: &[&str]) -> Result<(), String> {
        let Some(members) = result.as_object() else {
            return Err("Mocked result must be a JSON object.".to_owned());
        };
        match self.shape(shape) {
            Some(shape) => self.members(shape, members, parsed),
            None => Ok(()),
        }
    }

    fn shape(&self, number: &str) -> Option<&'static str> {
        self.shapes.get(number.parse::<usize>().ok()?).copied()
    }

    fn members(&self, shape: &str, members: &Members, parsed: &[&str]) -> Result<(), String> {
        for member in shape.split(',') {
            let Some((name, kind)) = member.split_once(':') else {
                continue;
            };
            let (name, is_required) = match name.strip_prefix('!') {
                Some(name) => (name, true),
                None => (name, false),
            };
            let name = self.spelt(name);
            match members.get(&name).filter(|value| !value.is_null()) {
                Some(_) if parsed.contains(&&*name) => {}
                Some(value) => self.value(kind, value, &name)?,
                None if is_required && self.strictness == Strictness::Complete => {
                    return Err(broken(&format!("Required field '{name}' is missing")));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn value(&self, kind: &str, value: &Value, field: &str) -> Result<(), String> {
        let must_be = |what: &str| broken(&format!("Field '{field}' must be {what}"));
        let (letter, rest) = kind.split_at(1.min(kind.len()));
        match letter {
            "s" | "x" | "t" => {
                let text = value.as_str().ok_or_else(|| must_be("a string"))?;
                within(rest, text.chars().count(), field)
            }
            "n" => {
                let number = value.as_f64().ok_or_else(|| must_be("a number"))?;
                between(rest, number, field)
            }
            "b" if value.is_boolean() => Ok(()),
            "b" => Err(must_be("a boolean")),
            "[" => {
                let elements = value.as_array().ok_or_else(|| must_be("an array"))?;
                elements
                    .iter()
                    .try_for_each(|element| self.value(rest, element, field))
            }
            "{" => {
                let entries = value.as_object().ok_or_else(|| must_be("an object"))?;
                entries
                    .values()
                    .try_for_each(|entry| self.value(rest, entry, field))
            }
            _ => match self.shape(kind) {
                Some(shape) => self.shaped(shape, value, field),
                None => Ok(()),
            },
        }
    }

    /// The value of a shape with a number: a structure, or one of some texts.
    fn shaped(&self, shape: &str, value: &Value, field: &str) -> Result<(), String> {
        let must_be = |what: &str| broken(&format!("Field '{field}' must be {what}"));
        let Some(values) = shape.strip_prefix('=') else {
            let members = value.as_object().ok_or_else(|| must_be("an object"))?;
            return self.members(shape, members, &[]);
        };
        let text = value.as_str().ok_or_else(|| must_be("a string"))?;
        if values.split('|').any(|value| value == text) {
            Ok(())
        } else {
            Err(broken(&format!("Field '{field}' is not an expected value")))
        }
    }

    /// The name of a member as Step Functions spells it.
    fn spelt(&self, name: &str) -> String {
        let lower = match self.spelling {
            Spelling::Optimised => name.to_owned(),
            Spelling::Sdk => decapitalised(name),
        };
        let mut characters = lower.chars();
        let first = characters.next();
        first
            .map(|first| first.to_ascii_uppercase())
            .into_iter()
            .chain(characters)
            .collect()
    }
}

/// A name as the Java SDK begins it: capitals at the start are one word, the last of them begins
/// the next one.
fn decapitalised(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let is = |index: usize, test: fn(&char) -> bool| characters.get(index).is_some_and(test);
    let mut end = 1;
    while is(end, char::is_ascii_uppercase) && !is(end + 1, char::is_ascii_lowercase) {
        end += 1;
    }
    characters
        .iter()
        .enumerate()
        .map(|(index, character)| {
            if index < end {
                character.to_ascii_lowercase()
            } else {
                *character
            }
        })
        .collect()
}

fn bounds(text: &str) -> (Option<f64>, Option<f64>) {
    let (low, high) = text.split_once("..").unwrap_or(("", ""));
    (low.parse().ok(), high.parse().ok())
}

fn within(text: &str, length: usize, field: &str) -> Result<(), String> {
    #[expect(clippy::cast_precision_loss, reason = "no text is that long")]
    let length = length as f64;
    match bounds(text) {
        (Some(low), _) if length < low => Err(broken(&format!(
            "Field '{field}' is smaller than the minimum length"
        ))),
        (_, Some(high)) if length > high => Err(broken(&format!(
            "Field '{field}' exceeds the maximum length"
        ))),
        (_, _) => Ok(()),
    }
}

fn between(text: &str, number: f64, field: &str) -> Result<(), String> {
    match bounds(text) {
        (Some(low), _) if number < low => Err(broken(&format!(
            "Field '{field}' is less than the minimum value"
        ))),
        (_, Some(high)) if number > high => Err(broken(&format!(
            "Field '{field}' exceeds the maximum value"
        ))),
        (_, _) => Ok(()),
    }
}

fn broken(problem: &str) -> String {
    format!("Mock result schema validation error: {problem}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stepwell_language::model::Resource;

    use super::*;

    #[track_caller]
    fn verdict(
        resource: &str,
        result: &serde_json::Value,
        strictness: Strictness,
    ) -> Option<String> {
        let resource = Resource::parse(&format!("arn:aws:states:::{resource}"));
        let resource = resource.expect("it is a resource");
        let answer = Answer::of(&resource).expect("an API answers for it");
        let problem = super::check(&answer, &result.into(), strictness).err()?;
        let prefix = "Mock result schema validation error: ";
        Some(problem.strip_prefix(prefix).unwrap_or(&problem).to_owned())
    }

    #[track_caller]
    fn check(resource: &str, result: &serde_json::Value, expected: Option<&str>) {
        let found = verdict(resource, result, Strictness::Complete);
        assert_eq!(found.as_deref(), expected, "{resource}: {result}");
    }

    #[test]
    fn every_table_can_be_read() {
        for (service, table) in TABLES {
            let shapes = shapes(table);
            for (number, line) in table
                .lines()
                .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
                .enumerate()
            {
                assert!(line.starts_with(&format!("{number} ")), "{service}: {line}");
            }
            let operations = table.lines().filter(|line| {
                line.starts_with(|first: char| first.is_ascii_alphabetic()) && line.contains('=')
            });
            assert!(operations.count() > 0, "{service} has no operations");
            for shape in &shapes {
                if shape.starts_with('=') {
                    continue;
                }
                for member in shape.split(',').filter(|member| !member.is_empty()) {
                    let (_, kind) = member.split_once(':').expect("a member has a type");
                    let kind = kind.trim_start_matches(['[', '{']);
                    if let Ok(number) = kind.parse::<usize>() {
                        assert!(number < shapes.len(), "{service}: {member}");
                    } else {
                        let (letter, rest) = kind.split_at(1);
                        assert!("sxtnb*".contains(letter), "{service}: {member}");
                        let is_bound =
                            |bound: &str| bound.is_empty() || bound.parse::<f64>().is_ok();
                        let known = rest.is_empty()
                            || rest
                                .split_once("..")
                                .is_some_and(|(low, high)| is_bound(low) && is_bound(high));
                        assert!(known, "{service}: {member}");
                    }
                }
            }
        }
    }

    #[test]
    fn types_and_bounds_are_checked_at_every_depth() {
        check(
            "lambda:invoke",
            &json!({"StatusCode": "200"}),
            Some("Field 'StatusCode' must be a number"),
        );
        check(
            "lambda:invoke",
            &json!({"StatusCode": 200, "Payload": {"any": []}}),
            None,
        );
        check(
            "lambda:invoke",
            &json!([]),
            Some("Mocked result must be a JSON object."),
        );
        check(
            "aws-sdk:lambda:getFunction",
            &json!({"Configuration": {"MemorySize": 127}}),
            Some("Field 'MemorySize' is less than the minimum value"),
        );
        check(
            "aws-sdk:lambda:getFunction",
            &json!({"Configuration": {"MemorySize": 10_241}}),
            Some("Field 'MemorySize' exceeds the maximum value"),
        );
        check(
            "dynamodb:getItem",
            &json!({"Item": {"a": {"N": 1}}}),
            Some("Field 'N' must be a string"),
        );
        check(
            "dynamodb:getItem",
            &json!({"Item": []}),
            Some("Field 'Item' must be an object"),
        );
        check(
            "dynamodb:getItem",
            &json!({"Item": {"a": {"M": {"b": {"BOOL": "true"}}}}}),
            Some("Field 'BOOL' must be a boolean"),
        );
        check(
            "events:putEvents",
            &json!({"Entries": {}}),
            Some("Field 'Entries' must be an array"),
        );
        check(
            "aws-sdk:kms:encrypt",
            &json!({"CiphertextBlob": ""}),
            Some("Field 'CiphertextBlob' is smaller than the minimum length"),
        );
        check(
            "aws-sdk:s3:getObject",
            &json!({"StorageClass": "PAPYRUS"}),
            Some("Field 'StorageClass' is not an expected value"),
        );
        check(
            "aws-sdk:s3:getObject",
            &json!({"StorageClass": "GLACIER", "Unknown": 1, "ETag": null}),
            None,
        );
    }

    #[test]
    fn members_are_spelt_as_step_functions_does() {
        check(
            "aws-sdk:rds:describeDBInstances",
            &json!({"DbInstances": 1}),
            Some("Field 'DbInstances' must be an array"),
        );
        check(
            "aws-sdk:rds:describeDBInstances",
            &json!({"DBInstances": 1}),
            None,
        );
        check(
            "aws-sdk:s3:putObject",
            &json!({"ETag": 1}),
            Some("Field 'ETag' must be a string"),
        );
        check(
            "sqs:sendMessage",
            &json!({"MD5OfMessageBody": 1}),
            Some("Field 'MD5OfMessageBody' must be a string"),
        );
        check(
            "aws-sdk:sqs:sendMessage",
            &json!({"Md5OfMessageBody": 1}),
            Some("Field 'Md5OfMessageBody' must be a string"),
        );
    }

    #[test]
    fn required_members_are_asked_for_by_the_strict_only() {
        let nothing = json!({});
        check(
            "states:startExecution",
            &nothing,
            Some("Required field 'ExecutionArn' is missing"),
        );
        assert_eq!(
            verdict("states:startExecution", &nothing, Strictness::Present),
            None
        );
        let wrong = json!({"StartDate": true});
        assert_eq!(
            verdict("states:startExecution", &wrong, Strictness::Present).as_deref(),
            Some("Field 'StartDate' must be a string")
        );
    }

    #[test]
    fn what_is_in_no_table_is_not_checked() {
        check("aws-sdk:unheardof:doThings", &json!({"Anything": 1}), None);
        check("aws-sdk:s3:doThings", &json!(1), None);
    }

    #[test]
    fn deep_mocks_end() {
        let text = format!(
            r#"{{"Item": {{"a": {}{{"S": "a"}}{}}}}}"#,
            r#"{"M": {"a": "#.repeat(490),
            "}}".repeat(490)
        );
        let deep = stepwell_language::json::read_value(&text).expect("it is below the limit");
        assert_eq!(
            verdict("dynamodb:getItem", &deep.into(), Strictness::Complete),
            None
        );
    }
}

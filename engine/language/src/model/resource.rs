//! What a Task state calls: the forms of `Resource`.

use std::fmt;
use std::sync::Arc;

/// A Task's `Resource`, taken apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Resource {
    /// `arn:aws:lambda:<region>:<account>:function:<name>`.
    Function {
        /// The whole ARN.
        arn: Arc<str>,
    },
    /// `arn:aws:states:<region>:<account>:activity:<name>`.
    Activity {
        /// The whole ARN.
        arn: Arc<str>,
    },
    /// `arn:aws:states:::<service>:<action>`, with `aws-sdk:` before the service or not.
    Service {
        /// The whole ARN.
        arn: Arc<str>,
        /// `sqs`, `aws-sdk:dynamodb`, `http`: `resourceType` in events.
        service: Arc<str>,
        /// `sendMessage`, without the pattern.
        action: Arc<str>,
        /// How long the state waits.
        pattern: Pattern,
    },
}

/// How long a Task waits for its service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pattern {
    /// Until the service has answered.
    RequestResponse,
    /// `.sync`: until the job has ended.
    Sync,
    /// `.sync:2`: the same, output parsed from JSON.
    Sync2,
    /// `.waitForTaskToken`: until somebody answers with the task's token.
    WaitForTaskToken,
}

impl Pattern {
    /// What follows the action in the ARN.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::RequestResponse => "",
            Self::Sync => ".sync",
            Self::Sync2 => ".sync:2",
            Self::WaitForTaskToken => ".waitForTaskToken",
        }
    }
}

impl Resource {
    /// Takes a resource ARN apart. `None` when it has none of the known forms; whether its service
    /// and action exist is another question.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next() != Some("arn") || !parts.next()?.starts_with("aws") {
            return None;
        }
        let (service, region, account, rest) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let arn = Arc::from(text);
        match service {
            "lambda"
                if rest
                    .strip_prefix("function:")
                    .is_some_and(|name| !name.is_empty()) =>
            {
                Some(Self::Function { arn })
            }
            "states"
                if rest
                    .strip_prefix("activity:")
                    .is_some_and(|name| !name.is_empty()) =>
            {
                Some(Self::Activity { arn })
            }
            "states" if region.is_empty() && account.is_empty() => Self::parse_service(arn, rest),
            _ => None,
        }
    }

    fn parse_service(arn: Arc<str>, rest: &str) -> Option<Self> {
        let patterns = [Pattern::Sync2, Pattern::Sync, Pattern::WaitForTaskToken];
        let (name, pattern) = patterns
            .into_iter()
            .find_map(|pattern| Some((rest.strip_suffix(pattern.suffix())?, pattern)))
            .unwrap_or((rest, Pattern::RequestResponse));
        let (service, action) = name.rsplit_once(':')?;
        let plain = |text: &str| !text.is_empty() && !text.contains(['.', '/', ' ']);
        let known_form = match service.split_once(':') {
            None => true,
            Some((prefix, sdk)) => prefix == "aws-sdk" && !sdk.contains(':'),
        };
        (known_form && plain(service) && plain(action)).then(|| Self::Service {
            arn,
            service: service.into(),
            action: action.into(),
            pattern,
        })
    }

    /// The whole ARN.
    pub fn arn(&self) -> &Arc<str> {
        match self {
            Self::Function { arn } | Self::Activity { arn } | Self::Service { arn, .. } => arn,
        }
    }

    /// Whether the result comes from somebody who holds the task's token: a worker of an activity,
    /// or whoever the service gave it to.
    pub fn is_answered_by_token(&self) -> bool {
        matches!(self, Self::Activity { .. }) || self.has_task_token()
    }

    /// Whether a service is given the task's token, which the context object then shows.
    pub fn has_task_token(&self) -> bool {
        match self {
            Self::Function { .. } | Self::Activity { .. } => false,
            Self::Service { pattern, .. } => match pattern {
                Pattern::RequestResponse => false,
                Pattern::Sync | Pattern::Sync2 | Pattern::WaitForTaskToken => true,
            },
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.arn())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str, Pattern)>) {
        let found = Resource::parse(text);
        let parts = found.as_ref().map(|resource| match resource {
            Resource::Function { .. } => ("function", "", Pattern::RequestResponse),
            Resource::Activity { .. } => ("activity", "", Pattern::RequestResponse),
            Resource::Service {
                service,
                action,
                pattern,
                ..
            } => (&**service, &**action, *pattern),
        });
        assert_eq!(parts, expected, "{text}");
    }

    #[test]
    fn every_form_is_taken_apart() {
        let plain = Pattern::RequestResponse;
        check(
            "arn:aws:lambda:eu-west-1:1:function:f:PROD",
            Some(("function", "", plain)),
        );
        check(
            "arn:aws:states:eu-west-1:1:activity:a",
            Some(("activity", "", plain)),
        );
        check(
            "arn:aws:states:::sqs:sendMessage",
            Some(("sqs", "sendMessage", plain)),
        );
        check(
            "arn:aws:states:::states:startExecution.sync:2",
            Some(("states", "startExecution", Pattern::Sync2)),
        );
        check(
            "arn:aws:states:::ecs:runTask.sync",
            Some(("ecs", "runTask", Pattern::Sync)),
        );
        check(
            "arn:aws:states:::aws-sdk:s3:listBuckets.waitForTaskToken",
            Some(("aws-sdk:s3", "listBuckets", Pattern::WaitForTaskToken)),
        );
    }

    #[test]
    fn other_texts_are_no_resources() {
        for text in [
            "",
            "charge",
            "arn:aws:lambda:eu-west-1:1:function:",
            "arn:aws:s3:::bucket",
            "arn:aws:states:::",
            "arn:aws:states:::sqs",
            "arn:aws:states:::sqs:",
            "arn:aws:states:::sqs:send.Message",
            "arn:aws:states:::other:sqs:sendMessage",
        ] {
            check(text, None);
        }
    }
}

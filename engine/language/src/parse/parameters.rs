//! Which parameters the optimised integrations ask for, and which they pass on.

use crate::json::Object;
use crate::model::{QueryLanguage, Resource};

use super::fields::Fields;
use super::{Parser, wording};

/// The parameters of an action.
struct Action {
    service: &'static str,
    name: &'static str,
    required: &'static [&'static str],
    /// What it accepts besides; `None` where nobody has published it.
    optional: Option<&'static [&'static str]>,
}

const fn action(
    service: &'static str,
    name: &'static str,
    required: &'static [&'static str],
    optional: Option<&'static [&'static str]>,
) -> Action {
    Action {
        service,
        name,
        required,
        optional,
    }
}

/// Source: developer guide, "Integrating optimized services".
const ACTIONS: [Action; 14] = [
    action(
        "lambda",
        "invoke",
        &["FunctionName"],
        Some(&[
            "Payload",
            "InvocationType",
            "Qualifier",
            "ClientContext",
            "LogType",
        ]),
    ),
    action(
        "states",
        "startExecution",
        &["StateMachineArn"],
        Some(&["Input", "Name", "TraceHeader"]),
    ),
    action(
        "sqs",
        "sendMessage",
        &["QueueUrl", "MessageBody"],
        Some(&[
            "DelaySeconds",
            "MessageAttributes",
            "MessageDeduplicationId",
            "MessageGroupId",
            "MessageSystemAttributes",
        ]),
    ),
    action(
        "sns",
        "publish",
        &["Message"],
        Some(&[
            "TopicArn",
            "TargetArn",
            "PhoneNumber",
            "MessageAttributes",
            "MessageStructure",
            "Subject",
            "MessageDeduplicationId",
            "MessageGroupId",
        ]),
    ),
    action("dynamodb", "getItem", &["TableName", "Key"], None),
    action("dynamodb", "putItem", &["TableName", "Item"], None),
    action("dynamodb", "updateItem", &["TableName", "Key"], None),
    action("dynamodb", "deleteItem", &["TableName", "Key"], None),
    action("events", "putEvents", &["Entries"], None),
    action("apigateway", "invoke", &["ApiEndpoint", "Method"], None),
    action("http", "invoke", &["ApiEndpoint", "Method"], None),
    action("ecs", "runTask", &["TaskDefinition"], None),
    action(
        "batch",
        "submitJob",
        &["JobDefinition", "JobName", "JobQueue"],
        None,
    ),
    action("glue", "startJobRun", &["JobName"], None),
];

impl Parser<'_> {
    /// Compares the parameters of a task with those of its action, where both are known.
    pub(super) fn check_parameters(
        &mut self,
        fields: &Fields<'_>,
        resource: &Resource,
        language: QueryLanguage,
    ) {
        let field = match language {
            QueryLanguage::JsonPath => "Parameters",
            QueryLanguage::Jsonata => "Arguments",
        };
        let Some(node) = fields.object.get(field) else {
            return;
        };
        let (Some(given), Some(action)) = (node.as_object(), find(resource)) else {
            return;
        };
        let location = fields.at(field);
        for name in action.required {
            if !is_given(given, name, language) {
                self.schema(wording::required_field(name), &location, node.span);
            }
        }
        if (action.service, action.name) == ("http", "invoke") {
            self.check_http_task(given, &location, node.span, language);
        }
        let Some(optional) = action.optional else {
            return;
        };
        for (key, entry) in given.entries() {
            let name = parameter_name(key, language);
            if !action.required.contains(&name) && !optional.contains(&name) {
                let message = wording::unsupported_parameter(name);
                self.schema(message, &location, entry.key_span);
            }
        }
    }
}

fn find(resource: &Resource) -> Option<&'static Action> {
    match resource {
        Resource::Function { .. } | Resource::Activity { .. } => None,
        Resource::Service {
            service, action, ..
        } => ACTIONS
            .iter()
            .find(|known| known.service == &**service && known.name == &**action),
    }
}

pub(super) fn is_given(given: &Object, name: &str, language: QueryLanguage) -> bool {
    given
        .entries()
        .any(|(key, _)| parameter_name(key, language) == name)
}

pub(super) fn parameter_name(key: &str, language: QueryLanguage) -> &str {
    match language {
        QueryLanguage::JsonPath => key.strip_suffix(".$").unwrap_or(key),
        QueryLanguage::Jsonata => key,
    }
}

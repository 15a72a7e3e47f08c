//! The Task state.

use crate::model::{NumberField, Pattern, QueryLanguage, Resource, Task, Template};

use super::fields::{Fields, Range};
use super::state::Setting;
use super::{Parser, resource, wording};

const SECONDS: Range = Range {
    minimum: 1,
    maximum: 99_999_999,
    is_integer: true,
};

impl Parser<'_> {
    pub(super) fn task(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Task {
        let resource = self.resource(fields);
        let language = setting.language;
        let timeout = ["TimeoutSeconds", "TimeoutSecondsPath"];
        let timeout_seconds = fields.number_field(self, timeout, SECONDS, language);
        let heartbeat = ["HeartbeatSeconds", "HeartbeatSecondsPath"];
        let heartbeat_seconds = fields.number_field(self, heartbeat, SECONDS, language);
        if let (Some(NumberField::Literal(timeout)), Some(NumberField::Literal(heartbeat))) =
            (&timeout_seconds, &heartbeat_seconds)
            && heartbeat >= timeout
        {
            let message = "HeartbeatSeconds must be smaller than TimeoutSeconds";
            self.schema(message, &fields.location, fields.span);
        }
        Task {
            resource,
            timeout_seconds,
            heartbeat_seconds,
            credentials: self.credentials(fields, language),
            retry: self.retry(fields),
            catch: self.catch(fields, setting),
            transition: self.transition(fields, setting.scope),
        }
    }

    fn resource(&mut self, fields: &mut Fields<'_>) -> Resource {
        fields.require(self, &["Resource"]);
        let location = fields.at("Resource");
        let text = fields.text(self, "Resource").unwrap_or_default();
        let span = fields
            .object
            .get("Resource")
            .map_or(fields.span, |node| node.span);
        let parsed = Resource::parse(&text).filter(resource::is_known);
        if let Some(resource) = &parsed {
            if let Some(message) = resource::express_problem(self.execution_type, resource) {
                self.schema(message, &location, span);
            }
        } else if fields.has("Resource") {
            let message = format!(
                "The resource provided {text} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."
            );
            self.schema(message, &location, span);
        }
        parsed.unwrap_or_else(|| Resource::Service {
            arn: text.as_str().into(),
            service: "".into(),
            action: "".into(),
            pattern: Pattern::RequestResponse,
        })
    }

    /// `Credentials`: an object with `RoleArn`.
    fn credentials(
        &mut self,
        fields: &mut Fields<'_>,
        language: QueryLanguage,
    ) -> Option<Template> {
        let location = fields.at("Credentials");
        let node = fields.node("Credentials")?;
        if let Some(object) = node.as_object()
            && object.get("RoleArn").is_none()
            && (language == QueryLanguage::Jsonata || object.get("RoleArn.$").is_none())
        {
            self.schema(wording::required_field("RoleArn"), &location, node.span);
        }
        Some(self.read_template(node, &location, language))
    }
}

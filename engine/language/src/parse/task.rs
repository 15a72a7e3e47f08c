//! The Task state.

use crate::model::{
    ExecutionType, NumberField, Pattern, QueryLanguage, Resource, ScopeId, Task, Template,
};

use super::fields::{Fields, Range};
use super::state::Setting;
use super::{Parser, Place, resource, wording};

const SECONDS: Range = Range {
    minimum: 1,
    maximum: 99_999_999,
    is_integer: true,
};

impl Parser<'_> {
    pub(super) fn task(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Task {
        let language = setting.language;
        let resource = self.resource(fields, setting);
        let timeout = ["TimeoutSeconds", "TimeoutSecondsPath"];
        let timeout_seconds = fields.number_field(self, timeout, SECONDS, language);
        let heartbeat = ["HeartbeatSeconds", "HeartbeatSecondsPath"];
        let heartbeat_seconds = fields.number_field(self, heartbeat, SECONDS, language);
        if let (Some(NumberField::Literal(timeout)), Some(NumberField::Literal(heartbeat))) =
            (&timeout_seconds, &heartbeat_seconds)
            && heartbeat >= timeout
        {
            self.schema(wording::HEARTBEAT_TOO_LONG, &fields.location, fields.span);
        }
        Task {
            resource,
            timeout_seconds,
            heartbeat_seconds,
            credentials: self.credentials(fields, language),
            retry: self.retry(fields),
            catch: self.catch(fields, setting),
            transition: self.transition(fields, setting),
        }
    }

    fn resource(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Resource {
        fields.require(self, &["Resource"]);
        let location = fields.at("Resource");
        let given = fields.object.get("Resource");
        let span = given.map_or(fields.span, |node| node.span);
        let text = fields.text(self, "Resource");
        let parsed = text
            .as_deref()
            .and_then(Resource::parse)
            .filter(resource::is_known);
        match (&parsed, &text) {
            (Some(resource), _) => {
                let execution_type = self.execution_type_of(setting.scope);
                if let Some(message) = resource::express_problem(execution_type, resource) {
                    self.schema(message, &location, span);
                }
                self.check_parameters(fields, resource, setting.language);
            }
            (None, Some(text)) => {
                self.schema(wording::unknown_resource(text), &location, span);
            }
            (None, None) => {}
        }
        parsed.unwrap_or_else(|| Resource::Service {
            arn: text.unwrap_or_default().into(),
            service: "".into(),
            action: "".into(),
            pattern: Pattern::RequestResponse,
        })
    }

    /// The type of the executions that a scope is run in: its own, its machine's, or that of the
    /// distributed Map around it.
    fn execution_type_of(&self, scope: ScopeId) -> ExecutionType {
        let mut scope = self.pending_scope(scope);
        loop {
            match (scope.child_type, scope.owner) {
                (Some(child_type), Some(_)) => return child_type,
                (None, Some(owner)) => scope = self.pending_scope(self.pending_state(owner).scope),
                (_, None) => return self.execution_type,
            }
        }
    }

    /// `Credentials`: an object with `RoleArn`.
    fn credentials(
        &mut self,
        fields: &mut Fields<'_>,
        language: QueryLanguage,
    ) -> Option<Template> {
        let location = fields.at("Credentials");
        let node = fields.node("Credentials")?;
        if let Some(object) = node.as_object() {
            let role = object.get("RoleArn");
            let is_dynamic =
                language == QueryLanguage::JsonPath && object.get("RoleArn.$").is_some();
            match role {
                Some(role) if role.as_str().is_none() => {
                    let location = format!("{location}/RoleArn");
                    self.schema(wording::expected("String"), location, role.span);
                }
                None if !is_dynamic => {
                    self.schema(wording::required_field("RoleArn"), &location, node.span);
                }
                Some(_) | None => {}
            }
        } else if language == QueryLanguage::JsonPath || node.as_str().is_none() {
            self.schema(wording::expected("Object"), &location, node.span);
        }
        Some(self.read_template(node, &Place::Field(&location), language))
    }
}

//! Updates of state machines: new revisions, and versions of them.

use serde_json::Value;
use stepwell_interpreter::Timestamp;

use crate::engine::Engine;
use crate::error::OperationError;
use crate::store::version::{Publication, UpdateAndVersion, VersionRecord};
use crate::store::{
    NewRevision, Revision, StateMachineRecord, StateMachineStatus, StateMachineUpdate, Update,
};

use super::configuration::{ConfigurationChange, StateMachineConfiguration};
use super::state_machines::{check_role, shown_revision};
use super::versions;

/// A request for [`Engine::update_state_machine`]. What is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateStateMachine {
    /// Which.
    pub state_machine_arn: String,
    /// Its new definition.
    pub definition: Option<String>,
    /// Its new role.
    pub role_arn: Option<String>,
    /// `loggingConfiguration`.
    pub logging: Option<Value>,
    /// `tracingConfiguration`.
    pub tracing: Option<Value>,
    /// `encryptionConfiguration`.
    pub encryption: Option<Value>,
    /// Whether what it is then gets a version.
    pub publish: bool,
    /// What that version is for, up to 256 characters.
    pub version_description: Option<String>,
}

/// What [`Engine::update_state_machine`] answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpdatedStateMachine {
    /// When it was updated.
    pub update_date: Timestamp,
    /// The revision it has now; `None` while it is the first.
    pub revision_id: Option<String>,
    /// The version of that revision, if it was to have one.
    pub state_machine_version_arn: Option<String>,
}

/// What became of an update.
enum Written {
    /// It is done, and this is the ARN of the version.
    Done(Option<String>),
    /// The state machine was updated by somebody else.
    Outdated(StateMachineRecord),
}

impl UpdateStateMachine {
    fn is_empty(&self) -> bool {
        self.definition.is_none()
            && self.role_arn.is_none()
            && self.logging.is_none()
            && self.tracing.is_none()
            && self.encryption.is_none()
    }
}

impl Engine {
    /// `UpdateStateMachine`: a new revision, for executions that start from now on, and a version
    /// of it, if it is to have one.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such machine, nothing to update, invalid definition.
    pub async fn update_state_machine(
        &self,
        request: UpdateStateMachine,
    ) -> Result<UpdatedStateMachine, OperationError> {
        let arn = &request.state_machine_arn;
        versions::check_description(request.publish, request.version_description.as_deref())?;
        let mut record = self.find_state_machine(arn).await?;
        if request.is_empty() {
            return Err(OperationError::MissingRequiredParameter(
                "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified".to_owned(),
            ));
        }
        if let Some(role) = &request.role_arn {
            check_role(role)?;
        }
        if let Some(definition) = &request.definition {
            self.check_definition(definition, record.kind)?;
        }
        loop {
            if record.status != StateMachineStatus::Active {
                return Err(OperationError::StateMachineDeleting(arn.clone()));
            }
            let current = self.revision(&record).await?;
            let (content, is_new) = self.revise(&request, &current)?;
            let now = content.created_at;
            let id = if is_new {
                &content.id
            } else {
                &current.content.id
            };
            let id = shown_revision(id);
            match self
                .write_update(&request, record, &current, content, is_new)
                .await?
            {
                Written::Done(version) => {
                    return Ok(UpdatedStateMachine {
                        update_date: now,
                        revision_id: id,
                        state_machine_version_arn: version,
                    });
                }
                // Somebody else was faster: what is absent in the request stays as they left it.
                Written::Outdated(newer) => record = newer,
            }
        }
    }

    /// Writes what an update makes of a revision, if that is anything new, and the version that it
    /// is to have.
    async fn write_update(
        &self,
        request: &UpdateStateMachine,
        record: StateMachineRecord,
        current: &Revision,
        content: NewRevision,
        is_new: bool,
    ) -> Result<Written, OperationError> {
        let store = self.executor.store();
        let update = StateMachineUpdate {
            state_machine: record.key,
            replaces: current.key,
            revision: content,
        };
        let name = &record.name;
        let done =
            |version: VersionRecord| Written::Done(Some(self.arns.version(name, version.number)));
        let too_many = || versions::too_many_versions(&request.state_machine_arn);
        let version = self.new_version(request.version_description.clone());
        Ok(match (request.publish, is_new) {
            (false, false) => Written::Done(None),
            (false, true) => match store.update_state_machine(update).await? {
                Update::Updated(_) => Written::Done(None),
                Update::Outdated(newer) => Written::Outdated(newer),
            },
            (true, false) => match store
                .versions()
                .publish(record.key, current.key, version)
                .await?
            {
                Publication::Published(version) => done(version),
                Publication::Outdated(newer) => Written::Outdated(newer),
                Publication::TooMany => return Err(too_many()),
            },
            (true, true) => match store.versions().update_and_publish(update, version).await? {
                UpdateAndVersion::Updated(_, version) => done(version),
                UpdateAndVersion::Outdated(newer) => Written::Outdated(newer),
                UpdateAndVersion::TooMany => return Err(too_many()),
            },
        })
    }

    /// What an update makes of a revision, and whether that is anything new.
    fn revise(
        &self,
        request: &UpdateStateMachine,
        current: &Revision,
    ) -> Result<(NewRevision, bool), OperationError> {
        let before = StateMachineConfiguration::read(&current.content.configuration);
        let change = ConfigurationChange {
            logging: request.logging.clone(),
            tracing: request.tracing.clone(),
            encryption: request.encryption.clone(),
        };
        let (configuration, logged) = before.clone().changed(change)?;
        if request.logging.is_some() {
            self.warn_of_no_logs(&request.state_machine_arn, logged.as_ref());
        }
        let content = NewRevision {
            id: self.executor.chance().uuid(),
            definition: request
                .definition
                .clone()
                .unwrap_or_else(|| current.content.definition.clone()),
            role: request
                .role_arn
                .clone()
                .unwrap_or_else(|| current.content.role.clone()),
            configuration: configuration.write(),
            created_at: self.executor.now(),
        };
        let is_new = content.definition != current.content.definition
            || content.role != current.content.role
            || configuration != before;
        Ok((content, is_new))
    }
}

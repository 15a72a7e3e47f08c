//! State machines: created, updated, deleted, described, listed.

use serde_json::{Value, json};
use stepwell_interpreter::Timestamp;
use stepwell_language::model::ExecutionType;
use stepwell_language::parse::parse;

use crate::arn::Arns;
use crate::engine::Engine;
use crate::error::OperationError;
use crate::store::{
    NewRevision, NewStateMachine, Revision, StateMachineCreation, StateMachineKind,
    StateMachineRecord, StateMachineStatus, StateMachineUpdate, Update,
};

use super::{names, paging, supported};

/// A request for [`Engine::create_state_machine_with`].
#[derive(Clone, Debug)]
pub struct CreateStateMachine {
    /// Its name: 1 to 80 characters.
    pub name: String,
    /// Its definition, up to 1 MiB.
    pub definition: String,
    /// The role that it is to run under; nothing checks it.
    pub role_arn: String,
    /// Its type.
    pub kind: StateMachineKind,
    /// Logging, tracing and encryption.
    pub configuration: StateMachineConfiguration,
    /// Tags, as `[{"key": …, "value": …}]`.
    pub tags: Value,
}

/// What else belongs to a revision, in the API's own form.
#[derive(Clone, Debug, PartialEq)]
pub struct StateMachineConfiguration {
    /// `loggingConfiguration`.
    pub logging: Value,
    /// `tracingConfiguration`.
    pub tracing: Value,
    /// `encryptionConfiguration`.
    pub encryption: Value,
}

/// What [`Engine::create_state_machine_with`] answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CreatedStateMachine {
    /// Its ARN.
    pub state_machine_arn: String,
    /// When it was created.
    pub creation_date: Timestamp,
}

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
}

/// What [`Engine::update_state_machine`] answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpdatedStateMachine {
    /// When it was updated.
    pub update_date: Timestamp,
    /// The revision it has now; `None` while it is the first.
    pub revision_id: Option<String>,
}

/// A state machine, or what an execution runs of it.
#[derive(Clone, Debug)]
pub struct StateMachineDescription {
    /// Its ARN.
    pub state_machine_arn: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: StateMachineStatus,
    /// Its definition, letter for letter.
    pub definition: String,
    /// Its role.
    pub role_arn: String,
    /// Its type.
    pub kind: StateMachineKind,
    /// When it was created.
    pub creation_date: Timestamp,
    /// When this revision was.
    pub update_date: Timestamp,
    /// Logging, tracing and encryption.
    pub configuration: StateMachineConfiguration,
    /// The revision; `None` for the first.
    pub revision_id: Option<String>,
    /// The states that read variables, with the names of these.
    pub variable_references: Vec<(String, Vec<String>)>,
}

/// A request for [`Engine::list_state_machines`].
#[derive(Clone, Debug, Default)]
pub struct ListStateMachines {
    /// At most so many, 0 to 1,000; 0 means 100.
    pub max_results: Option<i64>,
    /// Where the page before ended.
    pub next_token: Option<String>,
}

/// A page of state machines, by name.
#[derive(Clone, Debug)]
pub struct ListedStateMachines {
    /// The page.
    pub state_machines: Vec<StateMachineSummary>,
    /// Where the next page begins; `None` for the last.
    pub next_token: Option<String>,
}

/// A state machine in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateMachineSummary {
    /// Its ARN.
    pub state_machine_arn: String,
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: StateMachineKind,
    /// When it was created.
    pub creation_date: Timestamp,
}

/// Id of the revision that a state machine is created with. AWS does not show it.
const FIRST_REVISION: &str = "INITIAL";

impl CreateStateMachine {
    /// A Standard machine with nothing but a name and a definition.
    pub fn new(name: &str, definition: &str) -> Self {
        Self {
            name: name.to_owned(),
            definition: definition.to_owned(),
            role_arn: "arn:aws:iam::123456789012:role/stepwell".to_owned(),
            kind: StateMachineKind::Standard,
            configuration: StateMachineConfiguration::default(),
            tags: json!([]),
        }
    }
}

impl Default for StateMachineConfiguration {
    fn default() -> Self {
        Self {
            logging: json!({"level": "OFF", "includeExecutionData": false}),
            tracing: json!({"enabled": false}),
            encryption: json!({"type": "AWS_OWNED_KEY"}),
        }
    }
}

impl StateMachineConfiguration {
    fn write(&self) -> String {
        json!({
            "logging": self.logging,
            "tracing": self.tracing,
            "encryption": self.encryption,
        })
        .to_string()
    }

    /// Whatever cannot be read has its default: it was written by us.
    fn read(text: &str) -> Self {
        let mut read: Value = serde_json::from_str(text).unwrap_or_default();
        let default = Self::default();
        let mut take = |field: &str, default: Value| match read.get_mut(field).map(Value::take) {
            Some(value) if value.is_object() => value,
            Some(_) | None => default,
        };
        Self {
            logging: take("logging", default.logging),
            tracing: take("tracing", default.tracing),
            encryption: take("encryption", default.encryption),
        }
    }

    /// Refuses what cannot be done yet.
    fn check(&self) -> Result<(), OperationError> {
        let level = self
            .logging
            .get("level")
            .and_then(Value::as_str)
            .unwrap_or("OFF");
        if level != "OFF" {
            let destinations = self.logging.get("destinations").and_then(Value::as_array);
            let message = match destinations.map(Vec::len) {
                Some(1) => "Stepwell does not write execution logs yet; use the level OFF.",
                Some(_) | None => "Must specify exactly one Log Destination.",
            };
            return Err(OperationError::InvalidLoggingConfiguration(
                message.to_owned(),
            ));
        }
        if self.encryption.get("type").and_then(Value::as_str) == Some("CUSTOMER_MANAGED_KMS_KEY") {
            let message = "Stepwell does not encrypt with a customer managed key yet";
            return Err(OperationError::InvalidEncryptionConfiguration(
                message.to_owned(),
            ));
        }
        Ok(())
    }
}

impl Engine {
    /// `CreateStateMachine`. The very same request again finds what the first one created.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: invalid name, definition or configuration, or the name is taken.
    pub async fn create_state_machine_with(
        &self,
        request: CreateStateMachine,
    ) -> Result<CreatedStateMachine, OperationError> {
        names::check(&request.name)?;
        request.configuration.check()?;
        if request.kind == StateMachineKind::Express {
            let message = "Stepwell does not run EXPRESS state machines yet";
            return Err(OperationError::StateMachineTypeNotSupported(
                message.to_owned(),
            ));
        }
        self.check_definition(&request.definition)?;
        let now = self.executor.now();
        let created = self
            .executor
            .store()
            .create_state_machine(NewStateMachine {
                name: request.name.clone(),
                kind: request.kind,
                created_at: now,
                tags: request.tags.to_string(),
                revision: NewRevision {
                    id: FIRST_REVISION.to_owned(),
                    definition: request.definition.clone(),
                    role: request.role_arn.clone(),
                    configuration: request.configuration.write(),
                    created_at: now,
                },
            })
            .await?;
        let record = match created {
            StateMachineCreation::Created(record) => record,
            StateMachineCreation::NameTaken(record) => {
                self.check_same(&record, &request).await?;
                record
            }
        };
        Ok(CreatedStateMachine {
            state_machine_arn: self.arns.state_machine(&record.name),
            creation_date: record.created_at,
        })
    }

    /// `UpdateStateMachine`: a new revision, for executions that start from now on.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such machine, nothing to update, invalid definition.
    pub async fn update_state_machine(
        &self,
        request: UpdateStateMachine,
    ) -> Result<UpdatedStateMachine, OperationError> {
        let mut record = self.find_state_machine(&request.state_machine_arn).await?;
        if request.is_empty() {
            return Err(OperationError::MissingRequiredParameter(
                "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified".to_owned(),
            ));
        }
        if let Some(definition) = &request.definition {
            self.check_definition(definition)?;
        }
        loop {
            if record.status != StateMachineStatus::Active {
                return Err(OperationError::StateMachineDeleting(
                    request.state_machine_arn,
                ));
            }
            let current = self.revision(&record).await?;
            let (content, is_new) = self.revise(&request, &current)?;
            let now = content.created_at;
            if !is_new {
                return Ok(updated(now, &current.content.id));
            }
            let id = content.id.clone();
            let update = StateMachineUpdate {
                state_machine: record.key,
                replaces: current.key,
                revision: content,
            };
            match self.executor.store().update_state_machine(update).await? {
                Update::Updated(_) => return Ok(updated(now, &id)),
                // Somebody else was faster: what is absent in the request stays as they left it.
                Update::Outdated(newer) => record = newer,
            }
        }
    }

    /// `DeleteStateMachine`. Deleting what does not exist is fine. Its executions stay readable,
    /// and those that run go on to their end.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`].
    pub async fn delete_state_machine(&self, arn: &str) -> Result<(), OperationError> {
        let (name, _) = Arns::parse_state_machine(arn)?;
        if !self.arns.is_own(arn) {
            return Ok(());
        }
        if let Some(record) = self.executor.store().state_machine(&name).await? {
            self.executor
                .store()
                .set_state_machine_status(record.key, StateMachineStatus::Deleted)
                .await?;
        }
        Ok(())
    }

    /// `DescribeStateMachine`.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`], [`OperationError::StateMachineDoesNotExist`].
    pub async fn describe_state_machine(
        &self,
        arn: &str,
    ) -> Result<StateMachineDescription, OperationError> {
        let record = self.find_state_machine(arn).await?;
        let revision = self.revision(&record).await?;
        Ok(self.description(record, revision))
    }

    /// `DescribeStateMachineForExecution`: the machine as it was when the execution started.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`], [`OperationError::ExecutionDoesNotExist`].
    pub async fn describe_state_machine_for_execution(
        &self,
        execution_arn: &str,
    ) -> Result<StateMachineDescription, OperationError> {
        let execution = self.find_execution(execution_arn).await?;
        let store = self.executor.store();
        let missing = || OperationError::ExecutionDoesNotExist(execution_arn.to_owned());
        let record = store
            .state_machine_by_key(execution.state_machine)
            .await?
            .ok_or_else(missing)?;
        let revision = store
            .revision(execution.revision)
            .await?
            .ok_or_else(missing)?;
        Ok(self.description(record, revision))
    }

    /// `ListStateMachines`, by name.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidToken`], [`OperationError::Validation`].
    pub async fn list_state_machines(
        &self,
        request: ListStateMachines,
    ) -> Result<ListedStateMachines, OperationError> {
        const ARGUMENTS: &str = "ListStateMachines";
        let size = paging::size(request.max_results)?;
        let after: String = match &request.next_token {
            Some(token) => paging::place(ARGUMENTS, token)?,
            None => String::new(),
        };
        let mut records = self
            .executor
            .store()
            .list_state_machines(&after, size + 1)
            .await?;
        let has_more = records.len() > size;
        records.truncate(size);
        let last = records.last().filter(|_| has_more);
        let next_token = last.map(|last| paging::token(ARGUMENTS, &last.name));
        let summary = |record: StateMachineRecord| StateMachineSummary {
            state_machine_arn: self.arns.state_machine(&record.name),
            name: record.name,
            kind: record.kind,
            creation_date: record.created_at,
        };
        let state_machines = records.into_iter().map(summary).collect();
        Ok(ListedStateMachines {
            state_machines,
            next_token,
        })
    }

    /// The state machine with this ARN.
    pub(super) async fn find_state_machine(
        &self,
        arn: &str,
    ) -> Result<StateMachineRecord, OperationError> {
        let (name, _) = Arns::parse_state_machine(arn)?;
        let found = if self.arns.is_own(arn) {
            self.executor.store().state_machine(&name).await?
        } else {
            None
        };
        found.ok_or_else(|| OperationError::StateMachineDoesNotExist(arn.to_owned()))
    }

    async fn revision(&self, record: &StateMachineRecord) -> Result<Revision, OperationError> {
        let arn = || self.arns.state_machine(&record.name);
        let revision = self.executor.store().revision(record.revision).await?;
        revision.ok_or_else(|| OperationError::StateMachineDoesNotExist(arn()))
    }

    /// Reads a definition, and refuses what AWS refuses and what cannot be run here.
    fn check_definition(&self, definition: &str) -> Result<(), OperationError> {
        let machine = parse(definition, ExecutionType::Standard)
            .into_result()
            .map_err(OperationError::InvalidDefinition)?;
        let unsupported = supported::unsupported(&self.executor, &machine);
        if unsupported.is_empty() {
            Ok(())
        } else {
            Err(OperationError::InvalidDefinition(unsupported))
        }
    }

    /// Whether a second create call asks for what is there: all but role and tags must be equal.
    async fn check_same(
        &self,
        record: &StateMachineRecord,
        request: &CreateStateMachine,
    ) -> Result<(), OperationError> {
        let arn = self.arns.state_machine(&record.name);
        if record.status != StateMachineStatus::Active {
            return Err(OperationError::StateMachineDeleting(arn));
        }
        let content = self.revision(record).await?.content;
        let is_same = record.kind == request.kind
            && content.definition == request.definition
            && StateMachineConfiguration::read(&content.configuration) == request.configuration;
        if is_same {
            Ok(())
        } else {
            Err(OperationError::StateMachineAlreadyExists(arn))
        }
    }

    /// What an update makes of a revision, and whether that is anything new.
    fn revise(
        &self,
        request: &UpdateStateMachine,
        current: &Revision,
    ) -> Result<(NewRevision, bool), OperationError> {
        let before = StateMachineConfiguration::read(&current.content.configuration);
        let configuration = StateMachineConfiguration {
            logging: request.logging.clone().unwrap_or(before.logging),
            tracing: request.tracing.clone().unwrap_or(before.tracing),
            encryption: request.encryption.clone().unwrap_or(before.encryption),
        };
        configuration.check()?;
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
            || content.configuration != current.content.configuration;
        Ok((content, is_new))
    }

    fn description(
        &self,
        record: StateMachineRecord,
        revision: Revision,
    ) -> StateMachineDescription {
        let content = revision.content;
        StateMachineDescription {
            state_machine_arn: self.arns.state_machine(&record.name),
            name: record.name,
            status: record.status,
            variable_references: variable_references(&content.definition, record.kind),
            definition: content.definition,
            role_arn: content.role,
            kind: record.kind,
            creation_date: record.created_at,
            update_date: content.created_at,
            configuration: StateMachineConfiguration::read(&content.configuration),
            revision_id: shown_revision(&content.id),
        }
    }
}

/// Which variables the states of a definition read.
fn variable_references(definition: &str, kind: StateMachineKind) -> Vec<(String, Vec<String>)> {
    let Some(machine) = parse(definition, execution_type(kind)).machine else {
        return Vec::new();
    };
    let references = machine.variable_references().into_iter();
    references
        .map(|(state, names)| {
            let names = names.iter().map(ToString::to_string);
            (state.to_owned(), names.collect())
        })
        .collect()
}

fn execution_type(kind: StateMachineKind) -> ExecutionType {
    match kind {
        StateMachineKind::Standard => ExecutionType::Standard,
        StateMachineKind::Express => ExecutionType::Express,
    }
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

fn updated(update_date: Timestamp, id: &str) -> UpdatedStateMachine {
    UpdatedStateMachine {
        update_date,
        revision_id: shown_revision(id),
    }
}

/// The first revision has no id that AWS shows.
fn shown_revision(id: &str) -> Option<String> {
    (id != FIRST_REVISION).then(|| id.to_owned())
}

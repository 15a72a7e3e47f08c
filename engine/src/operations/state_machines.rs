//! State machines: created, updated, deleted, described, listed.

use stepwell_interpreter::Timestamp;
use stepwell_language::model::ExecutionType;
use stepwell_language::parse::parse;

use crate::arn::Arns;
use crate::engine::Engine;
use crate::error::OperationError;
use crate::logs::LogSettings;
use crate::store::version::{CreationAndVersion, NewVersion, VersionRecord};
use crate::store::{
    NewRevision, NewStateMachine, Revision, StateMachineCreation, StateMachineKind,
    StateMachineRecord, StateMachineStatus,
};

use super::configuration::StateMachineConfiguration;
use super::constraints::{self, Violations};
use super::tags::{self, Tag};
use super::{names, paging, supported, versions};

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
    /// Its tags, up to 50.
    pub tags: Vec<Tag>,
    /// Whether it comes with a version.
    pub publish: bool,
    /// What that version is for, up to 256 characters.
    pub version_description: Option<String>,
}

/// What [`Engine::create_state_machine_with`] answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CreatedStateMachine {
    /// Its ARN.
    pub state_machine_arn: String,
    /// When it was created.
    pub creation_date: Timestamp,
    /// The version that it came with.
    pub state_machine_version_arn: Option<String>,
}

/// A state machine, or what an execution runs of it.
#[derive(Clone, Debug)]
pub struct StateMachineDescription {
    /// Its ARN, or that of a version.
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
    /// When it was created, or the version published.
    pub creation_date: Timestamp,
    /// When this revision was.
    pub update_date: Timestamp,
    /// Logging, tracing and encryption.
    pub configuration: StateMachineConfiguration,
    /// The revision; `None` for the first.
    pub revision_id: Option<String>,
    /// What the version is for.
    pub description: Option<String>,
    /// The states that read variables, with the names of these.
    pub variable_references: Vec<(String, Vec<String>)>,
    /// The Map Run, where it is the processor of a Map.
    pub map_run_arn: Option<String>,
    /// The Map's label there.
    pub label: Option<String>,
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
            tags: Vec::new(),
            publish: false,
            version_description: None,
        }
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
        mut request: CreateStateMachine,
    ) -> Result<CreatedStateMachine, OperationError> {
        names::check(&request.name)?;
        versions::check_description(request.publish, request.version_description.as_deref())?;
        check_role(&request.role_arn)?;
        let (configuration, logged) = request.configuration.checked()?;
        request.configuration = configuration;
        let arn = self.arns.state_machine(&request.name);
        let tags = tags::of_new(&request.tags, &arn)?;
        self.check_definition(&request.definition, request.kind)?;
        self.warn_of_no_logs(&request.name, logged.as_ref());
        let now = self.executor.now();
        let new = NewStateMachine {
            name: request.name.clone(),
            kind: request.kind,
            created_at: now,
            tags,
            revision: NewRevision {
                id: FIRST_REVISION.to_owned(),
                definition: request.definition.clone(),
                role: request.role_arn.clone(),
                configuration: request.configuration.write(),
                created_at: now,
            },
        };
        let (record, version) = if request.publish {
            let version = NewVersion {
                created_at: now,
                ..self.new_version(request.version_description.clone())
            };
            match self
                .executor
                .store()
                .versions()
                .create_and_publish(new, version)
                .await?
            {
                CreationAndVersion::Created(record, version) => (record, Some(version)),
                CreationAndVersion::NameTaken(record) => self.same(record, &request).await?,
            }
        } else {
            match self.executor.store().create_state_machine(new).await? {
                StateMachineCreation::Created(record) => (record, None),
                StateMachineCreation::NameTaken(record) => self.same(record, &request).await?,
            }
        };
        let version_arn = |version: VersionRecord| self.arns.version(&record.name, version.number);
        Ok(CreatedStateMachine {
            state_machine_version_arn: version.map(version_arn),
            state_machine_arn: self.arns.state_machine(&record.name),
            creation_date: record.created_at,
        })
    }

    /// `DeleteStateMachine`. Deleting what does not exist is fine. Its executions stay readable;
    /// those that run fail at their next transition, and until the last one has ended the state
    /// machine is there, cannot be started, and keeps its name.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`].
    pub async fn delete_state_machine(&self, arn: &str) -> Result<(), OperationError> {
        let name = Arns::parse_whole_state_machine(arn)?;
        if let Some(record) = self.own_state_machine(arn, &name).await? {
            self.executor.delete_state_machine(record).await?;
        }
        Ok(())
    }

    /// `DescribeStateMachine`: a state machine as it is now, or one of its versions. An alias has
    /// [a description of its own](Engine::describe_state_machine_alias).
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`], [`OperationError::StateMachineDoesNotExist`].
    pub async fn describe_state_machine(
        &self,
        arn: &str,
    ) -> Result<StateMachineDescription, OperationError> {
        let missing = || OperationError::StateMachineDoesNotExist(arn.to_owned());
        let resolved = self.resolve(arn, || 0).await?;
        if resolved.alias.is_some() {
            return Err(missing());
        }
        let revision = self.executor.store().revision(resolved.revision).await?;
        let description = self.description(resolved.record, revision.ok_or_else(missing)?);
        Ok(match resolved.version {
            None => description,
            Some(version) => StateMachineDescription {
                state_machine_arn: arn.to_owned(),
                creation_date: version.created_at,
                description: version.description,
                ..description
            },
        })
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
        if execution.child.is_none() {
            return Ok(self.description(record, revision));
        }
        let mut description = self.description(record, revision.clone());
        self.describe_processor(&execution, &revision, &mut description)
            .await?;
        Ok(description)
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

    /// The state machine with this ARN, which has no qualifier.
    pub(super) async fn find_state_machine(
        &self,
        arn: &str,
    ) -> Result<StateMachineRecord, OperationError> {
        let name = Arns::parse_whole_state_machine(arn)?;
        let found = self.own_state_machine(arn, &name).await?;
        found.ok_or_else(|| OperationError::StateMachineDoesNotExist(arn.to_owned()))
    }

    pub(super) async fn revision(
        &self,
        record: &StateMachineRecord,
    ) -> Result<Revision, OperationError> {
        let arn = || self.arns.state_machine(&record.name);
        let revision = self.executor.store().revision(record.revision).await?;
        revision.ok_or_else(|| OperationError::StateMachineDoesNotExist(arn()))
    }

    /// A state machine that is to log is created wherever logs go, as its owner's tools expect; that
    /// they go nowhere is for the operator.
    pub(super) fn warn_of_no_logs(&self, state_machine: &str, logged: Option<&LogSettings>) {
        if let Some(LogSettings { group, .. }) = logged
            && !self.executor.writes_logs()
        {
            tracing::warn!(
                state_machine,
                group,
                "its log group is not written: the configuration has no [logs]"
            );
        }
    }

    /// Reads a definition, and refuses what AWS refuses and what cannot be run here.
    pub(super) fn check_definition(
        &self,
        definition: &str,
        kind: StateMachineKind,
    ) -> Result<(), OperationError> {
        let machine = parse(definition, execution_type(kind))
            .into_result()
            .map_err(OperationError::InvalidDefinition)?;
        let unsupported = supported::unsupported(&self.executor, &machine);
        if unsupported.is_empty() {
            Ok(())
        } else {
            Err(OperationError::InvalidDefinition(unsupported))
        }
    }

    /// What is there, if a second create call asks for it: all but role and tags must be equal.
    async fn same(
        &self,
        record: StateMachineRecord,
        request: &CreateStateMachine,
    ) -> Result<(StateMachineRecord, Option<VersionRecord>), OperationError> {
        let arn = self.arns.state_machine(&record.name);
        if record.status != StateMachineStatus::Active {
            return Err(OperationError::StateMachineDeleting(arn));
        }
        let content = self.revision(&record).await?.content;
        let version = self
            .executor
            .store()
            .versions()
            .version_of_creation(record.key)
            .await?;
        let description = version.as_ref().map(|version| &version.description);
        let wanted = request.publish.then_some(&request.version_description);
        let is_same = record.kind == request.kind
            && content.definition == request.definition
            && StateMachineConfiguration::read(&content.configuration) == request.configuration
            && description == wanted;
        if is_same {
            Ok((record, version))
        } else {
            Err(OperationError::StateMachineAlreadyExists(arn))
        }
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
            description: None,
            map_run_arn: None,
            label: None,
        }
    }
}

/// Which variables the states of a definition read.
pub(super) fn variable_references(
    definition: &str,
    kind: StateMachineKind,
) -> Vec<(String, Vec<String>)> {
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

/// Checks the form of a role's ARN; whether there is such a role is nobody's business here.
pub(super) fn check_role(arn: &str) -> Result<(), OperationError> {
    let mut violations = Violations::default();
    violations.length(arn, "roleArn", constraints::ARN);
    violations.finish()?;
    let mut parts = arn.splitn(6, ':');
    let [scheme, partition, service, region, account, resource] =
        std::array::from_fn(|_| parts.next().unwrap_or_default());
    let is_role = scheme == "arn"
        && partition.starts_with("aws")
        && (service, region) == ("iam", "")
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource
            .strip_prefix("role/")
            .is_some_and(|name| !name.is_empty());
    if is_role {
        Ok(())
    } else {
        Err(OperationError::InvalidRoleArn(arn.to_owned()))
    }
}

/// The first revision has no id that AWS shows.
pub(super) fn shown_revision(id: &str) -> Option<String> {
    (id != FIRST_REVISION).then(|| id.to_owned())
}

//! Versions of state machines: published, listed, deleted; and what a qualified ARN names.

use stepwell_interpreter::Timestamp;

use crate::arn::{Arns, Qualifier};
use crate::engine::Engine;
use crate::error::OperationError;
use crate::store::version::{
    AliasRecord, NewVersion, Origin, Publication, Route, Routing, StartedBy, VersionDeletion,
    VersionRecord,
};
use crate::store::{RevisionKey, StateMachineRecord, StateMachineStatus};

use super::constraints::{self, Violations};
use super::paging;

/// A request for [`Engine::publish_state_machine_version`].
#[derive(Clone, Debug, Default)]
pub struct PublishStateMachineVersion {
    /// Of which state machine.
    pub state_machine_arn: String,
    /// Only if this is its revision; `INITIAL` is the first.
    pub revision_id: Option<String>,
    /// What the version is for, up to 256 characters.
    pub description: Option<String>,
}

/// A version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateMachineVersion {
    /// Its ARN.
    pub state_machine_version_arn: String,
    /// When it was published.
    pub creation_date: Timestamp,
}

/// A request for [`Engine::list_state_machine_versions`].
#[derive(Clone, Debug, Default)]
pub struct ListStateMachineVersions {
    /// Of which state machine.
    pub state_machine_arn: String,
    /// At most so many, 0 to 1,000; 0 means 100.
    pub max_results: Option<i64>,
    /// Where the page before ended.
    pub next_token: Option<String>,
}

/// A page of versions, the latest first.
#[derive(Clone, Debug)]
pub struct ListedStateMachineVersions {
    /// The page.
    pub state_machine_versions: Vec<StateMachineVersion>,
    /// Where the next page begins; `None` for the last.
    pub next_token: Option<String>,
}

/// Versions of a state machine. Source: API quotas.
const VERSIONS_MAX: u64 = 1_000;

/// What an ARN names: a state machine, and which of its revisions.
pub(super) struct Resolved {
    pub(super) record: StateMachineRecord,
    pub(super) revision: RevisionKey,
    pub(super) version: Option<VersionRecord>,
    pub(super) alias: Option<AliasRecord>,
}

impl Resolved {
    /// What an execution notes that it is started by.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            version: self.version.as_ref().map(|version| version.number),
            alias: self.alias.as_ref().map(|alias| alias.name.clone()),
        }
    }

    /// Which executions belong to it; `None` for all of the state machine.
    pub(super) fn started_by(&self) -> Option<StartedBy> {
        match (&self.alias, &self.version) {
            (Some(alias), _) => Some(StartedBy::Alias(alias.name.clone())),
            (None, Some(version)) => Some(StartedBy::Version(version.number)),
            (None, None) => None,
        }
    }
}

impl Engine {
    /// `PublishStateMachineVersion`. Once more for the same revision finds its version.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such machine, another revision than the one asked for, too many.
    pub async fn publish_state_machine_version(
        &self,
        request: PublishStateMachineVersion,
    ) -> Result<StateMachineVersion, OperationError> {
        let arn = &request.state_machine_arn;
        let mut violations = Violations::default();
        violations.length(arn, "stateMachineArn", constraints::ARN);
        let description = request.description.as_deref();
        violations.hidden_length(description, "description", constraints::DESCRIPTION);
        violations.finish()?;
        let mut record = self.find_state_machine(arn).await?;
        loop {
            if record.status != StateMachineStatus::Active {
                return Err(OperationError::StateMachineDeleting(arn.clone()));
            }
            if let Some(wanted) = &request.revision_id {
                let current = self.revision(&record).await?.content.id;
                if *wanted != current {
                    return Err(OperationError::Conflict(format!(
                        "Failed to publish the State Machine version for revision {wanted}. The current State Machine revision is {current}."
                    )));
                }
            }
            let new = self.new_version(request.description.clone());
            let store = self.executor.store();
            match store
                .versions()
                .publish(record.key, record.revision, new)
                .await?
            {
                Publication::Published(version) => return Ok(self.shown(&record, &version)),
                Publication::Outdated(newer) => record = newer,
                Publication::TooMany => return Err(too_many_versions(arn)),
            }
        }
    }

    /// `ListStateMachineVersions`, the latest first. What does not exist has none.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: not the ARN of a state machine, a page token or size that is none.
    pub async fn list_state_machine_versions(
        &self,
        request: ListStateMachineVersions,
    ) -> Result<ListedStateMachineVersions, OperationError> {
        let arn = &request.state_machine_arn;
        let mut violations = Violations::default();
        violations.length(arn, "stateMachineArn", constraints::ARN);
        violations.page(request.max_results, request.next_token.as_deref());
        violations.finish()?;
        let size = paging::size(request.max_results)?;
        let name = Arns::parse_whole_state_machine(arn)?;
        let Some(record) = self.own_state_machine(arn, &name).await? else {
            return Ok(ListedStateMachineVersions {
                state_machine_versions: Vec::new(),
                next_token: None,
            });
        };
        let arguments = ("ListStateMachineVersions", record.key.0);
        let before: u64 = match &request.next_token {
            Some(token) => paging::place(arguments, token)?,
            None => u64::MAX,
        };
        let store = self.executor.store();
        let mut versions = store
            .versions()
            .list_versions(record.key, before, size + 1)
            .await?;
        let has_more = versions.len() > size;
        versions.truncate(size);
        let last = versions.last().filter(|_| has_more);
        let next_token = last.map(|last| paging::token(arguments, &last.number));
        let shown = versions.iter().map(|version| self.shown(&record, version));
        Ok(ListedStateMachineVersions {
            state_machine_versions: shown.collect(),
            next_token,
        })
    }

    /// `DeleteStateMachineVersion`. Deleting what does not exist is fine. Executions that the
    /// version started go on.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: not the ARN of a version, or an alias stands for it.
    pub async fn delete_state_machine_version(&self, arn: &str) -> Result<(), OperationError> {
        let mut violations = Violations::default();
        violations.length(arn, "stateMachineVersionArn", constraints::LONG_ARN);
        violations.finish()?;
        let (name, number) = Arns::parse_version(arn)?;
        let Some(record) = self.own_state_machine(arn, &name).await? else {
            return Ok(());
        };
        let store = self.executor.store();
        match store.versions().delete_version(record.key, number).await? {
            VersionDeletion::Deleted => Ok(()),
            VersionDeletion::Referenced(aliases) => Err(OperationError::Conflict(format!(
                "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [{}]",
                aliases.join(", ")
            ))),
        }
    }

    /// What an ARN with or without a qualifier names. Where an alias stands for two versions,
    /// `draw` decides: a number from 0 to 99.
    ///
    /// # Errors
    ///
    /// [`OperationError::StateMachineDoesNotExist`] also for a version or an alias that does not.
    pub(super) async fn resolve(
        &self,
        arn: &str,
        draw: impl FnOnce() -> u8,
    ) -> Result<Resolved, OperationError> {
        let (name, qualifier) = Arns::parse_part(arn)?;
        let missing = || OperationError::StateMachineDoesNotExist(arn.to_owned());
        let record = self
            .own_state_machine(arn, &name)
            .await?
            .ok_or_else(missing)?;
        let store = self.executor.store();
        let (number, alias) = match qualifier {
            None => {
                return Ok(Resolved {
                    revision: record.revision,
                    record,
                    version: None,
                    alias: None,
                });
            }
            Some(Qualifier::Version(number)) => (number, None),
            Some(Qualifier::Alias(name)) => {
                let alias = store
                    .versions()
                    .alias(record.key, &name)
                    .await?
                    .ok_or_else(missing)?;
                (pick(&alias.routing, draw()).version, Some(alias))
            }
        };
        let version = store.versions().version(record.key, number).await?;
        let version = version.ok_or_else(missing)?;
        Ok(Resolved {
            revision: version.revision,
            record,
            version: Some(version),
            alias,
        })
    }

    /// The state machine of this name, if an ARN is one of this server.
    pub(super) async fn own_state_machine(
        &self,
        arn: &str,
        name: &str,
    ) -> Result<Option<StateMachineRecord>, OperationError> {
        if self.arns.is_own(arn) {
            Ok(self.executor.store().state_machine(name).await?)
        } else {
            Ok(None)
        }
    }

    pub(super) fn new_version(&self, description: Option<String>) -> NewVersion {
        NewVersion {
            description,
            created_at: self.executor.now(),
            versions_max: VERSIONS_MAX,
        }
    }

    fn shown(&self, record: &StateMachineRecord, version: &VersionRecord) -> StateMachineVersion {
        StateMachineVersion {
            state_machine_version_arn: self.arns.version(&record.name, version.number),
            creation_date: version.created_at,
        }
    }
}

/// `versionDescription` describes what `publish` makes.
pub(super) fn check_description(
    publish: bool,
    description: Option<&str>,
) -> Result<(), OperationError> {
    let mut violations = Violations::default();
    violations.hidden_length(description, "versionDescription", constraints::DESCRIPTION);
    violations.finish()?;
    if description.is_some() && !publish {
        let message = "Version description can only be set when publish is true";
        return Err(OperationError::Validation(message.to_owned()));
    }
    Ok(())
}

pub(super) fn too_many_versions(arn: &str) -> OperationError {
    OperationError::ServiceQuotaExceeded(format!(
        "A state machine can have at most {VERSIONS_MAX} versions: '{arn}'"
    ))
}

/// The version that a start goes to, for a number from 0 to 99.
fn pick(routing: &Routing, draw: u8) -> Route {
    match routing.second {
        Some(second) if draw >= routing.first.weight => second,
        Some(_) | None => routing.first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: u8, draws: &[u8], expected: u64) {
        let routing = Routing {
            first: Route {
                version: 1,
                weight: first,
            },
            second: Some(Route {
                version: 2,
                weight: 100 - first,
            }),
        };
        for draw in draws {
            assert_eq!(pick(&routing, *draw).version, expected, "{draw} of {first}");
        }
    }

    #[test]
    fn weights_say_how_often_a_version_is_picked() {
        check(70, &[0, 69], 1);
        check(70, &[70, 99], 2);
        check(0, &[0, 99], 2);
        check(100, &[0, 99], 1);
        let alone = Routing {
            first: Route {
                version: 7,
                weight: 100,
            },
            second: None,
        };
        assert_eq!(pick(&alone, 99).version, 7);
    }
}

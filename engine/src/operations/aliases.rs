//! Aliases of state machines: created, updated, described, deleted, listed.

use std::fmt;

use stepwell_interpreter::Timestamp;

use crate::arn::{Arns, Qualifier};
use crate::engine::Engine;
use crate::error::{OperationError, ValidationReason};
use crate::store::version::{
    AliasChange, AliasCreation, AliasKey, AliasRecord, AliasUpdate, NewAlias, Route, Routing,
};
use crate::store::{StateMachineRecord, StateMachineStatus};

use super::constraints::{self, Violations, joined};
use super::model::Rule;
use super::paging;

/// A version that an alias stands for, and how often.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoutingConfiguration {
    /// The version's ARN.
    pub state_machine_version_arn: String,
    /// Of 100 starts so many.
    pub weight: i64,
}

/// A request for [`Engine::create_state_machine_alias`].
#[derive(Clone, Debug, Default)]
pub struct CreateStateMachineAlias {
    /// Its name: 1 to 80 letters, digits, `-`, `_` and `.`, and not digits alone.
    pub name: String,
    /// What it stands for: one or two versions of one state machine.
    pub routing: Vec<RoutingConfiguration>,
    /// What it is for, up to 256 characters.
    pub description: Option<String>,
}

/// What [`Engine::create_state_machine_alias`] answers, and an alias in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateMachineAlias {
    /// Its ARN.
    pub state_machine_alias_arn: String,
    /// When it was created.
    pub creation_date: Timestamp,
}

/// A request for [`Engine::update_state_machine_alias`]. What is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateStateMachineAlias {
    /// Which.
    pub state_machine_alias_arn: String,
    /// What it stands for from now on.
    pub routing: Option<Vec<RoutingConfiguration>>,
    /// What it is for from now on.
    pub description: Option<String>,
}

/// An alias.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateMachineAliasDescription {
    /// Its ARN.
    pub state_machine_alias_arn: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it stands for.
    pub routing: Vec<RoutingConfiguration>,
    /// When it was created.
    pub creation_date: Timestamp,
    /// When it was changed last.
    pub update_date: Timestamp,
}

/// A request for [`Engine::list_state_machine_aliases`].
#[derive(Clone, Debug, Default)]
pub struct ListStateMachineAliases {
    /// Of which state machine, or of which version.
    pub state_machine_arn: String,
    /// At most so many, 0 to 1,000; 0 means 100.
    pub max_results: Option<i64>,
    /// Where the page before ended.
    pub next_token: Option<String>,
}

/// A page of aliases, the first created first.
#[derive(Clone, Debug)]
pub struct ListedStateMachineAliases {
    /// The page.
    pub state_machine_aliases: Vec<StateMachineAlias>,
    /// Where the next page begins; `None` for the last.
    pub next_token: Option<String>,
}

/// Aliases of a state machine. Source: API quotas.
const ALIASES_MAX: u64 = 100;

/// The rules for an alias's name.
pub const ALIAS_NAME: &[Rule] = &[
    Rule::Pattern(r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$", is_name),
    Rule::Length(1..=80),
];

/// As AWS prints it.
impl fmt::Display for RoutingConfiguration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            state_machine_version_arn,
            weight,
        } = self;
        write!(
            formatter,
            "RoutingConfigurationListItem(stateMachineVersionArn={state_machine_version_arn}, weight={weight})"
        )
    }
}

impl Engine {
    /// `CreateStateMachineAlias`. The very same request again finds what the first one created.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: an invalid name or routing, no such version, the name is taken.
    pub async fn create_state_machine_alias(
        &self,
        request: CreateStateMachineAlias,
    ) -> Result<StateMachineAlias, OperationError> {
        let mut violations = Violations::default();
        violations.text(&request.name, "name", ALIAS_NAME);
        check_bounds(&request.routing, &mut violations);
        let description = request.description.as_deref();
        violations.hidden_length(description, "description", constraints::DESCRIPTION);
        violations.finish()?;
        let (name, routing) = self.read_routing(&request.routing)?;
        let first = &request.routing[0].state_machine_version_arn;
        let record = self.own_state_machine(first, &name).await?;
        let record = record.ok_or_else(|| not_found(first))?;
        let new = NewAlias {
            state_machine: record.key,
            name: request.name.clone(),
            description: request.description.clone(),
            routing,
            created_at: self.executor.now(),
            aliases_max: ALIASES_MAX,
        };
        let alias = match self.executor.store().versions().create_alias(new).await? {
            AliasCreation::Created(alias) => alias,
            AliasCreation::NameTaken(alias) if is_same(&alias, &request, &routing) => alias,
            AliasCreation::NameTaken(_) => {
                let message = "Failed to create alias because an alias with the same name and a different routing configuration already exists.";
                return Err(OperationError::Conflict(message.to_owned()));
            }
            AliasCreation::UnknownVersion(number) => {
                return Err(not_found(&self.arns.version(&name, number)));
            }
            AliasCreation::StateMachineDeleting => {
                let arn = self.arns.state_machine(&name);
                return Err(OperationError::StateMachineDeleting(arn));
            }
            AliasCreation::TooMany => {
                let arn = self.arns.state_machine(&name);
                return Err(OperationError::ServiceQuotaExceeded(format!(
                    "A state machine can have at most {ALIASES_MAX} aliases: '{arn}'"
                )));
            }
        };
        Ok(self.listed(&record, &alias))
    }

    /// `UpdateStateMachineAlias`: for executions that start from now on. Returns when it was
    /// changed.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such alias or version, an invalid routing, nothing to update.
    pub async fn update_state_machine_alias(
        &self,
        request: UpdateStateMachineAlias,
    ) -> Result<Timestamp, OperationError> {
        let arn = &request.state_machine_alias_arn;
        let mut violations = Violations::default();
        violations.length(arn, "stateMachineAliasArn", constraints::ARN);
        let description = request.description.as_deref();
        violations.hidden_length(description, "description", constraints::DESCRIPTION);
        if let Some(routes) = &request.routing {
            check_bounds(routes, &mut violations);
        }
        violations.finish()?;
        let (name, alias) = Arns::parse_alias(arn)?;
        if request.routing.is_none() && request.description.is_none() {
            return Err(OperationError::ValidationFor {
                reason: ValidationReason::MissingRequiredParameter,
                message: "Either the description or the routing configuration must be specified"
                    .to_owned(),
            });
        }
        let routing = match &request.routing {
            None => None,
            Some(routes) => {
                let (owner, routing) = self.read_routing(routes)?;
                if owner != name {
                    return Err(invalid_routing(format!(
                        "Routing configuration must contain versions of the state machine of the alias. Received: [{}]",
                        joined(&arns_of(routes))
                    )));
                }
                Some(routing)
            }
        };
        let record = self.own_state_machine(arn, &name).await?;
        let record = record.ok_or_else(|| not_found(arn))?;
        let update = AliasUpdate {
            state_machine: record.key,
            name: alias,
            description: request.description.clone(),
            routing,
            updated_at: self.executor.now(),
        };
        match self
            .executor
            .store()
            .versions()
            .update_alias(update)
            .await?
        {
            AliasChange::Updated(alias) => Ok(alias.updated_at),
            AliasChange::Unknown => Err(not_found(arn)),
            AliasChange::UnknownVersion(number) => {
                Err(not_found(&self.arns.version(&name, number)))
            }
            AliasChange::StateMachineDeleting => {
                let arn = self.arns.state_machine(&name);
                Err(OperationError::StateMachineDeleting(arn))
            }
        }
    }

    /// `DescribeStateMachineAlias`.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: not the ARN of an alias, no such alias.
    pub async fn describe_state_machine_alias(
        &self,
        arn: &str,
    ) -> Result<StateMachineAliasDescription, OperationError> {
        let mut violations = Violations::default();
        violations.length(arn, "stateMachineAliasArn", constraints::ARN);
        violations.finish()?;
        let (name, alias) = Arns::parse_alias(arn)?;
        let record = self.own_state_machine(arn, &name).await?;
        let record = record.ok_or_else(|| not_found(arn))?;
        let alias = self
            .executor
            .store()
            .versions()
            .alias(record.key, &alias)
            .await?;
        let alias = alias.ok_or_else(|| not_found(arn))?;
        let routes = alias.routing.routes();
        let routing = routes.map(|route| RoutingConfiguration {
            state_machine_version_arn: self.arns.version(&name, route.version),
            weight: route.weight.into(),
        });
        Ok(StateMachineAliasDescription {
            state_machine_alias_arn: self.arns.alias(&name, &alias.name),
            name: alias.name,
            description: alias.description,
            routing: routing.collect(),
            creation_date: alias.created_at,
            update_date: alias.updated_at,
        })
    }

    /// `DeleteStateMachineAlias`. Deleting what does not exist is fine. Executions that the alias
    /// started go on.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: not the ARN of an alias.
    pub async fn delete_state_machine_alias(&self, arn: &str) -> Result<(), OperationError> {
        let mut violations = Violations::default();
        violations.length(arn, "stateMachineAliasArn", constraints::ARN);
        violations.finish()?;
        let (name, alias) = Arns::parse_alias(arn)?;
        if let Some(record) = self.own_state_machine(arn, &name).await? {
            let store = self.executor.store();
            store.versions().delete_alias(record.key, &alias).await?;
        }
        Ok(())
    }

    /// `ListStateMachineAliases`, the first created first; for a version those that stand for it.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such machine or version, a page token or size that is none.
    pub async fn list_state_machine_aliases(
        &self,
        request: ListStateMachineAliases,
    ) -> Result<ListedStateMachineAliases, OperationError> {
        let arn = &request.state_machine_arn;
        let mut violations = Violations::default();
        violations.length(arn, "stateMachineArn", constraints::ARN);
        violations.page(request.max_results, request.next_token.as_deref());
        violations.finish()?;
        let size = paging::size(request.max_results)?;
        let (record, version) = self.listed_machine(arn).await?;
        let arguments = ("ListStateMachineAliases", record.key.0, version);
        let after: u64 = match &request.next_token {
            Some(token) => paging::place(arguments, token)?,
            None => 0,
        };
        let store = self.executor.store();
        let aliases = store
            .versions()
            .list_aliases(record.key, version, AliasKey(after), size + 1);
        let mut aliases = aliases.await?;
        let has_more = aliases.len() > size;
        aliases.truncate(size);
        let last = aliases.last().filter(|_| has_more);
        let next_token = last.map(|last| paging::token(arguments, &last.key.0));
        let listed = aliases.iter().map(|alias| self.listed(&record, alias));
        Ok(ListedStateMachineAliases {
            state_machine_aliases: listed.collect(),
            next_token,
        })
    }

    /// The state machine whose aliases are to be listed, and the version, if only its.
    async fn listed_machine(
        &self,
        arn: &str,
    ) -> Result<(StateMachineRecord, Option<u64>), OperationError> {
        let (name, qualifier) = Arns::parse_part(arn)?;
        let version = match qualifier {
            None => None,
            Some(Qualifier::Version(number)) => Some(number),
            Some(Qualifier::Alias(_)) => {
                return Err(OperationError::Validation(format!(
                    "This operation takes the ARN of a state machine or of a version. Received: {arn}"
                )));
            }
        };
        let missing = || OperationError::StateMachineDoesNotExist(arn.to_owned());
        let record = self.own_state_machine(arn, &name).await?;
        let record = record.ok_or_else(missing)?;
        if record.status != StateMachineStatus::Active {
            return Err(OperationError::StateMachineDeleting(arn.to_owned()));
        }
        if let Some(number) = version {
            let version = self
                .executor
                .store()
                .versions()
                .version(record.key, number)
                .await?;
            version.ok_or_else(|| not_found(arn))?;
        }
        Ok((record, version))
    }

    /// The state machine's name and the routing that one or two routes make.
    fn read_routing(
        &self,
        routes: &[RoutingConfiguration],
    ) -> Result<(String, Routing), OperationError> {
        let refused = |rule: &str| {
            invalid_routing(format!(
                "Routing configuration must contain {rule}. Received: [{}]",
                joined(&arns_of(routes))
            ))
        };
        let mut versions = Vec::new();
        for route in routes {
            let (name, qualifier) = Arns::parse_part(&route.state_machine_version_arn)?;
            let Some(Qualifier::Version(version)) = qualifier else {
                return Err(refused("state machine version ARNs"));
            };
            versions.push((name, version));
        }
        if let ([first, second], [(one, _), (other, _)]) = (routes, versions.as_slice()) {
            if first.state_machine_version_arn == second.state_machine_version_arn {
                return Err(refused("distinct state machine version ARNs"));
            }
            if one != other {
                return Err(refused("versions of one state machine"));
            }
        }
        let weights: Vec<i64> = routes.iter().map(|route| route.weight).collect();
        if weights.iter().sum::<i64>() != 100 {
            return Err(invalid_routing(format!(
                "Sum of routing configuration weights must equal 100. Received: [{}]",
                joined(&weights)
            )));
        }
        for route in routes {
            let arn = &route.state_machine_version_arn;
            if !self.arns.is_own(arn) {
                return Err(not_found(arn));
            }
        }
        let route = |index: usize| {
            Some(Route {
                version: versions.get(index)?.1,
                weight: u8::try_from(*weights.get(index)?).ok()?,
            })
        };
        let first = route(0).expect("there is a route at least, and its weight is within bounds");
        let second = route(1);
        Ok((versions.swap_remove(0).0, Routing { first, second }))
    }

    fn listed(&self, record: &StateMachineRecord, alias: &AliasRecord) -> StateMachineAlias {
        StateMachineAlias {
            state_machine_alias_arn: self.arns.alias(&record.name, &alias.name),
            creation_date: alias.created_at,
        }
    }
}

/// Letters, digits and a few signs, and not digits alone.
fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let is_more_than_digits = name.bytes().any(|byte| !byte.is_ascii_digit());
    is_more_than_digits && name.bytes().all(is_allowed)
}

/// Checks the number of routes, and of each its ARN's length and its weight.
fn check_bounds(routes: &[RoutingConfiguration], violations: &mut Violations) {
    violations.count(routes, "routingConfiguration", 1..=2);
    for (route, position) in routes.iter().zip(1..) {
        let member = |name: &str| format!("routingConfiguration.{position}.member.{name}");
        let arn = &route.state_machine_version_arn;
        violations.length(arn, &member("stateMachineVersionArn"), constraints::ARN);
        violations.range(route.weight, &member("weight"), &(0..=100));
    }
}

/// Whether a request asks for what is there. The order of its versions means nothing.
fn is_same(alias: &AliasRecord, request: &CreateStateMachineAlias, routing: &Routing) -> bool {
    let sorted = |routing: &Routing| {
        let mut routes: Vec<Route> = routing.routes().collect();
        routes.sort();
        routes
    };
    alias.description == request.description && sorted(&alias.routing) == sorted(routing)
}

fn arns_of(routes: &[RoutingConfiguration]) -> Vec<&str> {
    let arns = routes.iter();
    arns.map(|route| route.state_machine_version_arn.as_str())
        .collect()
}

fn invalid_routing(message: String) -> OperationError {
    OperationError::ValidationFor {
        reason: ValidationReason::InvalidRoutingConfiguration,
        message,
    }
}

fn not_found(arn: &str) -> OperationError {
    OperationError::ResourceNotFound {
        resource: arn.to_owned(),
    }
}

//! Activities: created, deleted, described, listed, and polled for tasks.

use serde_json::Value;
use stepwell_interpreter::{Payload, Timestamp};

use crate::arn::Arns;
use crate::engine::Engine;
use crate::error::OperationError;
use crate::executor::TooManyWorkers;
use crate::store::activity::{ActivityCreation, ActivityRecord, NewActivity};

use super::configuration::{checked_encryption, read_encryption};
use super::constraints::{self, Violations};
use super::tags::{self, Tag};
use super::{names, paging};

/// A request for [`Engine::create_activity`].
#[derive(Clone, Debug)]
pub struct CreateActivity {
    /// Its name: 1 to 80 characters.
    pub name: String,
    /// Its tags, up to 50.
    pub tags: Vec<Tag>,
    /// `encryptionConfiguration`, in the API's own form.
    pub encryption: Option<Value>,
}

/// An activity: work that is done by whoever polls for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// Its ARN.
    pub activity_arn: String,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub creation_date: Timestamp,
    /// `encryptionConfiguration`, in the API's own form.
    pub encryption: Value,
}

/// A request for [`Engine::list_activities`].
#[derive(Clone, Debug, Default)]
pub struct ListActivities {
    /// At most so many, 0 to 1,000; 0 means 100.
    pub max_results: Option<i64>,
    /// Where the page before ended.
    pub next_token: Option<String>,
}

/// A page of activities, by name.
#[derive(Clone, Debug)]
pub struct ListedActivities {
    /// The page.
    pub activities: Vec<Activity>,
    /// Where the next page begins; `None` for the last.
    pub next_token: Option<String>,
}

/// A request for [`Engine::get_activity_task`].
#[derive(Clone, Debug)]
pub struct GetActivityTask {
    /// The activity to work for.
    pub activity_arn: String,
    /// How the worker is called in the history: 1 to 80 characters.
    pub worker_name: Option<String>,
}

/// A task for a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityTask {
    /// With which token the worker answers.
    pub task_token: String,
    /// What the task is given.
    pub input: Payload,
}

impl CreateActivity {
    /// An activity with nothing but a name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            tags: Vec::new(),
            encryption: None,
        }
    }
}

impl Engine {
    /// `CreateActivity`. An activity that is there already is found; its tags stay as they are.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: invalid name, tags or encryption.
    pub async fn create_activity(
        &self,
        request: CreateActivity,
    ) -> Result<Activity, OperationError> {
        let CreateActivity {
            name,
            tags,
            encryption,
        } = request;
        names::check(&name)?;
        let arn = self.arns.activity(&name);
        let tags = tags::of_new(&tags, &arn)?;
        let encryption = checked_encryption(encryption.unwrap_or_default())?;
        let new = NewActivity {
            name,
            created_at: self.executor.now(),
            tags,
            encryption: encryption.to_string(),
        };
        let created = self.executor.change_activity(&new.name, |executor| {
            let new = new.clone();
            async move { executor.store().activities().create_activity(new).await }
        });
        match created.await? {
            ActivityCreation::Created => Ok(self.activity_of(new)),
            ActivityCreation::NameTaken(record) => {
                let found = self.activity_of(record);
                if found.encryption == encryption {
                    Ok(found)
                } else {
                    Err(OperationError::ActivityAlreadyExists(found.activity_arn))
                }
            }
        }
    }

    /// `DeleteActivity`. Deleting what does not exist is fine. Its tasks that wait for a worker go
    /// on waiting, those that a worker has can still be answered.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`].
    pub async fn delete_activity(&self, arn: &str) -> Result<(), OperationError> {
        let name = read_arn(arn)?;
        if self.arns.is_own(arn) {
            let deleted = self.executor.change_activity(&name, |executor| {
                let name = name.clone();
                async move { executor.store().activities().delete_activity(&name).await }
            });
            deleted.await?;
        }
        Ok(())
    }

    /// `DescribeActivity`.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`], [`OperationError::ActivityDoesNotExist`].
    pub async fn describe_activity(&self, arn: &str) -> Result<Activity, OperationError> {
        let name = read_arn(arn)?;
        let found = if self.arns.is_own(arn) {
            self.executor.store().activities().activity(&name).await?
        } else {
            None
        };
        found
            .map(|record| self.activity_of(record))
            .ok_or_else(|| OperationError::ActivityDoesNotExist(arn.to_owned()))
    }

    /// `ListActivities`, by name.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: a page token or size that is none.
    pub async fn list_activities(
        &self,
        request: ListActivities,
    ) -> Result<ListedActivities, OperationError> {
        const ARGUMENTS: &str = "ListActivities";
        let size = paging::size(request.max_results)?;
        let after: String = match &request.next_token {
            Some(token) => paging::place(ARGUMENTS, token)?,
            None => String::new(),
        };
        let store = self.executor.store().activities();
        let mut records = store.list_activities(&after, size + 1).await?;
        let has_more = records.len() > size;
        records.truncate(size);
        let last = records.last().filter(|_| has_more);
        let next_token = last.map(|last| paging::token(ARGUMENTS, &last.name));
        let activities = records.into_iter().map(|record| self.activity_of(record));
        Ok(ListedActivities {
            activities: activities.collect(),
            next_token,
        })
    }

    /// `GetActivityTask`: waits up to 60 seconds for a task; `None` when there was none. The task
    /// that is handed out is started, durably. Dropping the future loses none: what it was being
    /// handed goes to the next worker.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such activity, or too many who poll it.
    pub async fn get_activity_task(
        &self,
        request: GetActivityTask,
    ) -> Result<Option<ActivityTask>, OperationError> {
        let arn = &request.activity_arn;
        let mut violations = Violations::default();
        violations.length(arn, "activityArn", constraints::ARN);
        if let Some(worker) = &request.worker_name {
            violations.length(worker, "workerName", 1..=80);
        }
        violations.finish()?;
        let name = Arns::parse_activity(arn)?;
        if !self.arns.is_own(arn) || !self.executor.activity_exists(&name).await? {
            return Err(OperationError::ActivityDoesNotExist(arn.clone()));
        }
        let worker = request.worker_name.map(Into::into);
        match self.executor.take_task(&name, worker).await {
            Ok(task) => Ok(task.map(|(token, input)| ActivityTask {
                task_token: token.to_string(),
                input,
            })),
            Err(TooManyWorkers) => Err(OperationError::ActivityWorkerLimitExceeded),
        }
    }

    /// Ends the waiting of every [`get_activity_task`](Self::get_activity_task), now and from now
    /// on: for a server that is about to go. Nobody is handed a task any more.
    pub fn end_polling(&self) {
        self.executor.send_workers_away();
    }

    /// The ARN of an activity of this engine.
    pub fn activity_arn(&self, name: &str) -> String {
        self.arns.activity(name)
    }

    fn activity_of(&self, record: ActivityRecord) -> Activity {
        Activity {
            activity_arn: self.arns.activity(&record.name),
            name: record.name,
            creation_date: record.created_at,
            encryption: read_encryption(&record.encryption),
        }
    }
}

fn read_arn(arn: &str) -> Result<String, OperationError> {
    let mut violations = Violations::default();
    violations.length(arn, "activityArn", constraints::ARN);
    violations.finish()?;
    Arns::parse_activity(arn)
}

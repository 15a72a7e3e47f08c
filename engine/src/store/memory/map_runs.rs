//! Map Runs in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Contents, MemoryStore, check_number};
use crate::store::map_run::{
    Child, ChildFilter, ChildResult, ChildrenCreation, LimitChange, LimitUpdate, MapRunEnd,
    MapRunKey, MapRunRecord, MapRunRedrive, MapRunStatus, MapRunStore, NewChildren, NewMapRun,
    RedriveChoice,
};
use crate::store::{
    Conflict, Epoch, ExecutionCursor, ExecutionKey, ExecutionRecord, ExecutionStatus, Redrive,
    StoreError, StoreFuture,
};

/// All Map Runs, and their children by number.
#[derive(Debug, Default)]
pub(super) struct MapRuns {
    records: BTreeMap<MapRunKey, MapRunRecord>,
    children: BTreeMap<(MapRunKey, u64), ExecutionKey>,
    by_arn: BTreeMap<String, MapRunKey>,
    /// The last key that was given.
    last: u64,
}

impl MapRunStore for MemoryStore {
    fn begin(&self, new: NewMapRun) -> StoreFuture<'_, MapRunRecord> {
        self.write(move |contents| {
            check_number(new.items)?;
            if let Some(other) = contents.map_runs.by_arn(&new.arn) {
                return Ok(other.clone());
            }
            contents.map_runs.last += 1;
            let key = MapRunKey(contents.map_runs.last);
            let record = MapRunRecord::new(key, new);
            let map_runs = &mut contents.map_runs;
            map_runs.by_arn.insert(record.begun.arn.clone(), key);
            map_runs.records.insert(key, record.clone());
            Ok(record)
        })
    }

    fn create_children(&self, new: NewChildren) -> StoreFuture<'_, ChildrenCreation> {
        self.write(move |contents| contents.create_children(new))
    }

    fn limit(&self, key: MapRunKey, change: LimitChange) -> StoreFuture<'_, LimitUpdate> {
        self.write(move |contents| {
            let record = contents.map_runs.existing(key)?;
            if record.status != MapRunStatus::Running {
                return Ok(LimitUpdate::Ended(record.clone()));
            }
            record.begun.limits = change.of(record.begun.limits);
            Ok(LimitUpdate::Updated(record.clone()))
        })
    }

    fn end(&self, key: MapRunKey, end: MapRunEnd) -> StoreFuture<'_, MapRunRecord> {
        self.write(move |contents| {
            let record = contents.map_runs.existing(key)?;
            if record.status == MapRunStatus::Running {
                record.status = end.status;
                record.stopped_at = Some(end.stopped_at);
                record.failure = end.failure;
            }
            Ok(record.clone())
        })
    }

    fn redrive(&self, key: MapRunKey, redrive: MapRunRedrive) -> StoreFuture<'_, MapRunRecord> {
        self.write(move |contents| {
            let record = contents.map_runs.existing(key)?;
            record.redriven(redrive);
            Ok(record.clone())
        })
    }

    fn choose(&self, key: MapRunKey, choice: RedriveChoice) -> StoreFuture<'_, MapRunRecord> {
        self.write(move |contents| contents.choose(key, &choice))
    }

    fn map_run(&self, key: MapRunKey) -> StoreFuture<'_, Option<MapRunRecord>> {
        self.read(move |contents| contents.map_runs.records.get(&key).cloned())
    }

    fn map_run_by_arn(&self, arn: &str) -> StoreFuture<'_, Option<MapRunRecord>> {
        let arn = arn.to_owned();
        self.read(move |contents| contents.map_runs.by_arn(&arn).cloned())
    }

    fn map_runs_of(
        &self,
        execution: ExecutionKey,
        before: MapRunKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<MapRunRecord>> {
        self.read(move |contents| {
            let earlier = contents.map_runs.records.range(..before).rev();
            earlier
                .map(|(_, record)| record)
                .filter(|record| record.begun.execution == execution)
                .take(limit)
                .cloned()
                .collect()
        })
    }

    fn open_map_runs(&self, after: MapRunKey, limit: usize) -> StoreFuture<'_, Vec<MapRunRecord>> {
        self.read(move |contents| {
            let later = (Bound::Excluded(after), Bound::Unbounded);
            let later = contents.map_runs.records.range(later);
            later
                .map(|(_, record)| record)
                .filter(|record| record.status == MapRunStatus::Running)
                .take(limit)
                .cloned()
                .collect()
        })
    }

    fn list_children(
        &self,
        filter: ChildFilter,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.read(move |contents| {
            let mut children: Vec<_> = contents
                .children_from(filter.map_run, 0)
                .filter(|record| filter.status.is_none_or(|status| status == record.status))
                .filter(|record| {
                    let is_redriven = || Redrive::read(record.details.as_deref()).is_some();
                    filter.redriven.is_none_or(|wanted| wanted == is_redriven())
                })
                .filter(|record| {
                    let place = ExecutionCursor::of(record);
                    filter.after.is_none_or(|after| place < after)
                })
                .cloned()
                .collect();
            children.sort_by_key(|record| std::cmp::Reverse(ExecutionCursor::of(record)));
            children.truncate(limit);
            children
        })
    }

    fn results(
        &self,
        key: MapRunKey,
        from: u64,
        bytes_max: usize,
    ) -> StoreFuture<'_, Vec<ChildResult>> {
        self.read(move |contents| {
            let mut weight: usize = 0;
            let mut results = Vec::new();
            for record in contents.children_from(key, from) {
                let journal = contents.journal(record.key);
                let (Some(first), Some(last)) = (journal.first(), journal.last()) else {
                    continue;
                };
                weight = weight.saturating_add(first.weight() + last.weight());
                if weight > bytes_max && !results.is_empty() {
                    break;
                }
                results.push(ChildResult {
                    record: record.clone(),
                    first: first.clone(),
                    last: last.clone(),
                });
            }
            results
        })
    }
}

impl MapRuns {
    /// The executions of the runs that have not ended.
    pub(super) fn open(&self) -> impl Iterator<Item = ExecutionKey> {
        let records = self.records.values();
        records
            .filter(|record| record.status == MapRunStatus::Running)
            .map(|record| record.begun.execution)
    }

    fn by_arn(&self, arn: &str) -> Option<&MapRunRecord> {
        self.records.get(self.by_arn.get(arn)?)
    }

    fn existing(&mut self, key: MapRunKey) -> Result<&mut MapRunRecord, StoreError> {
        self.records
            .get_mut(&key)
            .ok_or_else(|| Conflict::UnknownMapRun(key).into())
    }

    /// The children of an execution's Map Runs.
    pub(super) fn children_of(&self, execution: ExecutionKey) -> Vec<ExecutionKey> {
        let runs = self.records.iter();
        let runs = runs.filter(|(_, record)| record.begun.execution == execution);
        let children = runs.flat_map(|(run, _)| self.children.range((*run, 0)..=(*run, u64::MAX)));
        children.map(|(_, child)| *child).collect()
    }

    /// Forgets the Map Runs of an execution.
    pub(super) fn remove_of(&mut self, execution: ExecutionKey) {
        let records = &mut self.records;
        let is_of = |record: &MapRunRecord| record.begun.execution == execution;
        let gone: BTreeMap<_, _> = records.extract_if(.., |_, record| is_of(record)).collect();
        for (run, record) in gone {
            self.by_arn.remove(&record.begun.arn);
            let children = self
                .children
                .extract_if((run, 0)..=(run, u64::MAX), |_, _| true);
            children.for_each(drop);
        }
    }

    /// A child stands otherwise than before.
    pub(super) fn recount(
        &mut self,
        child: Option<Child>,
        before: ExecutionStatus,
        now: ExecutionStatus,
    ) {
        let Some(child) = child.filter(|_| before != now) else {
            return;
        };
        if let Some(record) = self.records.get_mut(&child.map_run) {
            record.recount(child.items, before, now);
        }
    }
}

impl Contents {
    fn create_children(&mut self, new: NewChildren) -> Result<ChildrenCreation, StoreError> {
        let record = self.held_by(new.map_run, new.epoch)?;
        if !record.is_followed_by(&new.children) {
            return Ok(ChildrenCreation::Outdated(record));
        }
        for child in new.children {
            let (key, status) = (child.record.key, child.record.status);
            let Some(place) = child.record.child else {
                continue;
            };
            self.insert_execution(child)?;
            self.map_runs
                .children
                .insert((place.map_run, place.index), key);
            self.map_runs.existing(place.map_run)?.add(place, status);
        }
        let record = self.map_runs.existing(new.map_run)?.clone();
        Ok(ChildrenCreation::Created(record))
    }

    /// The Map Run, if its execution belongs to this owner.
    fn held_by(&mut self, key: MapRunKey, epoch: Epoch) -> Result<MapRunRecord, StoreError> {
        self.owners.check_lease(epoch)?;
        let record = self.map_runs.existing(key)?.clone();
        let parent = record.begun.execution;
        let found = self.executions.get(&parent);
        let owner = found.map(|parent| parent.record.owner);
        let owner = owner.ok_or(Conflict::UnknownExecution(parent))?;
        if owner != epoch {
            return Err(Conflict::HeldByAnother {
                execution: parent,
                owner: owner.0,
            }
            .into());
        }
        Ok(record)
    }

    fn choose(
        &mut self,
        key: MapRunKey,
        choice: &RedriveChoice,
    ) -> Result<MapRunRecord, StoreError> {
        let record = self.held_by(key, choice.epoch)?;
        if record.status != MapRunStatus::Running || !record.is_choosing {
            return Ok(record);
        }
        for child in &choice.children {
            let Some(found) = self.executions.get_mut(child) else {
                continue;
            };
            let (before, now) = (found.record.status, ExecutionStatus::PendingRedrive);
            let place = found.record.child.filter(|place| place.map_run == key);
            if place.is_some() && before.is_unsuccessful() {
                found.record.status = now;
                self.map_runs.recount(place, before, now);
            }
        }
        let record = self.map_runs.existing(key)?;
        if let Some(rest) = choice.rest {
            record.is_choosing = false;
            record.not_redrivable = rest;
        }
        Ok(record.clone())
    }

    fn children_from(&self, key: MapRunKey, from: u64) -> impl Iterator<Item = &ExecutionRecord> {
        let children = self.map_runs.children.range((key, from)..=(key, u64::MAX));
        children.map(|(_, child)| &self.executions[child].record)
    }
}

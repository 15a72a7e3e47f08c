//! Map Runs on the disk.

use stepwell::store::map_run::{
    ChildFilter, ChildResult, ChildrenCreation, LimitChange, LimitUpdate, MapRunEnd, MapRunKey,
    MapRunRecord, MapRunRedrive, MapRunStore, NewChildren, NewMapRun, RedriveChoice,
};
use stepwell::store::{ExecutionKey, ExecutionRecord, Store, StoreFuture};

use super::Mounted;

impl Mounted {
    fn map_runs_inside(&self) -> &dyn MapRunStore {
        self.disk.contents.map_runs()
    }
}

impl MapRunStore for Mounted {
    fn begin(&self, new: NewMapRun) -> StoreFuture<'_, MapRunRecord> {
        self.write(self.map_runs_inside().begin(new))
    }

    fn create_children(&self, new: NewChildren) -> StoreFuture<'_, ChildrenCreation> {
        self.write(self.map_runs_inside().create_children(new))
    }

    fn limit(&self, key: MapRunKey, change: LimitChange) -> StoreFuture<'_, LimitUpdate> {
        self.write(self.map_runs_inside().limit(key, change))
    }

    fn end(&self, key: MapRunKey, end: MapRunEnd) -> StoreFuture<'_, MapRunRecord> {
        self.write(self.map_runs_inside().end(key, end))
    }

    fn redrive(&self, key: MapRunKey, redrive: MapRunRedrive) -> StoreFuture<'_, MapRunRecord> {
        self.write(self.map_runs_inside().redrive(key, redrive))
    }

    fn choose(&self, key: MapRunKey, choice: RedriveChoice) -> StoreFuture<'_, MapRunRecord> {
        self.write(self.map_runs_inside().choose(key, choice))
    }

    fn map_run(&self, key: MapRunKey) -> StoreFuture<'_, Option<MapRunRecord>> {
        self.map_runs_inside().map_run(key)
    }

    fn map_run_by_arn(&self, arn: &str) -> StoreFuture<'_, Option<MapRunRecord>> {
        self.map_runs_inside().map_run_by_arn(arn)
    }

    fn map_runs_of(
        &self,
        execution: ExecutionKey,
        before: MapRunKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<MapRunRecord>> {
        self.map_runs_inside().map_runs_of(execution, before, limit)
    }

    fn open_map_runs(&self, after: MapRunKey, limit: usize) -> StoreFuture<'_, Vec<MapRunRecord>> {
        self.map_runs_inside().open_map_runs(after, limit)
    }

    fn list_children(
        &self,
        filter: ChildFilter,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.map_runs_inside().list_children(filter, limit)
    }

    fn results(
        &self,
        key: MapRunKey,
        from: u64,
        bytes_max: usize,
    ) -> StoreFuture<'_, Vec<ChildResult>> {
        self.map_runs_inside().results(key, from, bytes_max)
    }
}

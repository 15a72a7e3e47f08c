//! The thread that writes log groups: to a file each, or all to the standard output.
//!
//! A file is opened for each write, so that whoever moves it away finds the next lines in a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use stepwell_interpreter::history::HistoryView;

use crate::configuration;

use super::{Batch, Load, record};

/// Bytes of lines that are gathered before they are written.
const WRITE_BYTES: usize = 1 << 20;

pub(super) struct Writer {
    places: configuration::Logs,
    region: String,
    load: Arc<Load>,
    /// Log groups that could not be written last time, so that it is said once.
    failing: BTreeSet<String>,
}

impl Writer {
    pub(super) fn new(places: configuration::Logs, region: &str, load: Arc<Load>) -> Self {
        Self {
            places,
            region: region.to_owned(),
            load,
            failing: BTreeSet::new(),
        }
    }

    /// Writes what comes, until nobody can send any more.
    pub(super) fn run(mut self, queue: &mpsc::Receiver<Batch>) {
        while let Ok(first) = queue.recv() {
            let mut lines: BTreeMap<String, String> = BTreeMap::new();
            let mut gathered = 0;
            let mut next = Some(first);
            while let Some(batch) = next {
                gathered += self.render(&batch, &mut lines);
                self.load
                    .waiting_bytes
                    .fetch_sub(batch.bytes, Ordering::Relaxed);
                next = (gathered < WRITE_BYTES)
                    .then(|| queue.try_recv().ok())
                    .flatten();
            }
            for (group, lines) in lines {
                self.write(&group, &lines);
            }
            let left_out = self.load.left_out.swap(0, Ordering::Relaxed);
            if left_out > 0 {
                tracing::warn!(
                    events = left_out,
                    "too many events at once: some are not logged"
                );
            }
        }
    }

    /// Adds the lines of a batch to those of its group; says how many bytes these are.
    fn render(&self, batch: &Batch, lines: &mut BTreeMap<String, String>) -> usize {
        let settings = &batch.followed.settings;
        let view = HistoryView {
            machine: &batch.followed.machine,
            region: &self.region,
            include_execution_data: settings.include_execution_data,
        };
        let lines = lines.entry(settings.group.clone()).or_default();
        let before = lines.len();
        for event in &batch.events {
            let entry = view.entry(event);
            if let Some(entry) = entry.filter(|entry| settings.level.shows(&entry.event_type)) {
                lines.push_str(&record::line(entry, &batch.execution, batch.redrive_count));
            }
        }
        lines.len() - before
    }

    fn write(&mut self, group: &str, lines: &str) {
        if lines.is_empty() {
            return;
        }
        let written = match &self.places.directory {
            Some(directory) => append(directory, group, lines),
            None => Ok(()),
        };
        let printed = if self.places.stdout {
            print(lines)
        } else {
            Ok(())
        };
        match written.and(printed) {
            Ok(()) => {
                self.failing.remove(group);
            }
            Err(error) => {
                if self.failing.insert(group.to_owned()) {
                    tracing::error!(group, %error, "a log group cannot be written: its events are lost");
                }
            }
        }
    }
}

fn append(directory: &Path, group: &str, lines: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join(file_name(group)))?;
    file.write_all(lines.as_bytes())
}

fn print(lines: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines.as_bytes())?;
    stdout.flush()
}

/// A group's file: its name without the first slash, with a plus, which no name has, for any other.
fn file_name(group: &str) -> PathBuf {
    let name = group.strip_prefix('/').unwrap_or(group);
    PathBuf::from(format!("{}.jsonl", name.replace('/', "+")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_never_leaves_the_directory() {
        for (group, file) in [
            (
                "/aws/vendedlogs/states/orders",
                "aws+vendedlogs+states+orders.jsonl",
            ),
            ("orders", "orders.jsonl"),
            ("/../../etc/passwd", "..+..+etc+passwd.jsonl"),
            ("..", "...jsonl"),
            ("//", "+.jsonl"),
        ] {
            assert_eq!(file_name(group), Path::new(file));
        }
    }
}

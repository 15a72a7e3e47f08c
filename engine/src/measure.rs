//! What the engine counts and times, under names that stay.
//!
//! It uses the facade of the crate `metrics`: without a recorder nothing is kept, and a program
//! that embeds the engine installs whichever it likes. The server's is shown at `/metrics`.

/// Something that is counted or timed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Metric {
    /// Its name. Seconds and counts say so at its end.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it tells.
    pub help: &'static str,
}

/// How a metric is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It only grows, from 0 at the start of the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A distribution of seconds.
    Seconds,
    /// A distribution of numbers.
    Number,
}

macro_rules! metrics {
    ($($constant:ident: $kind:ident, $name:literal, $help:literal;)*) => {
        $(#[doc = $help] pub(crate) const $constant: &str = $name;)*

        /// Every metric of the engine.
        pub const METRICS: &[Metric] = &[
            $(Metric { name: $name, kind: Kind::$kind, help: $help },)*
        ];
    };
}

metrics! {
    COMMITS: Counter, "stepwell_commits_total",
        "Transactions that were committed, each with at most one write to disk that is waited for.";
    COMMIT_WRITES: Number, "stepwell_commit_writes",
        "Writes that share a transaction.";
    COMMIT_SECONDS: Seconds, "stepwell_commit_seconds",
        "From the beginning of a transaction to its end.";
    SYNC_SECONDS: Seconds, "stepwell_sync_seconds",
        "The last part of a transaction, in which the disk confirms it.";
    WRITES_REFUSED: Counter, "stepwell_writes_refused_total",
        "Writes that were turned away because too many waited.";
    WRITES_WAITING: Gauge, "stepwell_writes_waiting",
        "Writes that wait while a transaction is under way.";
    STARTED: Counter, "stepwell_executions_started_total",
        "Executions that were started.";
    CLOSED: Counter, "stepwell_executions_closed_total",
        "Executions that ended, by status.";
    SET_ASIDE: Counter, "stepwell_executions_set_aside_total",
        "Times that an execution could not go on, because its journal or its definition cannot be read.";
    TASKS: Counter, "stepwell_tasks_started_total",
        "Tasks that were handed to a handler, those that run again after a crash included.";
    REPLAYS: Counter, "stepwell_replays_total",
        "Executions that were brought back from their journals.";
    REPLAYED_EVENTS: Counter, "stepwell_replayed_events_total",
        "Events that were applied for that.";
    REPLAY_SECONDS: Seconds, "stepwell_replay_seconds",
        "How long it took to bring an execution back, reading included.";
    OPEN: Gauge, "stepwell_executions_open",
        "Executions that have not ended, in the whole store.";
    LIVE: Gauge, "stepwell_executions_live",
        "Executions that have something to do here now.";
    PARKED: Gauge, "stepwell_executions_parked",
        "Executions that only wait: open and not live.";
    WARM: Gauge, "stepwell_executions_warm",
        "Parked executions that are still in memory.";
    TIMERS: Gauge, "stepwell_timers",
        "Timers in memory; those far away are on the disk alone.";
}

/// How much there is of everything at one time; see [`Engine::measure`](crate::Engine::measure).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Levels {
    /// Executions that have not ended, in the whole store.
    pub open: u64,
    /// Executions that have something to do in this engine.
    pub live: u64,
    /// Parked executions that are still in memory.
    pub warm: u64,
    /// Timers in memory.
    pub timers: u64,
}

impl Levels {
    /// Executions that only wait.
    pub fn parked(self) -> u64 {
        self.open.saturating_sub(self.live)
    }

    /// Shows the levels in their gauges.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge need not be exact beyond 2^53"
    )]
    pub(crate) fn show(self) {
        metrics::gauge!(OPEN).set(self.open as f64);
        metrics::gauge!(LIVE).set(self.live as f64);
        metrics::gauge!(PARKED).set(self.parked() as f64);
        metrics::gauge!(WARM).set(self.warm as f64);
        metrics::gauge!(TIMERS).set(self.timers as f64);
    }
}

//! The live view of `asl run` on standard error: lines that move on a terminal, plain ones
//! elsewhere.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use stepwell::interpreter::Execution;
use stepwell::interpreter::event::{Event, FlowId};
use stepwell::language::model::StateMachine;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::output;

use super::progress::{End, Label, Progress, Step, duration_text};

/// Lines for states that are being run; a wide Map has more of them than a screen has room.
const SPINNERS_MAX: usize = 12;

/// How often the spinners turn.
const TICK: Duration = Duration::from_millis(100);

/// Where the events of executions go in. Those of other executions in the database pass by.
#[derive(Clone)]
pub(super) struct Feed(Sender<Update>);

/// Events of one execution, or the end of the view.
enum Update {
    Events {
        execution: Arc<str>,
        machine: Arc<StateMachine>,
        events: Vec<Event>,
    },
    End,
}

/// A view that has not begun: updates wait for it.
pub(super) struct Waiting {
    updates: Receiver<Update>,
    screen: Screen,
}

/// A view that runs until [`Running::end`].
pub(super) struct Running {
    feed: Feed,
    thread: Option<JoinHandle<()>>,
}

/// What is shown where.
#[derive(Clone)]
pub(super) enum Screen {
    /// Nothing is shown.
    Off,
    /// Plain lines.
    Lines,
    /// Lines that move.
    Live(MultiProgress),
}

impl Screen {
    /// The screen that standard error has.
    pub(super) fn of_notes(quiet: bool) -> Self {
        match (quiet, output::notes_are_live()) {
            (true, _) => Self::Off,
            (false, true) => Self::Live(MultiProgress::new()),
            (false, false) => Self::Lines,
        }
    }
}

/// A view on this screen, and its feed.
pub(super) fn view(screen: Screen) -> (Feed, Waiting) {
    let (sender, updates) = channel();
    (Feed(sender), Waiting { updates, screen })
}

impl Feed {
    /// Shows what happened in an execution.
    pub(super) fn events(&self, execution: &Execution, events: &[Event]) {
        let Some((_, started)) = execution.started() else {
            return;
        };
        // A view that is gone needs no more.
        let _ = self.0.send(Update::Events {
            execution: started.execution.clone(),
            machine: execution.machine().clone(),
            events: events.to_vec(),
        });
    }
}

impl Waiting {
    /// Shows the execution with this ARN from now on, what came before included.
    pub(super) fn follow(self, feed: Feed, arn: String) -> Running {
        let Self { updates, screen } = self;
        let thread = std::thread::spawn(move || {
            let mut shown = Shown {
                screen,
                spinners: BTreeMap::new(),
            };
            let mut progress = Progress::default();
            loop {
                match updates.recv_timeout(TICK) {
                    Ok(Update::Events {
                        execution,
                        machine,
                        events,
                    }) if *execution == *arn => {
                        for event in &events {
                            for step in progress.take_in(&machine, event) {
                                shown.show(&step);
                            }
                        }
                    }
                    Ok(Update::Events { .. }) => {}
                    Err(RecvTimeoutError::Timeout) => shown.tick(),
                    Ok(Update::End) | Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            shown.clear();
        });
        Running {
            feed,
            thread: Some(thread),
        }
    }
}

impl Running {
    /// Shows what has happened until now, and clears away what moves.
    pub(super) fn end(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.feed.0.send(Update::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Shown {
    screen: Screen,
    spinners: BTreeMap<FlowId, ProgressBar>,
}

impl Shown {
    fn show(&mut self, step: &Step) {
        match self.screen.clone() {
            Screen::Off => {}
            Screen::Lines => output::note(&format!("{}\n", plain_line(step))),
            Screen::Live(screen) => self.show_live(&screen, step),
        }
    }

    fn show_live(&mut self, screen: &MultiProgress, step: &Step) {
        match step {
            Step::Entered { flow, label } => {
                if self.spinners.len() < SPINNERS_MAX {
                    let style = ProgressStyle::with_template("{prefix}{spinner:.cyan} {wide_msg}")
                        .expect("the template is valid");
                    let spinner = ProgressBar::new_spinner().with_style(style);
                    let spinner = screen.add(spinner);
                    spinner.set_prefix(indent(label));
                    spinner.set_message(name(label));
                    self.spinners.insert(*flow, spinner);
                }
            }
            Step::Waiting { flow, label, until } => {
                self.message(*flow, format!("{} until {until}", name(label)));
            }
            Step::Retrying {
                flow,
                label,
                error,
                pause,
            } => {
                let error = output::printable(error);
                let pause = duration_text(*pause);
                self.message(
                    *flow,
                    format!("{} again in {pause}, after {error}", name(label)),
                );
            }
            Step::Left { flow, .. } => {
                if let Some(spinner) = self.spinners.remove(flow) {
                    spinner.finish_and_clear();
                    screen.remove(&spinner);
                }
                // `println` would fill the line up with spaces, and not end it.
                let line = live_line(step, output::colours_notes());
                screen.suspend(|| output::note(&format!("{line}\n")));
            }
        }
    }

    fn message(&self, flow: FlowId, message: String) {
        if let Some(spinner) = self.spinners.get(&flow) {
            spinner.set_message(message);
        }
    }

    fn tick(&self) {
        for spinner in self.spinners.values() {
            spinner.tick();
        }
    }

    fn clear(&mut self) {
        for (_, spinner) in std::mem::take(&mut self.spinners) {
            spinner.finish_and_clear();
        }
        if let Screen::Live(screen) = &self.screen {
            let _ = screen.clear();
        }
    }
}

/// A step as a line of its own: `exited Charge 12 ms`.
fn plain_line(step: &Step) -> String {
    match step {
        Step::Entered { label, .. } => format!("{}entered {}", indent(label), name(label)),
        Step::Waiting { label, until, .. } => {
            format!("{}waiting {} until {until}", indent(label), name(label))
        }
        Step::Retrying {
            label,
            error,
            pause,
            ..
        } => {
            let (error, pause) = (output::printable(error), duration_text(*pause));
            format!(
                "{}retrying {} in {pause}, after {error}",
                indent(label),
                name(label)
            )
        }
        Step::Left {
            label,
            end,
            duration,
            ..
        } => {
            let verb = match end {
                End::Exited | End::Caught(_) => "exited",
                End::Failed(_) => "failed",
                End::Aborted => "aborted",
            };
            let rest = rest(end, *duration);
            format!("{}{verb} {}{rest}", indent(label), name(label))
        }
    }
}

/// A step that is over, as it stays on a terminal: `✓ Charge 12 ms`.
fn live_line(step: &Step, colour: bool) -> String {
    let Step::Left {
        label,
        end,
        duration,
        ..
    } = step
    else {
        return plain_line(step);
    };
    let (code, mark) = match end {
        End::Exited => ("32", "✓"),
        End::Caught(_) => ("33", "✓"),
        End::Failed(_) => ("31", "✗"),
        End::Aborted => ("31", "-"),
    };
    let mark = if colour {
        format!("\u{1b}[{code}m{mark}\u{1b}[0m")
    } else {
        mark.to_owned()
    };
    format!(
        "{}{mark} {}{}",
        indent(label),
        name(label),
        rest(end, *duration)
    )
}

fn rest(end: &End, duration: Option<Duration>) -> String {
    let duration = duration.map_or_else(String::new, |time| format!(" {}", duration_text(time)));
    match end {
        End::Exited | End::Aborted => duration,
        End::Caught(error) => format!("{duration}, caught {}", output::printable(error)),
        End::Failed(error) => format!("{duration}: {}", output::printable(error)),
    }
}

fn indent(label: &Label) -> String {
    "  ".repeat(label.depth)
}

/// The name on one line.
fn name(label: &Label) -> String {
    output::printable(&label.name).replace(['\n', '\t'], " ")
}

/// Writes logs between the lines that move.
impl<'writer> MakeWriter<'writer> for Screen {
    type Writer = Self;

    fn make_writer(&'writer self) -> Self {
        self.clone()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let write = || io::stderr().lock().write_all(bytes);
        match self {
            Self::Off | Self::Lines => write()?,
            Self::Live(screen) => screen.suspend(write)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(end: End, duration: Option<u64>, plain: &str, live: &str) {
        let label = Label {
            name: "Charge [2]".to_owned(),
            depth: 1,
        };
        let duration = duration.map(Duration::from_millis);
        let step = Step::Left {
            flow: FlowId(3),
            label,
            end,
            duration,
        };
        assert_eq!(plain_line(&step), plain);
        assert_eq!(live_line(&step, false), live);
    }

    #[test]
    fn a_state_that_was_left_shows_how_and_when() {
        check(
            End::Exited,
            Some(12),
            "  exited Charge [2] 12 ms",
            "  ✓ Charge [2] 12 ms",
        );
        check(End::Exited, None, "  exited Charge [2]", "  ✓ Charge [2]");
        let declined = || "Declined".to_owned();
        check(
            End::Caught(declined()),
            Some(1_250),
            "  exited Charge [2] 1.2 s, caught Declined",
            "  ✓ Charge [2] 1.2 s, caught Declined",
        );
        check(
            End::Failed(declined()),
            Some(125_000),
            "  failed Charge [2] 2 min 5 s: Declined",
            "  ✗ Charge [2] 2 min 5 s: Declined",
        );
        check(End::Aborted, None, "  aborted Charge [2]", "  - Charge [2]");
    }
}

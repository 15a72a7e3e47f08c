//! `asl run`: one execution, from its start, or from where it was interrupted, to its end.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use stepwell::integrations::mock::MockConfiguration;
use stepwell::interpreter::history::HistoryEntry;
use stepwell::operations::{CreateStateMachine, GetExecutionHistory, UpdateStateMachine};
use stepwell::store::ExecutionStatus;
use stepwell::{Engine, ExecutionHandle, OperationError, Outcome};

use super::definition::Definition;
use super::logs::{self, Style};
use super::setup::{self, StopSignals};
use super::{Exit, Problem, output};

mod start;
mod progress;
mod view;

use view::{Feed, Screen, Waiting};

const EXAMPLES: &str = "\
Examples:
  asl run order.asl.json --input '{\"order\": 7}'
  asl run order.asl.json --input @order.json --config stepwell.toml
  asl run order.asl.json --mock-config mocks.json --name order --test-case Declined
  asl run order.asl.json --database order.db   # again, to go on after an interruption
  asl run order.asl.json --history | jq '.[].type'

The output goes to standard output, progress and errors to standard error.

Exit codes:
  0  the execution succeeded
  1  it failed, timed out, was aborted or interrupted
  2  it could not be run";

/// What functions log, and warnings.
const LOGGED: &str = "warn,stepwell::integrations=info";

/// How often to look whether the store still works.
const HEALTH_CHECK: Duration = Duration::from_secs(1);

/// Run one execution of a definition to its end.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The definition; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The input: JSON, or a file that holds it; `@-` is standard input [default: {}].
    #[arg(long, value_name = "JSON|@FILE", allow_hyphen_values = true)]
    input: Option<String>,
    /// The state machine's name [default: that of the folder the file lies in].
    #[arg(long)]
    name: Option<String>,
    /// Functions, connections, region and account.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Mocked answers, in the format of Step Functions Local; the state machine is found in it by
    /// its name.
    #[arg(long, value_name = "FILE")]
    mock_config: Option<PathBuf>,
    /// The test case of the mock configuration [default: the only one].
    #[arg(long, value_name = "CASE", requires = "mock_config")]
    test_case: Option<String>,
    /// A SQLite file that makes the execution durable: an interrupted one goes on when the
    /// command is run again.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// The execution's name. An open one of this name goes on; if it has ended, the new one gets
    /// the time added to its name.
    #[arg(long, value_name = "NAME", default_value = "run")]
    execution_name: String,
    /// Print the history of the execution, a JSON array, instead of its output.
    #[arg(long)]
    history: bool,
    /// Do not show progress.
    #[arg(long, short)]
    quiet: bool,
    /// What is logged: off, error, warn, info, debug or trace, or directives such as
    /// `stepwell=debug` [env: `STEPWELL_LOG`; default: what functions log, and warnings].
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Problem> {
    let screen = Screen::of_notes(arguments.quiet);
    let usual_level = if arguments.quiet { "error" } else { LOGGED };
    logs::start(
        arguments.log.as_deref(),
        usual_level,
        Style::Brief,
        screen.clone(),
    )?;
    let runtime = setup::runtime()?;
    let done = runtime.block_on(execute(arguments, screen));
    // Functions that still run are ended; whatever else there is need not be waited for.
    runtime.shutdown_timeout(setup::SHUTDOWN);
    done
}

async fn execute(arguments: &Arguments, screen: Screen) -> Result<Exit, Problem> {
    let definition = Definition::read(&arguments.file)?;
    let input = arguments.input.as_deref().map(read_input).transpose()?;
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => folder_name(&arguments.file),
    };
    let (feed, waiting) = view::view(screen);
    let mut builder =
        Engine::builder().configuration(setup::configuration(arguments.config.as_deref())?);
    let mut test_case = None;
    if let Some(path) = &arguments.mock_config {
        let mocks = setup::mocks(path)?;
        test_case = Some(pick_test_case(
            &mocks,
            &name,
            arguments.test_case.as_deref(),
            path,
        )?);
        builder = builder.mocks(mocks);
    }
    if let Some(file) = &arguments.database {
        builder = builder.database(file);
    }
    let observer = feed.clone();
    builder = builder.observer(move |execution, events| {
        // Children of a Map Run are executions of their own.
        let started = execution.started();
        if started.is_none_or(|(_, started)| started.child_of.is_none()) {
            observer.events(execution, events);
        }
    });

    let mut signals = StopSignals::listen()?;
    let engine = builder.build().await?;
    let machine_arn = match create(&engine, &name, &definition).await {
        Ok(arn) => arn,
        Err(OperationError::InvalidDefinition(findings)) => {
            let findings = definition.place(findings);
            output::note(&definition.render(&findings, output::colours_notes()));
            return Ok(Exit::CouldNotRun);
        }
        Err(error) => return Err(error.into()),
    };
    let request = start::Request {
        machine_arn,
        test_case,
        execution_name: arguments.execution_name.clone(),
        input,
        is_durable: arguments.database.is_some(),
    };
    let started = request.start_or_resume(&engine).await?;
    if let Some(since) = started.resumed_from
        && !arguments.quiet
    {
        let name = output::printable(&started.name);
        output::note(&format!("resuming {name}, which started at {since}\n"));
    }
    let ended = until_end(&engine, &started.execution, &mut signals, feed, waiting).await?;
    let Some(outcome) = ended else {
        output::note(&interrupted(arguments, &started.name));
        return Ok(Exit::No);
    };
    report(&engine, &started.execution, outcome, arguments.history).await
}

/// Shows the execution until it has ended; `None` when a signal came first.
async fn until_end(
    engine: &Engine,
    execution: &ExecutionHandle,
    signals: &mut StopSignals,
    feed: Feed,
    waiting: Waiting,
) -> Result<Option<Outcome>, Problem> {
    let running = waiting.follow(feed, execution.arn.clone());
    let store_failed = async {
        loop {
            tokio::time::sleep(HEALTH_CHECK).await;
            if let Err(error) = engine.readiness() {
                return error;
            }
        }
    };
    let ended = tokio::select! {
        outcome = execution.outcome() => outcome.map(Some),
        () = signals.next() => Ok(None),
        error = store_failed => Err(error.into()),
    };
    running.end();
    Ok(ended?)
}

/// Creates the state machine; one that is there from an earlier run gets this definition.
async fn create(
    engine: &Engine,
    name: &str,
    definition: &Definition,
) -> Result<String, OperationError> {
    let request = CreateStateMachine::new(name, &definition.text);
    match engine.create_state_machine_with(request).await {
        Ok(created) => Ok(created.state_machine_arn),
        Err(OperationError::StateMachineAlreadyExists(arn)) => {
            let request = UpdateStateMachine {
                state_machine_arn: arn.clone(),
                definition: Some(definition.text.clone()),
                ..UpdateStateMachine::default()
            };
            engine.update_state_machine(request).await?;
            Ok(arn)
        }
        Err(error) => Err(error),
    }
}

/// Prints what the execution ended with.
async fn report(
    engine: &Engine,
    execution: &ExecutionHandle,
    outcome: Outcome,
    wants_history: bool,
) -> Result<Exit, Problem> {
    let how = match outcome.status {
        ExecutionStatus::Succeeded => None,
        ExecutionStatus::Failed => Some("failed"),
        ExecutionStatus::TimedOut => Some("timed out"),
        ExecutionStatus::Aborted => Some("was aborted"),
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
            // Nobody goes on with it: the store must have failed.
            engine.readiness().map_err(OperationError::from)?;
            return Err(Problem::Arguments("the execution cannot go on".to_owned()));
        }
    };
    if wants_history {
        output::json(&history(engine, &execution.arn).await?)?;
    } else if how.is_none() {
        output::json(&outcome.output.unwrap_or_default())?;
    }
    let Some(how) = how else {
        return Ok(Exit::Success);
    };
    let mut text = format!("asl: the execution {how}\n");
    for (name, value) in [("error", outcome.error), ("cause", outcome.cause)] {
        if let Some(value) = value {
            let _ = writeln!(text, "  {name}: {}", output::printable(&value));
        }
    }
    output::note(&text);
    Ok(Exit::No)
}

/// The whole history, as `GetExecutionHistory` shows it.
async fn history(engine: &Engine, arn: &str) -> Result<Vec<Value>, OperationError> {
    let mut request = GetExecutionHistory {
        execution_arn: arn.to_owned(),
        max_results: Some(1_000),
        reverse_order: false,
        next_token: None,
        include_execution_data: true,
    };
    let mut entries = Vec::new();
    loop {
        let page = engine.get_execution_history(request.clone()).await?;
        entries.extend(page.events.into_iter().map(HistoryEntry::into_json));
        request.next_token = page.next_token;
        if request.next_token.is_none() {
            return Ok(entries);
        }
    }
}

/// What to say after Ctrl-C.
fn interrupted(arguments: &Arguments, name: &str) -> String {
    let name = output::printable(name);
    match &arguments.database {
        None => format!("asl: {name} was interrupted; with --database FILE it could be resumed\n"),
        Some(file) => {
            let command = resuming_command(arguments, file);
            format!("asl: {name} was interrupted; to resume it: {command}\n")
        }
    }
}

/// The command line that goes on with the execution.
fn resuming_command(arguments: &Arguments, database: &Path) -> String {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut command = format!("asl run {}", quoted(&path(&arguments.file)));
    let options = [
        ("--name", arguments.name.clone()),
        ("--config", arguments.config.as_deref().map(path)),
        ("--mock-config", arguments.mock_config.as_deref().map(path)),
        ("--test-case", arguments.test_case.clone()),
        ("--database", Some(path(database))),
        ("--execution-name", Some(arguments.execution_name.clone())),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            // Writing to a string does not fail.
            let _ = write!(command, " {option} {}", quoted(&value));
        }
    }
    command
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:@%+,".contains(&byte);
    let word = output::printable(word);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The value of `--input`.
fn read_input(argument: &str) -> Result<String, Problem> {
    match argument.strip_prefix('@') {
        Some(path) => setup::read(Path::new(path)),
        None => Ok(argument.to_owned()),
    }
}

/// The name of the folder that a file lies in, as far as it can be a name.
fn folder_name(file: &Path) -> String {
    let absolute = std::path::absolute(file).unwrap_or_default();
    let folder = absolute
        .parent()
        .map(|folder| folder.canonicalize().unwrap_or(folder.to_owned()));
    let name = folder.as_deref().and_then(Path::file_name).map_or_else(
        || "state-machine".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let kept = |character: char| match character {
        '-' | '_' | '.' => character,
        _ if character.is_alphanumeric() => character,
        _ => '-',
    };
    name.chars().map(kept).take(80).collect()
}

/// The test case to run: the one that is named, or the only one.
fn pick_test_case(
    mocks: &MockConfiguration,
    machine: &str,
    wanted: Option<&str>,
    path: &Path,
) -> Result<String, Problem> {
    let path = path.display();
    let cases: Vec<&str> = mocks.test_cases(machine).collect();
    let listed = cases.join(", ");
    let message = match (wanted, &*cases) {
        (None | Some(_), []) => format!(
            "{path} has no test cases for the state machine {machine}; --name gives it another name"
        ),
        (None, [only]) => return Ok((*only).to_owned()),
        (None, _) => format!("{path} has several test cases; pick one with --test-case: {listed}"),
        (Some(wanted), cases) if cases.contains(&wanted) => return Ok(wanted.to_owned()),
        (Some(wanted), _) => format!("{path} has no test case {wanted}; there are: {listed}"),
    };
    Err(Problem::Arguments(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOCKS: &str = r#"{
        "StateMachines": {
            "one": {"TestCases": {"Happy": {}}},
            "two": {"TestCases": {"Happy": {}, "Sad": {}}}
        }
    }"#;

    #[track_caller]
    fn check(machine: &str, wanted: Option<&str>, expected: Result<&str, &str>) {
        let mocks = MockConfiguration::parse(MOCKS).unwrap();
        let picked = pick_test_case(&mocks, machine, wanted, Path::new("mocks.json"));
        let picked = picked.map_err(|problem| problem.line());
        assert_eq!(picked.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn the_test_case_is_the_named_or_the_only_one() {
        check("one", None, Ok("Happy"));
        check("two", Some("Sad"), Ok("Sad"));
        let several = "mocks.json has several test cases; pick one with --test-case: Happy, Sad";
        check("two", None, Err(several));
        check(
            "two",
            Some("Odd"),
            Err("mocks.json has no test case Odd; there are: Happy, Sad"),
        );
        let none = "mocks.json has no test cases for the state machine three; \
            --name gives it another name";
        check("three", None, Err(none));
    }

    #[test]
    fn a_folder_gives_the_state_machine_its_name() {
        assert_eq!(
            folder_name(Path::new("/no/such/order saga/flow.asl.json")),
            "order-saga"
        );
        assert_eq!(folder_name(Path::new("/flow.asl.json")), "state-machine");
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("a/b-1.db"), "a/b-1.db");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
    }
}

//! What `stepwell.toml` says: where functions run, how connections authorise, who the server is.
//!
//! [`Configuration::parse`] reads a text that somebody else opened. It knows neither files nor the
//! environment: the folder that relative paths start from and the lookup that secrets come through
//! are arguments. A [`Configuration`] is complete: every secret is at hand, every name checked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use stepwell_language::source::Position;
use toml::Spanned;

mod connection;
mod text;

pub use connection::{
    Authorization, Connection, HttpParameters, OAuthClientCredentials, OAuthMethod,
};

use connection::ConnectionTable;
use text::TextField;

/// The whole configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Configuration {
    /// `[server]`.
    pub server: Server,
    /// `[http]`.
    pub http: Http,
    /// `[logs]`; without it execution logs are not written.
    pub logs: Option<Logs>,
    /// `[retention]`.
    pub retention: Retention,
    /// `[functions.NAME]`, by the function's name.
    pub functions: BTreeMap<String, Function>,
    /// `[connections.NAME]`, by the connection's name.
    pub connections: BTreeMap<String, Connection>,
}

/// Where ARNs say that this server stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    /// The region, `us-east-1` unless set.
    pub region: String,
    /// The account, 12 digits, `123456789012` unless set.
    pub account: String,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
        }
    }
}

/// What HTTP tasks may do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Http {
    /// Whether an `http://` endpoint is allowed when its host is this machine.
    pub allow_plain_loopback: bool,
}

/// Where the log groups of state machines are written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Logs {
    /// The folder that has a file for each, `<group>.jsonl`.
    pub directory: Option<PathBuf>,
    /// Whether all of them go to the standard output.
    pub stdout: bool,
}

/// How long closed executions are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// From the end of an execution on: 90 days, as on AWS, unless set.
    pub period: Duration,
}

impl Retention {
    /// Days that may be set: up to a century.
    pub const DAYS_MAX: u64 = 36_525;

    /// A retention of so many days.
    pub fn days(days: u64) -> Self {
        Self {
            period: Duration::from_hours(24 * days.min(Self::DAYS_MAX)),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self::days(90)
    }
}

/// One function: what AWS Lambda would run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Function {
    /// Where it runs.
    pub target: FunctionTarget,
    /// How long one call may take.
    pub timeout: Option<Duration>,
}

/// Where a function runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FunctionTarget {
    /// Behind an HTTP endpoint that takes and gives JSON.
    Url(Url),
    /// In a process of its own for each call, JSON on standard input and output.
    Command(Command),
}

/// The process that a function runs in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command {
    /// The program: a name to look for, or an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables added to its environment.
    pub environment: BTreeMap<String, Secret>,
    /// The folder it starts in.
    pub directory: PathBuf,
}

/// A text that no log may show.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

/// Why a configuration was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}{message}", place(*position))]
pub struct ConfigurationError {
    /// Where in the text, if one place is at fault.
    pub position: Option<Position>,
    /// What is wrong.
    pub message: String,
}

fn place(position: Option<Position>) -> String {
    position.map_or_else(String::new, |Position { line, column }| {
        format!("line {line}, column {column}: ")
    })
}

impl Configuration {
    /// Seconds that `timeout_seconds` may name, as `TimeoutSeconds` of a Task.
    pub const TIMEOUT_SECONDS_MAX: u64 = 99_999_999;

    /// Reads a configuration. Relative paths in it start from `folder`; `variable` is asked for
    /// each environment variable that it names.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] when `text` is no TOML, has an unknown key, a value of the wrong
    /// type, or names a variable that is not set.
    ///
    /// ```
    /// # use std::path::Path;
    /// use stepwell::configuration::Configuration;
    ///
    /// let text = "[functions.charge]\ncommand = ['python3', 'charge.py']";
    /// let configuration = Configuration::parse(text, Path::new("/srv"), &|_| None)?;
    /// assert!(configuration.functions.contains_key("charge"));
    /// # Ok::<(), stepwell::configuration::ConfigurationError>(())
    /// ```
    pub fn parse(
        text: &str,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigurationError> {
        let reader = Reader {
            text,
            folder,
            variable,
        };
        let document: Document = toml::from_str(text).map_err(|error| {
            let position = error.span().map(|span| Position::of(text, span.start));
            ConfigurationError {
                position,
                message: error.message().to_owned(),
            }
        })?;
        Ok(Self {
            server: reader.server(document.server)?,
            http: Http {
                allow_plain_loopback: document.http.allow_plain_loopback,
            },
            logs: document
                .logs
                .as_ref()
                .map(|table| reader.logs(table))
                .transpose()?,
            retention: reader.retention(document.retention)?,
            functions: reader.each(document.functions, is_function_name, Reader::function)?,
            connections: reader.each(
                document.connections,
                is_connection_name,
                |reader, (_, table)| reader.connection(table),
            )?,
        })
    }
}

/// The file as it is written; [`Reader`] makes a [`Configuration`] of it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Document {
    server: ServerTable,
    http: HttpTable,
    logs: Option<Spanned<LogsTable>>,
    retention: RetentionTable,
    functions: BTreeMap<Spanned<String>, FunctionTable>,
    connections: BTreeMap<Spanned<String>, ConnectionTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServerTable {
    region: Option<Spanned<String>>,
    account: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HttpTable {
    allow_plain_loopback: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LogsTable {
    directory: Option<PathBuf>,
    stdout: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetentionTable {
    days: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionTable {
    url: Option<Spanned<String>>,
    command: Option<Spanned<Vec<String>>>,
    timeout_seconds: Option<Spanned<u64>>,
    environment: Option<Spanned<BTreeMap<String, TextField>>>,
    directory: Option<Spanned<PathBuf>>,
}

/// What turns tables into values, with what it needs for that.
struct Reader<'a> {
    text: &'a str,
    folder: &'a Path,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn error<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> ConfigurationError {
        let position = Some(Position::of(self.text, at.span().start));
        ConfigurationError {
            position,
            message: message.into(),
        }
    }

    /// Reads each table of a section, under a name that `is_name` accepts.
    fn each<Table, Entry>(
        &self,
        tables: BTreeMap<Spanned<String>, Table>,
        is_name: fn(&str) -> bool,
        read: impl Fn(&Self, (&Spanned<String>, Table)) -> Result<Entry, ConfigurationError>,
    ) -> Result<BTreeMap<String, Entry>, ConfigurationError> {
        let mut entries = BTreeMap::new();
        for (name, table) in tables {
            if !is_name(name.get_ref()) {
                let message = "a name has 1 to 64 letters, digits, '-' and '_'";
                return Err(self.error(&name, message));
            }
            let entry = read(self, (&name, table))?;
            entries.insert(name.into_inner(), entry);
        }
        Ok(entries)
    }

    fn server(&self, table: ServerTable) -> Result<Server, ConfigurationError> {
        let mut server = Server::default();
        if let Some(region) = table.region {
            let known = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
            if region.get_ref().is_empty()
                || !region
                    .get_ref()
                    .bytes()
                    .all(|byte| known(byte) || byte == b'-')
            {
                return Err(self.error(&region, "a region has lower-case letters, digits and '-'"));
            }
            server.region = region.into_inner();
        }
        if let Some(account) = table.account {
            if account.get_ref().len() != 12
                || !account.get_ref().bytes().all(|byte| byte.is_ascii_digit())
            {
                return Err(self.error(&account, "an account has 12 digits"));
            }
            server.account = account.into_inner();
        }
        Ok(server)
    }

    fn logs(&self, table: &Spanned<LogsTable>) -> Result<Logs, ConfigurationError> {
        let LogsTable { directory, stdout } = table.get_ref();
        if directory.is_none() && !stdout {
            let message = "logs need a directory, or stdout = true";
            return Err(self.error(table, message));
        }
        Ok(Logs {
            directory: directory.as_ref().map(|path| self.folder.join(path)),
            stdout: *stdout,
        })
    }

    fn retention(&self, table: RetentionTable) -> Result<Retention, ConfigurationError> {
        match table.days {
            None => Ok(Retention::default()),
            Some(days) if (1..=Retention::DAYS_MAX).contains(days.get_ref()) => {
                Ok(Retention::days(*days.get_ref()))
            }
            Some(days) => {
                let message = format!("executions are kept for 1 to {} days", Retention::DAYS_MAX);
                Err(self.error(&days, message))
            }
        }
    }

    fn function(
        &self,
        (name, table): (&Spanned<String>, FunctionTable),
    ) -> Result<Function, ConfigurationError> {
        let timeout = table
            .timeout_seconds
            .map(|seconds| self.timeout(&seconds))
            .transpose()?;
        let target = match (table.url, table.command) {
            (Some(url), None) => {
                if let Some(environment) = &table.environment {
                    return Err(self.error(environment, "`environment` belongs to `command`"));
                }
                if let Some(directory) = &table.directory {
                    return Err(self.error(directory, "`directory` belongs to `command`"));
                }
                FunctionTarget::Url(self.url(&url)?)
            }
            (None, Some(command)) => FunctionTarget::Command(
                self.command(
                    &command,
                    table
                        .environment
                        .map(Spanned::into_inner)
                        .unwrap_or_default(),
                    table.directory.map(Spanned::into_inner),
                )?,
            ),
            (None, None) => return Err(self.error(name, "a function needs `url` or `command`")),
            (Some(_), Some(command)) => {
                return Err(self.error(&command, "a function has `url` or `command`, not both"));
            }
        };
        Ok(Function { target, timeout })
    }

    fn timeout(&self, seconds: &Spanned<u64>) -> Result<Duration, ConfigurationError> {
        let most = Configuration::TIMEOUT_SECONDS_MAX;
        match *seconds.get_ref() {
            count if (1..=most).contains(&count) => Ok(Duration::from_secs(count)),
            _ => Err(self.error(seconds, format!("`timeout_seconds` is 1 to {most}"))),
        }
    }

    fn url(&self, text: &Spanned<String>) -> Result<Url, ConfigurationError> {
        match Url::parse(text.get_ref()) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
            Ok(_) => Err(self.error(text, "a URL starts with `http://` or `https://`")),
            Err(error) => Err(self.error(text, format!("not a URL: {error}"))),
        }
    }

    fn command(
        &self,
        line: &Spanned<Vec<String>>,
        environment: BTreeMap<String, TextField>,
        directory: Option<PathBuf>,
    ) -> Result<Command, ConfigurationError> {
        let Some((program, arguments)) = line.get_ref().split_first() else {
            return Err(self.error(line, "`command` needs at least a program"));
        };
        // A bare name is looked for as a shell does; a path must not depend on the process's own
        // working folder.
        let has_folder = Path::new(program).components().count() > 1;
        let program = if has_folder {
            self.folder.join(program)
        } else {
            PathBuf::from(program)
        };
        Ok(Command {
            program,
            arguments: arguments.to_vec(),
            environment: self.texts(environment)?,
            directory: directory
                .map_or_else(|| self.folder.to_owned(), |path| self.folder.join(path)),
        })
    }
}

fn is_function_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_connection_name(name: &str) -> bool {
    is_function_name(&name.replace('.', "_"))
}

#[cfg(test)]
mod tests;

use super::*;

fn parse(text: &str) -> Result<Configuration, ConfigurationError> {
    let variable = |name: &str| (name == "KEY").then(|| "s3cret".to_owned());
    Configuration::parse(text, Path::new("/srv/shop"), &variable)
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let message = parse(text).expect_err(text).to_string();
    assert!(
        message.contains(expected),
        "{text}\n{message}\nexpected: {expected}"
    );
}

#[test]
fn an_empty_file_has_the_defaults() {
    let configuration = parse("").unwrap();
    assert_eq!(configuration, Configuration::default());
    assert_eq!(configuration.server.region, "us-east-1");
    assert_eq!(configuration.server.account, "123456789012");
}

#[test]
fn logs_go_to_a_folder_or_to_the_standard_output() {
    assert_eq!(parse("").unwrap().logs, None);
    let logs = parse("[logs]\ndirectory = 'logs'").unwrap().logs.unwrap();
    assert_eq!(logs.directory, Some("/srv/shop/logs".into()));
    assert!(!logs.stdout);
    let logs = parse("[logs]\nstdout = true").unwrap().logs.unwrap();
    assert_eq!((logs.directory, logs.stdout), (None, true));
    refused("[logs]", "logs need a directory, or stdout = true");
    refused("[logs]\nfile = 'logs'", "unknown field `file`");
}

#[test]
fn executions_are_kept_for_some_days() {
    let period = |text: &str| parse(text).unwrap().retention.period;
    assert_eq!(period(""), Duration::from_hours(24 * 90));
    assert_eq!(period("[retention]"), Duration::from_hours(24 * 90));
    assert_eq!(period("[retention]\ndays = 1"), Duration::from_hours(24));
    for days in ["0", "36526"] {
        let text = format!("[retention]\ndays = {days}");
        refused(&text, "executions are kept for 1 to 36525 days");
    }
    refused("[retention]\nhours = 1", "unknown field `hours`");
}

#[test]
fn functions_run_by_url_or_by_command() {
    let configuration = parse(
        "
        [functions.quote]
        url = 'http://quotes.local/run'
        timeout_seconds = 3

        [functions.charge]
        command = ['./bin/charge', '--fast']
        directory = 'work'
        environment = { STAGE = 'test', TOKEN = { env = 'KEY' } }

        [functions.plain]
        command = ['python3', 'charge.py']
        ",
    )
    .unwrap();
    let quote = &configuration.functions["quote"];
    assert_eq!(quote.timeout, Some(Duration::from_secs(3)));
    assert_eq!(
        quote.target,
        FunctionTarget::Url("http://quotes.local/run".parse().unwrap())
    );
    let charge = Command {
        program: "/srv/shop/./bin/charge".into(),
        arguments: vec!["--fast".to_owned()],
        environment: BTreeMap::from([
            ("STAGE".to_owned(), Secret::new("test")),
            ("TOKEN".to_owned(), Secret::new("s3cret")),
        ]),
        directory: "/srv/shop/work".into(),
    };
    assert_eq!(
        configuration.functions["charge"].target,
        FunctionTarget::Command(charge)
    );
    let plain = Command {
        program: "python3".into(),
        arguments: vec!["charge.py".to_owned()],
        environment: BTreeMap::new(),
        directory: "/srv/shop".into(),
    };
    assert_eq!(
        configuration.functions["plain"].target,
        FunctionTarget::Command(plain)
    );
}

#[test]
fn connections_take_their_secrets_from_variables() {
    let configuration = parse(
        "
        [connections.one]
        type = 'basic'
        username = 'ann'
        password_env = 'KEY'
        [connections.one.invocation_http_parameters]
        headers = { X-Tenant = 'shop' }
        query = { key = { env = 'KEY' } }
        body = { source = 'stepwell' }

        [connections.two]
        type = 'api-key'
        api_key_name = 'X-Key'
        api_key_value_env = 'KEY'

        [connections.three]
        type = 'oauth-client-credentials'
        authorization_endpoint = 'https://id.example/token'
        client_id = 'shop'
        client_secret_env = 'KEY'
        oauth_http_parameters = { body = { scope = 'pay' } }
        ",
    )
    .unwrap();
    let one = &configuration.connections["one"];
    let password = Secret::new("s3cret");
    assert_eq!(
        one.authorization,
        Authorization::Basic {
            username: "ann".to_owned(),
            password
        }
    );
    assert_eq!(one.parameters.query["key"].reveal(), "s3cret");
    let Authorization::OAuth(oauth) = &configuration.connections["three"].authorization else {
        panic!("the third connection is OAuth")
    };
    assert_eq!(oauth.http_method, OAuthMethod::Post);
    assert_eq!(oauth.parameters.body["scope"].reveal(), "pay");
    assert!(!format!("{configuration:?}").contains("s3cret"));
}

#[test]
fn mistakes_are_named_with_their_place() {
    refused(
        "[server]\nregoin = 'x'",
        "line 2, column 1: unknown field `regoin`",
    );
    refused(
        "[server]\nregion = 1",
        "line 2, column 10: invalid type: integer `1`",
    );
    refused(
        "[server]\naccount = '12'",
        "line 2, column 11: an account has 12 digits",
    );
    refused(
        "[server]\nregion = 'US EAST'",
        "line 2, column 10: a region has",
    );
    refused(
        "[http]\nallow_plain_loopback = 'yes'",
        "line 2, column 24: invalid type: string",
    );
    refused("[functions", "line 1, column ");
}

#[test]
fn mistakes_in_functions_are_named() {
    refused(
        "[functions.f]",
        "line 1, column 12: a function needs `url` or `command`",
    );
    refused(
        "[functions.f]\nurl = 'http://x'\ncommand = ['x']",
        "not both",
    );
    refused(
        "[functions.f]\ncommand = []",
        "line 2, column 11: `command` needs",
    );
    refused(
        "[functions.f]\ncommand = 'x'",
        "line 2, column 11: invalid type: string",
    );
    refused(
        "[functions.f]\nurl = 'ftp://x'",
        "line 2, column 7: a URL starts with",
    );
    refused("[functions.f]\nurl = 'x'", "line 2, column 7: not a URL");
    refused(
        "[functions.f]\nurl = 'http://x'\ndirectory = '.'",
        "`directory` belongs to",
    );
    refused(
        "[functions.f]\nurl = 'http://x'\nenvironment = {}",
        "`environment` belongs to",
    );
    refused(
        "[functions.f]\nurl = 'http://x'\ntimeout_seconds = 0",
        "line 3, column 19:",
    );
    refused(
        "[functions.'a b']\nurl = 'http://x'",
        "line 1, column 12: a name has",
    );
    refused(
        "[functions.f]\ncommand = ['x']\nenvironment = { A = { env = 'NONE' } }",
        "line 3, column 29: the environment variable `NONE` is not set",
    );
    refused(
        "[functions.f]\ncommand = ['x']\nenvironment = { A = 1 }",
        "expected a string or `{ env = \"NAME\" }`",
    );
}

#[test]
fn mistakes_in_connections_are_named() {
    refused(
        "[connections.c]\ntype = 'digest'",
        "line 2, column 8: unknown variant `digest`",
    );
    refused("[connections.c]\nusername = 'x'", "missing field `type`");
    refused(
        "[connections.c]\ntype = 'basic'",
        "line 2, column 8: a connection of type `basic`",
    );
    refused(
        "[connections.c]\ntype = 'basic'\napi_key_name = 'x'",
        "line 3, column 16: `api_key_name` belongs to connections of type `api-key`",
    );
    refused(
        "[connections.c]\ntype = 'basic'\npassword = 'x'",
        "line 3, column 1: unknown field `password`",
    );
    refused(
        "[connections.c]\ntype = 'api-key'\napi_key_name = 'a b'\napi_key_value_env = 'KEY'",
        "line 3, column 16: `a b` is not the name of a header",
    );
}

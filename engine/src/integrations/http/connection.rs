//! Connections at work: the header that authorises a request, and the tokens behind it.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::super::TaskError;
use super::client::{self, BodyError};
use super::encoding;
use super::{Endpoints, request};
use crate::configuration::{
    Authorization, Connection, HttpParameters, OAuthClientCredentials, OAuthMethod, Secret,
};

/// Bytes that an authorisation endpoint may answer with.
const ANSWER_SIZE_MAX: usize = 65_536;

/// A token is no longer used this long before it expires: the request still has to travel.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);

/// Seconds that a token is taken to hold at most: a year.
const LIFETIME_SECONDS_MAX: u64 = 31_536_000;

/// The name of the connection in `arn:aws:events:<region>:<account>:connection/<name>/<uuid>`.
pub(super) fn name_in(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let is_events = parts.next() == Some("arn") && parts.nth(1) == Some("events");
    let path = parts
        .nth(2)
        .filter(|_| is_events)?
        .strip_prefix("connection/")?;
    let name = path.split('/').next()?;
    (!name.is_empty()).then_some(name)
}

/// A connection with what it has learned.
pub(super) struct LiveConnection {
    connection: Connection,
    /// Held while a token is fetched, so that it is fetched once.
    token: Mutex<Option<Token>>,
}

struct Token {
    header: HeaderValue,
    expires: Option<Instant>,
}

/// The header that authorises a request.
pub(super) struct AuthorizationHeader {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
}

impl LiveConnection {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            token: Mutex::new(None),
        }
    }

    /// What the connection adds to every request.
    pub(super) fn parameters(&self) -> &HttpParameters {
        &self.connection.parameters
    }

    /// What authorises a request, and whether it is a token from an earlier one.
    pub(super) async fn authorization(
        &self,
        client: &Client,
        endpoints: Endpoints,
    ) -> Result<(AuthorizationHeader, bool), TaskError> {
        match &self.connection.authorization {
            Authorization::Basic { username, password } => {
                let pair = STANDARD.encode(format!("{username}:{}", password.reveal()));
                let value = secret_header(&format!("Basic {pair}"))?;
                Ok((
                    AuthorizationHeader {
                        name: AUTHORIZATION,
                        value,
                    },
                    false,
                ))
            }
            Authorization::ApiKey { name, value } => {
                let (name, mut value) = request::header(name, value)?;
                value.set_sensitive(true);
                Ok((AuthorizationHeader { name, value }, false))
            }
            Authorization::OAuth(oauth) => {
                let mut token = self.token.lock().await;
                let name = AUTHORIZATION;
                if let Some(token) = &*token
                    && token.expires.is_none_or(|expires| Instant::now() < expires)
                {
                    return Ok((
                        AuthorizationHeader {
                            name,
                            value: token.header.clone(),
                        },
                        true,
                    ));
                }
                let fresh = fetch_token(oauth, client, endpoints).await?;
                let value = token.insert(fresh).header.clone();
                Ok((AuthorizationHeader { name, value }, false))
            }
        }
    }

    /// The endpoint did not accept the token.
    pub(super) async fn forget_token(&self) {
        *self.token.lock().await = None;
    }
}

async fn fetch_token(
    oauth: &OAuthClientCredentials,
    client: &Client,
    endpoints: Endpoints,
) -> Result<Token, TaskError> {
    let mut url = oauth.authorization_endpoint.clone();
    if !endpoints.allow(&url) {
        return Err(refused(
            "its authorization endpoint must start with https://",
        ));
    }
    let credentials = credentials(oauth);
    let mut query = texts(&oauth.parameters.query);
    let method = match oauth.http_method {
        OAuthMethod::Get => {
            query.extend(&credentials);
            reqwest::Method::GET
        }
        OAuthMethod::Post => reqwest::Method::POST,
        OAuthMethod::Put => reqwest::Method::PUT,
    };
    if !query.is_empty() {
        let own = url
            .query()
            .map_or_else(String::new, |own| format!("{own}&"));
        let added = encoding::encode_texts(query);
        url.set_query(Some(&format!("{own}{added}")));
    }
    let mut headers =
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    for (name, value) in &oauth.parameters.headers {
        let (name, value) = request::header(name, value)?;
        headers.insert(name, value);
    }
    let mut builder = client.request(method.clone(), url);
    if method != reqwest::Method::GET {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.entry(CONTENT_TYPE).or_insert(form);
        builder = builder.body(encoding::encode_texts(credentials));
    }
    let unreachable = |error| {
        refused(&format!(
            "its authorization endpoint failed: {}",
            client::reason(error)
        ))
    };
    let answer = builder.headers(headers).send().await.map_err(unreachable)?;
    let status = answer.status();
    let body = client::read(answer, ANSWER_SIZE_MAX)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge => refused("its authorization endpoint answered too much"),
            BodyError::Transport(error) => unreachable(error),
        })?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !status.is_success() {
        // The error's name only: the rest of the body may repeat what was sent.
        let name = body
            .get("error")
            .and_then(Value::as_str)
            .unwrap_or("no OAuth error");
        return Err(refused(&format!(
            "its authorization endpoint answered {status}: {name}"
        )));
    }
    read_token(&body)
}

/// The parameters of the grant, unless those of the configuration override them.
fn credentials(oauth: &OAuthClientCredentials) -> BTreeMap<&str, &str> {
    let mut members = BTreeMap::from([
        ("grant_type", "client_credentials"),
        ("client_id", oauth.client_id.as_str()),
        ("client_secret", oauth.client_secret.reveal()),
    ]);
    members.extend(texts(&oauth.parameters.body));
    members
}

fn texts(parameters: &BTreeMap<String, Secret>) -> BTreeMap<&str, &str> {
    parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.reveal()))
        .collect()
}

fn read_token(body: &Value) -> Result<Token, TaskError> {
    let Some(text) = body.get("access_token").and_then(Value::as_str) else {
        return Err(refused(
            "its authorization endpoint answered without an `access_token`",
        ));
    };
    // Some servers write the number as a text.
    let seconds = body.get("expires_in").and_then(|field| match field {
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            field.as_u64()
        }
    });
    let expires = seconds.map(|seconds: u64| {
        let lifetime = Duration::from_secs(seconds.min(LIFETIME_SECONDS_MAX));
        Instant::now() + lifetime.saturating_sub(EXPIRY_MARGIN)
    });
    Ok(Token {
        header: secret_header(&format!("Bearer {text}"))?,
        expires,
    })
}

fn secret_header(text: &str) -> Result<HeaderValue, TaskError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| refused("its credentials have characters that no header can"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn refused(reason: &str) -> TaskError {
    TaskError::new(
        "Events.ConnectionResource.InvalidConnectionState",
        format!("The connection is not authorized: {reason}."),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_connection_is_named_by_its_arn() {
        let arn = "arn:aws:events:us-east-2:1:connection/Stripe/81210c42-8af1";
        assert_eq!(name_in(arn), Some("Stripe"));
        assert_eq!(
            name_in("arn:aws-cn:events:r:1:connection/Stripe"),
            Some("Stripe")
        );
        for text in [
            "",
            "Stripe",
            "arn:aws:events:r:1:connection/",
            "arn:aws:s3:r:1:connection/x",
        ] {
            assert_eq!(name_in(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_holds_as_long_as_it_says() {
        let expires = |body| read_token(&body).ok().and_then(|token| token.expires);
        assert_eq!(expires(json!({"access_token": "t"})), None);
        let (soon, late) = (
            expires(json!({"access_token": "t", "expires_in": "60"})).unwrap(),
            expires(json!({"access_token": "t", "expires_in": u64::MAX})).unwrap(),
        );
        assert!(soon > Instant::now() && soon < late);
        assert!(expires(json!({"access_token": "t", "expires_in": 1})).unwrap() <= Instant::now());
        assert!(read_token(&json!({"token": "t"})).is_err());
        assert!(read_token(&json!({"access_token": "a\nb"})).is_err());
    }
}

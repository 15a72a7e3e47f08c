//! `[connections.NAME]`: what a connection of `EventBridge` is on AWS.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use toml::Spanned;

use super::text::TextField;
use super::{ConfigurationError, Reader, Secret};

/// How HTTP tasks reach one API, and what they add to every request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    /// What proves who asks.
    pub authorization: Authorization,
    /// What is added to every request.
    pub parameters: HttpParameters,
}

/// What proves who asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Authorization {
    /// A name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A key in a header.
    ApiKey {
        /// The header.
        name: String,
        /// The key.
        value: Secret,
    },
    /// A token that is fetched with a client's credentials.
    OAuth(OAuthClientCredentials),
}

/// The `client_credentials` grant of OAuth.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OAuthClientCredentials {
    /// Who gives out tokens.
    pub authorization_endpoint: Url,
    /// `GET`, `POST` or `PUT`.
    pub http_method: OAuthMethod,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// What is added to the request for a token.
    pub parameters: HttpParameters,
}

/// How a token is asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub enum OAuthMethod {
    /// Everything in the query.
    Get,
    /// Everything in the body.
    #[default]
    Post,
    /// Everything in the body.
    Put,
}

/// Parameters that a connection adds to a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HttpParameters {
    /// Headers by name.
    pub headers: BTreeMap<String, Secret>,
    /// Query parameters by name.
    pub query: BTreeMap<String, Secret>,
    /// Members of the body by name.
    pub body: BTreeMap<String, Secret>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionTable {
    r#type: Spanned<Type>,
    username: Option<Spanned<String>>,
    password_env: Option<Spanned<String>>,
    api_key_name: Option<Spanned<String>>,
    api_key_value_env: Option<Spanned<String>>,
    authorization_endpoint: Option<Spanned<String>>,
    http_method: Option<Spanned<OAuthMethod>>,
    client_id: Option<Spanned<String>>,
    client_secret_env: Option<Spanned<String>>,
    oauth_http_parameters: Option<Spanned<ParametersTable>>,
    invocation_http_parameters: Option<Spanned<ParametersTable>>,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Type {
    Basic,
    ApiKey,
    #[serde(rename = "oauth-client-credentials")]
    OAuthClientCredentials,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::ApiKey => "api-key",
            Self::OAuthClientCredentials => "oauth-client-credentials",
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ParametersTable {
    headers: Option<Spanned<BTreeMap<String, TextField>>>,
    query: BTreeMap<String, TextField>,
    body: BTreeMap<String, TextField>,
}

impl Reader<'_> {
    pub(super) fn connection(
        &self,
        table: ConnectionTable,
    ) -> Result<Connection, ConfigurationError> {
        self.refuse_foreign_fields(&table)?;
        let needed = |field: Option<Spanned<String>>, name: &str| {
            field.ok_or_else(|| {
                let kind = table.r#type.get_ref().name();
                self.error(
                    &table.r#type,
                    format!("a connection of type `{kind}` needs `{name}`"),
                )
            })
        };
        let authorization = match table.r#type.get_ref() {
            Type::Basic => Authorization::Basic {
                username: needed(table.username, "username")?.into_inner(),
                password: self.variable(&needed(table.password_env, "password_env")?)?,
            },
            Type::ApiKey => {
                let name = needed(table.api_key_name, "api_key_name")?;
                let variable = needed(table.api_key_value_env, "api_key_value_env")?;
                let value = self.variable(&variable)?;
                self.check_header(&name, name.get_ref(), &value)?;
                Authorization::ApiKey {
                    name: name.into_inner(),
                    value,
                }
            }
            Type::OAuthClientCredentials => Authorization::OAuth(OAuthClientCredentials {
                authorization_endpoint: self.url(&needed(
                    table.authorization_endpoint,
                    "authorization_endpoint",
                )?)?,
                http_method: table
                    .http_method
                    .map(Spanned::into_inner)
                    .unwrap_or_default(),
                client_id: needed(table.client_id, "client_id")?.into_inner(),
                client_secret: self
                    .variable(&needed(table.client_secret_env, "client_secret_env")?)?,
                parameters: self.parameters(table.oauth_http_parameters)?,
            }),
        };
        let parameters = self.parameters(table.invocation_http_parameters)?;
        Ok(Connection {
            authorization,
            parameters,
        })
    }

    /// A field of another type is a mistake, and perhaps a secret that is then never sent.
    fn refuse_foreign_fields(&self, table: &ConnectionTable) -> Result<(), ConfigurationError> {
        fn at<T>(field: Option<&Spanned<T>>) -> Option<Spanned<()>> {
            field.map(|field| Spanned::new(field.span(), ()))
        }
        let oauth = Type::OAuthClientCredentials;
        let fields = [
            ("username", Type::Basic, at(table.username.as_ref())),
            ("password_env", Type::Basic, at(table.password_env.as_ref())),
            (
                "api_key_name",
                Type::ApiKey,
                at(table.api_key_name.as_ref()),
            ),
            (
                "api_key_value_env",
                Type::ApiKey,
                at(table.api_key_value_env.as_ref()),
            ),
            (
                "authorization_endpoint",
                oauth,
                at(table.authorization_endpoint.as_ref()),
            ),
            ("http_method", oauth, at(table.http_method.as_ref())),
            ("client_id", oauth, at(table.client_id.as_ref())),
            (
                "client_secret_env",
                oauth,
                at(table.client_secret_env.as_ref()),
            ),
            (
                "oauth_http_parameters",
                oauth,
                at(table.oauth_http_parameters.as_ref()),
            ),
        ];
        for (name, owner, field) in fields {
            if let Some(field) = field
                && owner != *table.r#type.get_ref()
            {
                let owner = owner.name();
                let message = format!("`{name}` belongs to connections of type `{owner}`");
                return Err(self.error(&field, message));
            }
        }
        Ok(())
    }

    fn parameters(
        &self,
        table: Option<Spanned<ParametersTable>>,
    ) -> Result<HttpParameters, ConfigurationError> {
        let Some(table) = table.map(Spanned::into_inner) else {
            return Ok(HttpParameters::default());
        };
        let mut headers = BTreeMap::new();
        if let Some(fields) = table.headers {
            let place = Spanned::new(fields.span(), ());
            headers = self.texts(fields.into_inner())?;
            for (name, value) in &headers {
                self.check_header(&place, name, value)?;
            }
        }
        let (query, body) = (self.texts(table.query)?, self.texts(table.body)?);
        Ok(HttpParameters {
            headers,
            query,
            body,
        })
    }

    fn check_header<T>(
        &self,
        at: &Spanned<T>,
        name: &str,
        value: &Secret,
    ) -> Result<(), ConfigurationError> {
        if HeaderName::try_from(name).is_err() {
            return Err(self.error(at, format!("`{name}` is not the name of a header")));
        }
        if HeaderValue::from_str(value.reveal()).is_err() {
            let message = format!("the value of the header `{name}` has characters no header can");
            return Err(self.error(at, message));
        }
        Ok(())
    }
}

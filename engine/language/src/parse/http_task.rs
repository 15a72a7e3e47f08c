//! The parameters of an HTTP task. What is computed when it runs is looked at then.

use crate::json::{Node, Object};
use crate::model::{QueryLanguage, http};
use crate::source::Span;

use super::parameters::{is_given, parameter_name};
use super::{Parser, wording};

const CONNECTION: &str = "ConnectionArn";

impl Parser<'_> {
    /// Checks the endpoint, the method, the names of headers, and that there is a connection.
    pub(super) fn check_http_task(
        &mut self,
        given: &Object,
        location: &str,
        span: Span,
        language: QueryLanguage,
    ) {
        self.check_value(given, "ApiEndpoint", is_endpoint, location, language);
        let is_method = |text: &str| http::METHODS.contains(&text);
        self.check_value(given, "Method", is_method, location, language);
        if let Some(node) = given.get("Headers")
            && let Some(headers) = node.as_object()
        {
            let names = headers.entries().map(|(key, _)| {
                let name = parameter_name(key, language);
                name.to_ascii_lowercase()
            });
            let reserved: Vec<String> = names
                .filter(|name| http::is_reserved_header(name))
                .collect();
            if !reserved.is_empty() {
                let message = wording::unsupported_values("Headers", &reserved);
                self.schema(message, location, node.span);
            }
        }
        self.check_connection(given, location, span, language);
    }

    /// The connection stands in `InvocationConfig`, or in the older `Authentication`.
    fn check_connection(
        &mut self,
        given: &Object,
        location: &str,
        span: Span,
        language: QueryLanguage,
    ) {
        const FIELD: &str = "InvocationConfig";
        let fields = [FIELD, "Authentication"];
        if !fields.iter().any(|field| is_given(given, field, language)) {
            self.schema(wording::required_field(FIELD), location, span);
        }
        for field in fields {
            let Some(node) = given.get(field) else {
                continue;
            };
            let location = format!("{location}/{field}");
            match node.as_object() {
                Some(object) if is_given(object, CONNECTION, language) => {
                    self.check_value(object, CONNECTION, is_connection, &location, language);
                }
                Some(_) => self.schema(wording::required_field(CONNECTION), location, node.span),
                None if is_computed(node, language) => {}
                None => self.schema(wording::expected("Object"), location, node.span),
            }
        }
    }

    /// Checks a parameter, if it is given as a text that means itself.
    fn check_value(
        &mut self,
        given: &Object,
        name: &str,
        is_valid: impl FnOnce(&str) -> bool,
        location: &str,
        language: QueryLanguage,
    ) {
        let Some(node) = given.get(name) else {
            return;
        };
        if !is_computed(node, language) && !node.as_str().is_some_and(is_valid) {
            self.schema(wording::invalid_value(name), location, node.span);
        }
    }
}

/// Whether a value is an expression, or a broken one, which is reported elsewhere.
fn is_computed(node: &Node, language: QueryLanguage) -> bool {
    language == QueryLanguage::Jsonata
        && node
            .as_str()
            .is_some_and(|text| text.starts_with("{%") || text.ends_with("%}"))
}

/// A URL with HTTPS. Without it one may lead to this machine: whether that may be called is found
/// out when the task runs.
fn is_endpoint(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_here = || {
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        host == "localhost" || host.starts_with("127.") || authority.starts_with("[::1]")
    };
    !authority.is_empty()
        && !text.contains(char::is_whitespace)
        && (scheme.eq_ignore_ascii_case("https")
            || (scheme.eq_ignore_ascii_case("http") && is_here()))
}

/// `arn:<partition>:events:<region>:<account>:connection/<name>` with or without an id behind it.
fn is_connection(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let [scheme, partition, service, _, _, resource] =
        std::array::from_fn(|_| parts.next().unwrap_or_default());
    let name = resource.strip_prefix("connection/").unwrap_or_default();
    (scheme, service) == ("arn", "events") && !partition.is_empty() && !name.is_empty()
}

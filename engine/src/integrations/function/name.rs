//! How callers name a function: plain, partial ARN, whole ARN, each with a qualifier or not.

use crate::configuration::Server;

/// A function as a caller named it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::integrations) struct FunctionName {
    /// The region and the account, where the caller named them.
    pub(in crate::integrations) region: Option<String>,
    pub(in crate::integrations) account: Option<String>,
    pub(in crate::integrations) name: String,
    pub(in crate::integrations) qualifier: Option<String>,
}

impl FunctionName {
    /// Reads `name`, `account:function:name` or an ARN, each perhaps with `:qualifier`.
    pub(in crate::integrations) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (region, account, rest) = match parts.as_slice() {
            ["arn", _, "lambda", region, account, "function", rest @ ..] => {
                (Some(*region), Some(*account), rest)
            }
            [account, "function", rest @ ..] => (None, Some(*account), rest),
            ["function", rest @ ..] if rest.len() == 1 => (None, None, rest),
            rest => (None, None, rest),
        };
        let (name, qualifier) = match rest {
            [name] => (*name, None),
            [name, qualifier] => (*name, Some(*qualifier)),
            _ => return None,
        };
        let filled = |text: &&str| !text.is_empty();
        let known = !name.is_empty() && qualifier.is_none_or(|qualifier| !qualifier.is_empty());
        known.then(|| Self {
            region: region.filter(filled).map(str::to_owned),
            account: account.filter(filled).map(str::to_owned),
            name: name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
        })
    }

    /// The ARN without its qualifier; what the caller left out is the server's.
    pub(in crate::integrations) fn arn(&self, server: &Server) -> String {
        let region = self.region.as_deref().unwrap_or(&server.region);
        let account = self.account.as_deref().unwrap_or(&server.account);
        format!("arn:aws:lambda:{region}:{account}:function:{}", self.name)
    }

    /// The ARN with its qualifier, `$LATEST` where the caller named none.
    pub(in crate::integrations) fn qualified_arn(&self, server: &Server) -> String {
        let qualifier = self.qualifier.as_deref().unwrap_or("$LATEST");
        format!("{}:{qualifier}", self.arn(server))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let name = FunctionName::parse(text).expect(text);
        assert_eq!(name.qualified_arn(&Server::default()), expected, "{text}");
    }

    #[test]
    fn every_form_names_one_function() {
        let here = "arn:aws:lambda:us-east-1:123456789012:function";
        check("f", &format!("{here}:f:$LATEST"));
        check("f:PROD", &format!("{here}:f:PROD"));
        check("function:f", &format!("{here}:f:$LATEST"));
        check(
            "1:function:f",
            "arn:aws:lambda:us-east-1:1:function:f:$LATEST",
        );
        check("1:function:f:3", "arn:aws:lambda:us-east-1:1:function:f:3");
        check(
            "arn:aws:lambda:r:1:function:f",
            "arn:aws:lambda:r:1:function:f:$LATEST",
        );
        check(
            "arn:aws:lambda:r:1:function:f:$LATEST",
            "arn:aws:lambda:r:1:function:f:$LATEST",
        );
    }

    #[test]
    fn other_texts_name_no_function() {
        for text in [
            "",
            ":",
            "f:",
            ":f",
            "a:b:c:d",
            "arn:aws:lambda:r:1:function:",
            "1:function:",
        ] {
            assert_eq!(FunctionName::parse(text), None, "{text}");
        }
    }
}

//! Intrinsic functions, evaluated.
//!
//! [`evaluate`] reads the arguments and dispatches; the functions themselves are in the modules
//! below, by subject. Their results are limited in size, since calls nest and repeat.

use std::borrow::Cow;

use stepwell_language::expression::IntrinsicCall;
use stepwell_language::expression::JsonPath;
use stepwell_language::expression::intrinsic::{Argument, IntrinsicFunction};
use stepwell_language::json::Value;

use super::Bindings;
use super::json_path::work::{TooMuchWork, Work};
use super::json_path::{self, PathError};
use crate::Chance;

mod arguments;
mod text;
mod array;
mod json;
mod math;
mod hash;

use arguments::Arguments;

/// Why a call gave nothing; displayed in the words of AWS.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IntrinsicError {
    /// An argument is a path that leads nowhere: `States.Runtime`.
    #[error("{}", not_found(function, path))]
    PathNotFound {
        /// The call that has the argument, as written.
        function: String,
        /// The argument.
        path: JsonPath,
        /// Where the path ends.
        error: Box<PathError>,
    },
    /// The function cannot take these arguments: `States.IntrinsicFailure`.
    #[error("The function '{function}' had the following error: {message}")]
    Failed {
        /// The call, as written.
        function: String,
        /// What is wrong.
        message: String,
    },
}

impl IntrinsicError {
    /// The error's name, for `Catch` and `Retry`.
    pub fn error_name(&self) -> &'static str {
        match self {
            Self::PathNotFound { .. } => "States.Runtime",
            Self::Failed { .. } => "States.IntrinsicFailure",
        }
    }

    /// The error's cause as AWS words it, given the JSON text in which a path was looked up: that
    /// of the input, or of the context object when the path starts with `$$`.
    pub fn cause(&self, searched: &str) -> String {
        match self {
            Self::PathNotFound { .. } => format!("{self} '{searched}'"),
            Self::Failed { .. } => self.to_string(),
        }
    }
}

fn not_found(function: &str, path: &JsonPath) -> String {
    format!(
        "The function '{function}' had the following error: The JsonPath argument for the field \
         '{path}' could not be found in the input"
    )
}

/// Calls the function, its arguments and the calls among them first.
///
/// # Errors
///
/// [`IntrinsicError`] when a path leads nowhere, an argument is not what the function takes, or a
/// result is too large.
pub fn evaluate(
    call: &IntrinsicCall,
    bindings: &dyn Bindings,
    chance: &mut Chance,
) -> Result<Value, IntrinsicError> {
    Caller {
        bindings,
        chance,
        work: Work::new(),
    }
    .call(call)
}

/// A function on values, for those that JSONata has too. The values are as many as it takes.
pub(super) fn apply_alone(
    function: IntrinsicFunction,
    values: &[Cow<'_, Value>],
) -> Result<Value, String> {
    let arguments = Arguments::new(values);
    let result = match function {
        IntrinsicFunction::StringToJson => json::string_to_json(&arguments),
        IntrinsicFunction::ArrayPartition => array::partition(&arguments),
        IntrinsicFunction::ArrayRange => array::range(&arguments),
        IntrinsicFunction::Hash => hash::hash(&arguments),
        IntrinsicFunction::Format
        | IntrinsicFunction::StringSplit
        | IntrinsicFunction::Base64Encode
        | IntrinsicFunction::Base64Decode
        | IntrinsicFunction::JsonToString
        | IntrinsicFunction::JsonMerge
        | IntrinsicFunction::Array
        | IntrinsicFunction::ArrayContains
        | IntrinsicFunction::ArrayGetItem
        | IntrinsicFunction::ArrayLength
        | IntrinsicFunction::ArrayUnique
        | IntrinsicFunction::MathAdd
        | IntrinsicFunction::MathRandom
        | IntrinsicFunction::Uuid => unreachable!("JSONata has other means for {function:?}"),
    };
    result.map_err(|Failure(message)| message)
}

/// What is wrong with a call's arguments; [`IntrinsicError::Failed`] adds which call.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<TooMuchWork> for Failure {
    fn from(TooMuchWork: TooMuchWork) -> Self {
        Self::new("The result is too large")
    }
}

struct Caller<'a, 'c> {
    bindings: &'a dyn Bindings,
    chance: &'c mut Chance,
    work: Work,
}

impl<'a> Caller<'a, '_> {
    fn call(&mut self, call: &IntrinsicCall) -> Result<Value, IntrinsicError> {
        let mut values = Vec::with_capacity(call.arguments().len());
        for argument in call.arguments() {
            values.push(self.read(call, argument)?);
        }
        self.apply(call, &Arguments::new(&values))
            .map_err(|Failure(message)| IntrinsicError::Failed {
                function: call.text().into(),
                message,
            })
    }

    fn read(
        &mut self,
        call: &IntrinsicCall,
        argument: &Argument,
    ) -> Result<Cow<'a, Value>, IntrinsicError> {
        Ok(match argument {
            Argument::Text(literal) => Cow::Owned(Value::from(&*literal.text)),
            Argument::Number(number) => Cow::Owned(Value::Number(number.clone())),
            Argument::Boolean(boolean) => Cow::Owned(Value::Bool(*boolean)),
            Argument::Null => Cow::Owned(Value::Null),
            Argument::Call(inner) => Cow::Owned(self.call(inner)?),
            Argument::Path(path) => json_path::evaluate_within(path, self.bindings, &mut self.work)
                .map_err(|error| path_error(call, path, error))?,
        })
    }

    fn apply(&mut self, call: &IntrinsicCall, arguments: &Arguments<'_>) -> Result<Value, Failure> {
        let work = &mut self.work;
        let result = match call.function() {
            IntrinsicFunction::Format => text::format(call, arguments, work)?,
            IntrinsicFunction::StringSplit => text::string_split(arguments)?,
            IntrinsicFunction::Base64Encode => text::base64_encode(arguments)?,
            IntrinsicFunction::Base64Decode => text::base64_decode(arguments)?,
            IntrinsicFunction::StringToJson => json::string_to_json(arguments)?,
            IntrinsicFunction::JsonToString => json::json_to_string(arguments),
            IntrinsicFunction::JsonMerge => json::json_merge(arguments)?,
            IntrinsicFunction::Array => array::array(arguments, work)?,
            IntrinsicFunction::ArrayPartition => array::partition(arguments)?,
            IntrinsicFunction::ArrayContains => array::contains(arguments, work)?,
            IntrinsicFunction::ArrayRange => array::range(arguments)?,
            IntrinsicFunction::ArrayGetItem => array::get_item(arguments)?,
            IntrinsicFunction::ArrayLength => array::length(arguments)?,
            IntrinsicFunction::ArrayUnique => array::unique(arguments)?,
            IntrinsicFunction::Hash => hash::hash(arguments)?,
            IntrinsicFunction::MathAdd => math::add(arguments)?,
            IntrinsicFunction::MathRandom => math::random(arguments, self.chance)?,
            IntrinsicFunction::Uuid => self.chance.uuid().into(),
        };
        self.work.count(&result)?;
        Ok(result)
    }
}

fn path_error(call: &IntrinsicCall, path: &JsonPath, error: PathError) -> IntrinsicError {
    let function = call.text().to_owned();
    match error {
        PathError::TooMuchWork => IntrinsicError::Failed {
            function,
            message: error.to_string(),
        },
        PathError::NoResults { .. }
        | PathError::MissingProperty { .. }
        | PathError::IndexPastEnd { .. }
        | PathError::NotAnObject { .. }
        | PathError::NotAnArray { .. } => IntrinsicError::PathNotFound {
            function,
            path: path.clone(),
            error: Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests;

//! The functions that Step Functions adds to JSONata, and those of JSONata that would ask the
//! clock, the operating system's randomness, or for more memory than there is, or that the library
//! gets wrong.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use jsonata_core::ast::AstNode;
use jsonata_core::evaluator::{Evaluator, EvaluatorError, HostCtx, HostFn, HostFnResult};
use jsonata_core::parser;
use jsonata_core::value::JValue;
use stepwell_language::expression::intrinsic::IntrinsicFunction;
use stepwell_language::json::Value;

use super::convert::{from_library, to_library};
use crate::Chance;
use crate::evaluate::intrinsics;
use crate::timestamp::Timestamp;

/// Characters that `$pad` makes of a text.
const PAD_LENGTH_MAX: f64 = 4_194_304.0;

/// One of the functions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Partition,
    Range,
    Hash,
    Random,
    Uuid,
    Parse,
    Now,
    Millis,
    ToMillis,
    Shuffle,
    Pad,
    EncodeUrl,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "partition" => Self::Partition,
            "range" => Self::Range,
            "hash" => Self::Hash,
            "random" => Self::Random,
            "uuid" => Self::Uuid,
            "parse" => Self::Parse,
            "now" => Self::Now,
            "millis" => Self::Millis,
            "toMillis" => Self::ToMillis,
            "shuffle" => Self::Shuffle,
            "pad" => Self::Pad,
            "encodeUrl" => Self::EncodeUrl,
            _ => return None,
        })
    }

    /// A function of the language that does nothing but call this one: what stands for it where
    /// it is passed on as a value. Only calls find what the host has.
    fn forwarder(self) -> &'static str {
        match self {
            Self::Range => "function($a, $b, $c) { $forward($a, $b, $c) }",
            Self::Partition | Self::Hash | Self::Pad => "function($a, $b) { $forward($a, $b) }",
            Self::Parse | Self::Shuffle | Self::ToMillis | Self::EncodeUrl => {
                "function($a) { $forward($a) }"
            }
            Self::Random | Self::Uuid | Self::Now | Self::Millis => "function() { $forward() }",
        }
    }
}

/// What the functions share in one evaluation.
struct Shared {
    now: Timestamp,
    chance: RefCell<Chance>,
}

/// The functions of one evaluation.
pub(super) struct Functions<'c> {
    now: Timestamp,
    chance: &'c mut Chance,
    shared: Option<Rc<Shared>>,
    /// Those that are passed on as values, by the names that stand for them there.
    values: Vec<(String, Kind)>,
}

impl<'c> Functions<'c> {
    pub(super) fn new(now: Timestamp, chance: &'c mut Chance) -> Self {
        Self {
            now,
            chance,
            shared: None,
            values: Vec::new(),
        }
    }

    /// Makes a function callable by its name, if it is one of ours.
    pub(super) fn register(&mut self, name: &str, evaluator: &mut Evaluator) {
        if let Some(kind) = Kind::of(name) {
            self.add(name.to_owned(), kind, evaluator);
        }
    }

    /// Makes the functions callable that were passed on as values.
    pub(super) fn register_values(&mut self, evaluator: &mut Evaluator) {
        for (name, kind) in std::mem::take(&mut self.values) {
            self.add(name, kind, evaluator);
        }
    }

    fn add(&mut self, name: String, kind: Kind, evaluator: &mut Evaluator) {
        let shared = self.shared();
        evaluator
            .register_fn_override(name, Function { kind, shared })
            .expect("none of these is compiled");
    }

    /// What all functions share; randomness is drawn once there is a use for it.
    fn shared(&mut self) -> Rc<Shared> {
        let shared = self.shared.get_or_insert_with(|| {
            let mut seed = [0; 32];
            seed[..16].copy_from_slice(&self.chance.bytes());
            seed[16..].copy_from_slice(&self.chance.bytes());
            Rc::new(Shared {
                now: self.now,
                chance: RefCell::new(Chance::from_seed(seed)),
            })
        });
        shared.clone()
    }

    /// A function of ours as a value of the language.
    pub(super) fn as_value(&mut self, name: &str) -> Option<JValue> {
        let kind = Kind::of(name)?;
        // Nobody can write this name, so that it never means a variable.
        let hidden = format!("host {name}");
        let mut tree = parser::parse(kind.forwarder()).ok()?;
        if let AstNode::Lambda { body, .. } = &mut tree
            && let AstNode::Function { name, .. } = &mut **body
        {
            name.clone_from(&hidden);
        }
        self.values.push((hidden, kind));
        Evaluator::new().evaluate(&tree, &JValue::Undefined).ok()
    }
}

/// A function, callable by the library.
struct Function {
    kind: Kind,
    shared: Rc<Shared>,
}

impl HostFn for Function {
    fn call(&self, arguments: &[JValue], _context: &mut HostCtx) -> HostFnResult {
        match self.kind {
            Kind::Partition => {
                like_intrinsic("partition", IntrinsicFunction::ArrayPartition, 2, arguments)
            }
            Kind::Range => range(arguments),
            Kind::Hash => like_intrinsic("hash", IntrinsicFunction::Hash, 2, arguments),
            Kind::Parse => like_intrinsic("parse", IntrinsicFunction::StringToJson, 1, arguments),
            Kind::Random => self.random(arguments),
            Kind::Uuid => Ok(JValue::string(self.shared.chance.borrow_mut().uuid())),
            Kind::Now => self.now(arguments),
            Kind::Millis => Ok(self.milliseconds()),
            Kind::ToMillis => self.to_millis(arguments),
            Kind::Shuffle => Ok(self.shuffle(arguments)),
            Kind::Pad => pad(arguments),
            Kind::EncodeUrl => encode_url(arguments),
        }
    }
}

impl Function {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the milliseconds of any date fit a double"
    )]
    fn milliseconds(&self) -> JValue {
        JValue::Number(self.shared.now.milliseconds() as f64)
    }

    fn random(&self, arguments: &[JValue]) -> HostFnResult {
        let seed = match arguments.first() {
            None | Some(JValue::Undefined) => None,
            Some(JValue::Number(seed)) => Some(*seed),
            Some(_) => return Err(unfit(1, "random")),
        };
        Ok(JValue::Number(match seed {
            None => self.shared.chance.borrow_mut().fraction(),
            Some(seed) => Chance::from_number(seed.floor().to_bits()).fraction(),
        }))
    }

    /// `$now(picture, timezone)`: what `$fromMillis` makes of the time.
    fn now(&self, arguments: &[JValue]) -> HostFnResult {
        let mut arguments = arguments.to_vec();
        arguments.insert(0, self.milliseconds());
        call("fromMillis", arguments)
    }

    /// `$toMillis(text, picture)`. A picture without a year means this year, one without a date
    /// means today; the library would ask the clock what day that is.
    fn to_millis(&self, arguments: &[JValue]) -> HostFnResult {
        let mut arguments = arguments.to_vec();
        if let [JValue::String(text), JValue::String(picture)] = &arguments[..] {
            let (date, missing) = missing_date(picture);
            let today = call(
                "fromMillis",
                vec![self.milliseconds(), JValue::string(date)],
            )?;
            if let (Some(today), false) = (today.as_str(), missing.is_empty()) {
                let text = format!("{today} {text}");
                let picture = format!("{missing} {picture}");
                arguments = vec![JValue::string(text), JValue::string(picture)];
            }
        }
        call("toMillis", arguments)
    }

    fn shuffle(&self, arguments: &[JValue]) -> JValue {
        let mut elements = match arguments.first() {
            None | Some(JValue::Undefined) => return JValue::Undefined,
            Some(JValue::Array(array)) => array.to_vec(),
            Some(single) => vec![single.clone()],
        };
        let mut chance = self.shared.chance.borrow_mut();
        for last in (1..elements.len()).rev() {
            let end = i64::try_from(last).unwrap_or(i64::MAX).saturating_add(1);
            let other = usize::try_from(chance.integer(0, end)).unwrap_or_default();
            elements.swap(last, other);
        }
        JValue::array(elements)
    }
}

/// The parts of a date that a picture lacks before its first one, as the picture of them.
fn missing_date(picture: &str) -> (&'static str, &'static str) {
    let literal = picture.replace("[[", "");
    let has = |components: &[char]| {
        literal
            .split('[')
            .skip(1)
            .any(|part| part.trim_start().starts_with(components))
    };
    // Weeks and days of a year are counted from the year; the library does that.
    let (none, year, date) = ("", "[Y0001]", "[Y0001]-[M01]-[D01]");
    if has(&['Y', 'X', 'x']) {
        (none, none)
    } else if has(&['M', 'D', 'd', 'W', 'w']) {
        (year, year)
    } else {
        (date, date)
    }
}

/// Calls a function of the language itself.
fn call(function: &str, arguments: Vec<JValue>) -> HostFnResult {
    let parameters = ["$a", "$b", "$c"];
    let parameters = parameters[..arguments.len().min(parameters.len())].join(", ");
    let tree = parser::parse(&format!("${function}({parameters})"))
        .map_err(|error| EvaluatorError::EvaluationError(error.to_string()))?;
    let mut context = jsonata_core::evaluator::Context::new();
    for (name, argument) in ["a", "b", "c"].into_iter().zip(arguments) {
        context.bind(name.to_owned(), argument);
    }
    Evaluator::with_context(context).evaluate(&tree, &JValue::Undefined)
}

/// A function that does what an intrinsic function does. Of nothing it makes nothing.
fn like_intrinsic(
    name: &str,
    function: IntrinsicFunction,
    count: usize,
    arguments: &[JValue],
) -> HostFnResult {
    if let Some(JValue::Undefined) = arguments.first() {
        return Ok(JValue::Undefined);
    }
    if arguments.len() != count {
        let position = arguments.len().min(count) + 1;
        return Err(unfit(position, name));
    }
    let values: Vec<Cow<'_, Value>> = arguments
        .iter()
        .map(|argument| match from_library(argument) {
            Ok(value) => Ok(Cow::Owned(value)),
            Err(_) => Err(unfit(1, name)),
        })
        .collect::<Result<_, _>>()?;
    intrinsics::apply_alone(function, &values)
        .map(|value| to_library(&value))
        .map_err(EvaluatorError::EvaluationError)
}

/// Integers are rounded down. What `$range` gives is a sequence: one of a single element is that.
fn range(arguments: &[JValue]) -> HostFnResult {
    let mut arguments = arguments.to_vec();
    for argument in &mut arguments {
        if let JValue::Number(number) = argument {
            *number = number.floor();
        }
    }
    let range = like_intrinsic("range", IntrinsicFunction::ArrayRange, 3, &arguments)?;
    Ok(match range.as_array().map(Vec::as_slice) {
        Some([]) => JValue::Undefined,
        Some([single]) => single.clone(),
        Some(_) | None => range,
    })
}

/// `$pad(text, width, filling)`: to the right, or to the left when the width is negative.
fn pad(arguments: &[JValue]) -> HostFnResult {
    let (text, width) = match arguments {
        [JValue::Undefined, ..] | [] => return Ok(JValue::Undefined),
        [JValue::String(text), JValue::Number(width), ..] => (text, *width),
        [JValue::String(_), ..] => return Err(unfit(2, "pad")),
        [..] => return Err(unfit(1, "pad")),
    };
    let filling = match arguments.get(2) {
        Some(JValue::String(filling)) if !filling.is_empty() => filling,
        Some(JValue::String(_) | JValue::Undefined) | None => " ",
        Some(_) => return Err(unfit(3, "pad")),
    };
    if width.abs() > PAD_LENGTH_MAX {
        let message = "D2015: The text is too long".to_owned();
        return Err(EvaluatorError::EvaluationError(message));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is positive and within the limit"
    )]
    let wanted = width.abs() as usize;
    let missing = wanted.saturating_sub(text.chars().count());
    let padding: String = filling.chars().cycle().take(missing).collect();
    Ok(JValue::string(if width < 0.0 {
        padding + text
    } else {
        text.to_string() + &padding
    }))
}

/// `$encodeUrl(text)`: the library leaves blanks as they are.
fn encode_url(arguments: &[JValue]) -> HostFnResult {
    /// What stands in a URL as it is, besides letters and digits.
    const KEPT: &[u8] = b";,/?:@&=+$-_.!~*'()#";
    let text = match arguments.first() {
        None | Some(JValue::Undefined) => return Ok(JValue::Undefined),
        Some(JValue::String(text)) => text,
        Some(_) => return Err(unfit(1, "encodeUrl")),
    };
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || KEPT.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("text can be added to a string");
        }
    }
    Ok(JValue::string(encoded))
}

/// An argument of a kind that the function does not take.
fn unfit(position: usize, function: &str) -> EvaluatorError {
    EvaluatorError::TypeError(format!(
        "T0410: Argument {position} of function \"{function}\" does not match function signature"
    ))
}

//! Task tokens: how somebody outside names the task that an answer is for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::chance::Chance;
use crate::effect::TaskId;
use crate::event::Sequence;

/// What a task token says. A token is opaque to its holder; the nonce keeps it from being guessed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TaskToken {
    /// The execution's ARN.
    pub execution: String,
    /// The task within it.
    pub task: TaskId,
    nonce: [u8; 16],
}

/// First byte of every token, so that another form can follow.
const VERSION: u8 = 1;

impl TaskToken {
    /// A new token.
    pub fn new(execution: &str, task: TaskId, chance: &mut Chance) -> Self {
        Self {
            execution: execution.to_owned(),
            task,
            nonce: chance.bytes(),
        }
    }

    /// Reads a token back; `None` for any text that is none.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (task, execution) = rest.split_first_chunk()?;
        let execution = String::from_utf8(execution.to_vec()).ok()?;
        let task = TaskId(Sequence(u64::from_be_bytes(*task)));
        (*version == VERSION).then_some(Self {
            execution,
            task,
            nonce: *nonce,
        })
    }

    /// The token as text, of letters, digits, `+`, `/` and `=`.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.nonce);
        bytes.extend(self.task.0.0.to_be_bytes());
        bytes.extend(self.execution.as_bytes());
        STANDARD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_does() {
        let token = TaskToken::new("arn:x", TaskId(Sequence(7)), &mut Chance::from_number(1));
        let text = token.encode();
        assert_eq!(TaskToken::decode(&text), Some(token));
        for other in ["", "AQ==", "not a token", &text[..20], "AgAA"] {
            assert_eq!(TaskToken::decode(other), None, "{other}");
        }
    }
}

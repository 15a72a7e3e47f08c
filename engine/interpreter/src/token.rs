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

/// First byte of every token, so that another form can follow. Tokens of version 1 have no
/// checksum.
const VERSION: u8 = 2;

/// Bytes of the checksum at the end.
const CHECKSUM_LENGTH: usize = 4;

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
        let body = match bytes.first()? {
            1 => &bytes[..],
            &VERSION => {
                let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_LENGTH>()?;
                (crc32fast::hash(body).to_le_bytes() == *checksum).then_some(body)?
            }
            _ => return None,
        };
        let (_, rest) = body.split_first()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (task, execution) = rest.split_first_chunk()?;
        let execution = String::from_utf8(execution.to_vec()).ok()?;
        let task = TaskId(Sequence(u64::from_be_bytes(*task)));
        Some(Self {
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
        // A token that was cut or mistyped is told from one that is not known.
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
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
        assert_eq!(TaskToken::decode(&text), Some(token.clone()));
        let cut = &text[..text.len() - 4];
        for other in ["", "AQ==", "not a token", &text[..20], cut, "AgAA", "AwAA"] {
            assert_eq!(TaskToken::decode(other), None, "{other}");
        }

        let mut bytes = vec![1];
        bytes.extend(token.nonce);
        bytes.extend(token.task.0.0.to_be_bytes());
        bytes.extend(token.execution.as_bytes());
        assert_eq!(TaskToken::decode(&STANDARD.encode(bytes)), Some(token));
    }
}

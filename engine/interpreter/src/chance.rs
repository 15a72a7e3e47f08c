//! Randomness, as an argument.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::timestamp::Timestamp;

/// A source of random numbers that repeats for the same seed, on every platform.
///
/// The host seeds it: from the operating system in production, from a test's seed in simulation.
/// What is drawn from it ends up in events, so a replay never draws again.
pub struct Chance(ChaCha12Rng);

impl Chance {
    /// A source seeded with 32 bytes, as good as these are.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    /// A source for tests and for functions that take a seed of their own.
    pub fn from_number(seed: u64) -> Self {
        Self(ChaCha12Rng::seed_from_u64(seed))
    }

    /// A number in `[0, 1)`, of 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn fraction(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An integer in `[start, end)`; `start` when the range is empty.
    pub fn integer(&mut self, start: i64, end: i64) -> i64 {
        if end <= start {
            return start;
        }
        let width = end.abs_diff(start);
        let offset = (u128::from(self.0.next_u64()) * u128::from(width)) >> 64;
        let offset = u64::try_from(offset).expect("it is below the width");
        start.wrapping_add_unsigned(offset)
    }

    /// Sixteen random bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A UUID that begins with the time (version 7) and is random otherwise: those that are made one
    /// after the other stand beside each other in an index.
    pub fn uuid_at(&mut self, at: Timestamp) -> String {
        let mut random = [0; 10];
        self.0.fill_bytes(&mut random);
        let milliseconds = u64::try_from(at.milliseconds()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &random)
            .into_uuid()
            .to_string()
    }

    /// A random UUID (version 4), in its usual spelling.
    pub fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.bytes())
            .into_uuid()
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = || {
            let mut chance = Chance::from_number(7);
            (
                chance.uuid(),
                chance.integer(0, 1000),
                chance.fraction().to_bits(),
            )
        };
        assert_eq!(draw(), draw());
    }

    #[test]
    fn uuids_with_the_time_are_in_its_order() {
        let mut chance = Chance::from_number(3);
        let mut made = |at| chance.uuid_at(Timestamp::from_milliseconds(at));
        let uuids = [made(0), made(1_700_000_000_000), made(1_700_000_000_001)];
        assert!(uuids.is_sorted(), "{uuids:?}");
        assert_ne!(made(5), made(5));
        assert!(
            uuids
                .iter()
                .all(|uuid| uuid.len() == 36 && &uuid[14..15] == "7")
        );
    }

    #[test]
    fn integers_stay_within_their_bounds() {
        let mut chance = Chance::from_number(1);
        let drawn: Vec<i64> = (0..200).map(|_| chance.integer(-2, 2)).collect();
        assert!((-2..2).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|number| (-2..2).contains(number)));
        assert_eq!(chance.integer(5, 5), 5);
        chance.integer(i64::MIN, i64::MAX);
    }
}

//! Choices, from one seed.

use stepwell::interpreter::Chance;

/// A source of choices that repeats for the same seed.
pub(crate) struct Choices(Chance);

impl Choices {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(Chance::from_number(seed))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let end = i64::try_from(end).expect("choices are few");
        u64::try_from(self.0.integer(0, end)).expect("it is not negative")
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

//! Where in a document something stands, written out only when there is something to say about it.

use std::fmt;

/// A place below a field. Templates have one for each of their values, so it costs nothing.
#[derive(Clone, Copy)]
pub(super) enum Place<'place> {
    /// A place that is written out already.
    Field(&'place str),
    /// The value of a key.
    Key(&'place Place<'place>, &'place str),
    /// An element.
    Index(&'place Place<'place>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut way = vec![self];
        let mut at = self;
        while let Self::Key(around, _) | Self::Index(around, _) = at {
            way.push(around);
            at = around;
        }
        way.iter().rev().try_for_each(|place| match place {
            Self::Field(location) => formatter.write_str(location),
            Self::Key(_, key) => write!(formatter, "/{key}"),
            Self::Index(_, index) => write!(formatter, "[{index}]"),
        })
    }
}

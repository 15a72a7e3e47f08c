//! Lines and columns of one text, looked up many times.

use std::ops::Range;

use crate::source::{Position, Span};

/// A text that knows where its lines start.
pub(super) struct Lines<'source> {
    source: &'source str,
    /// Offset of each line's first byte, ascending; the first is 0.
    starts: Vec<usize>,
}

impl<'source> Lines<'source> {
    pub(super) fn new(source: &'source str) -> Self {
        let after_newlines = source.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            source,
            starts: std::iter::once(0).chain(after_newlines).collect(),
        }
    }

    /// `span` moved into the text and onto whole characters.
    pub(super) fn clamp(&self, span: Span) -> Range<usize> {
        let start = self.source.floor_char_boundary(span.start);
        let end = self
            .source
            .ceil_char_boundary(span.end.min(self.source.len()));
        start..end.max(start)
    }

    /// Line and column of a byte offset, like [`Position::of`].
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = self.source.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let column = self.source[self.starts[line - 1]..offset].chars().count() + 1;
        Position { line, column }
    }

    /// The bytes of a line, counted from 1, without its line break.
    pub(super) fn line(&self, line: usize) -> Range<usize> {
        let start = self.starts[line - 1];
        let end = self
            .starts
            .get(line)
            .map_or(self.source.len(), |next| next - 1);
        let text = &self.source[start..end];
        start..start + text.strip_suffix('\r').unwrap_or(text).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_agree_with_the_slow_way() {
        for text in ["", "\n", "a\r\nä\n", "one\n\nthree", "ä"] {
            let lines = Lines::new(text);
            for offset in 0..text.len() + 3 {
                assert_eq!(
                    lines.position(offset),
                    Position::of(text, offset),
                    "{text:?} {offset}"
                );
            }
        }
    }

    #[test]
    fn a_line_stands_without_its_break() {
        let text = "a\r\nbc\n\n";
        let lines = Lines::new(text);
        let found: Vec<&str> = (1..=4).map(|line| &text[lines.line(line)]).collect();
        assert_eq!(found, ["a", "bc", "", ""]);
    }

    #[test]
    fn spans_are_moved_onto_whole_characters() {
        let lines = Lines::new("aäb");
        assert_eq!(lines.clamp(Span::new(2, 2)), 1..3);
        assert_eq!(lines.clamp(Span::new(3, 99)), 3..4);
        assert_eq!(lines.clamp(Span::new(50, 99)), 4..4);
        assert_eq!(lines.clamp(Span::new(3, 1)), 3..3);
    }
}

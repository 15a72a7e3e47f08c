//! What somebody may have meant.

/// The known field that a misspelt one is closest to.
pub(super) fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let key = key.to_lowercase();
    known
        .iter()
        .map(|field| (distance(&key, &field.to_lowercase()), *field))
        .filter(|(distance, field)| *distance <= 2 && field.len() > 3)
        .min()
        .map(|(_, field)| field)
}

/// Single-character edits between two texts (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    if left.len().abs_diff(right.len()) > 2 {
        return usize::MAX;
    }
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, character) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (index, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *other);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_two_edits_are_bridged() {
        #[track_caller]
        fn check(key: &str, expected: Option<&str>) {
            let known = ["Next", "End", "ResultPath", "OutputPath"];
            assert_eq!(nearest(key, &known), expected, "{key}");
        }
        check("next", Some("Next"));
        check("Nxt", Some("Next"));
        check("Resultpaths", Some("ResultPath"));
        check("Output", None);
        // Short names have too many neighbours.
        check("Ended", None);
        check("", None);
        check("ä", None);
    }
}

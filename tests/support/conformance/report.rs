//! Sums up the verdicts: a line for each case that fails, a table with a row for each module, and totals.
//!
//! The main type is [`Report`]; its `Display` is what a suite prints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::case::{Case, flags};
use super::judge::Verdict;

/// What became of the cases of a suite.
#[derive(Clone, Debug, Default)]
pub struct Report {
    entries: Vec<Entry>,
}

/// What became of one case.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The module of the case.
    pub module: String,
    /// The case's id.
    pub id: String,
    /// The case's kind, as the recordings spell it.
    pub kind: &'static str,
    /// The events come in no fixed order, so the relaxed verdict counts.
    pub order_sensitive: bool,
    /// What [`flags`] says of the case.
    pub flags: BTreeSet<String>,
    /// The verdict, or why there is none.
    pub result: Result<Verdict, String>,
}

/// The counts of a row.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Judged cases.
    pub cases: usize,
    /// Those that pass: exactly, or relaxed where the order of events is not fixed.
    pub passed: usize,
    /// Those that match exactly.
    pub exact: usize,
    /// Those that match without ids and order.
    pub relaxed: usize,
    /// Those that ended as recorded.
    pub outcome: usize,
    /// Reason to the number of cases left out for it.
    pub left_out: BTreeMap<String, usize>,
}

impl Report {
    /// A report on nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a judged case.
    pub fn add(&mut self, module: &str, case: &Case, verdict: Verdict) {
        self.push(module, case, Ok(verdict));
    }

    /// Adds a case that was left out, and why: in few words, since the reasons are counted.
    pub fn leave_out(&mut self, module: &str, case: &Case, reason: impl Into<String>) {
        self.push(module, case, Err(reason.into()));
    }

    /// What became of each case, by module and id.
    #[must_use]
    pub fn entries(&self) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by(|left, right| (&left.module, &left.id).cmp(&(&right.module, &right.id)));
        entries
    }

    /// The cases that were judged and do not pass.
    #[must_use]
    pub fn failures(&self) -> Vec<&Entry> {
        let mut entries = self.entries();
        entries.retain(|entry| entry.result.is_ok() && !entry.passes());
        entries
    }

    /// The counts over all modules.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals::of(&self.entries)
    }

    fn push(&mut self, module: &str, case: &Case, result: Result<Verdict, String>) {
        self.entries.push(Entry {
            module: module.to_owned(),
            id: case.id.clone(),
            kind: case.kind.name(),
            order_sensitive: case.order_sensitive,
            flags: flags(case).into_iter().map(str::to_owned).collect(),
            result,
        });
    }
}

impl Entry {
    /// The case was judged and passes.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.result
            .as_ref()
            .is_ok_and(|verdict| verdict.passes(self.order_sensitive))
    }
}

impl Totals {
    fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut totals = Self::default();
        for entry in entries {
            match &entry.result {
                Ok(verdict) => {
                    totals.cases += 1;
                    totals.passed += usize::from(entry.passes());
                    totals.exact += usize::from(verdict.strict);
                    totals.relaxed += usize::from(verdict.relaxed);
                    totals.outcome += usize::from(verdict.outcome);
                }
                Err(reason) => *totals.left_out.entry(reason.clone()).or_default() += 1,
            }
        }
        totals
    }

    fn write_row(&self, formatter: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let Self {
            cases,
            passed,
            exact,
            relaxed,
            outcome,
            left_out,
        } = self;
        let reasons: Vec<String> = left_out
            .iter()
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        let row = format!(
            "{name:50} {cases:>5} {passed:>5} {exact:>5} {relaxed:>7} {outcome:>7} {:>8}  {}",
            left_out.values().sum::<usize>(),
            reasons.join(", "),
        );
        writeln!(formatter, "{}", row.trim_end())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in self.failures() {
            let Entry {
                module,
                id,
                result: Ok(verdict),
                ..
            } = entry
            else {
                continue;
            };
            let letter = |letter, holds| if holds { letter } else { '-' };
            let holds: String = [
                letter('s', verdict.strict),
                letter('r', verdict.relaxed),
                letter('o', verdict.outcome),
            ]
            .iter()
            .collect();
            let difference = verdict.first_difference.as_deref().unwrap_or_default();
            writeln!(formatter, "FAIL {holds} {module} {id}: {difference}")?;
        }
        let head = [
            "module", "cases", "pass", "exact", "relaxed", "outcome", "left out",
        ];
        let [module, cases, passed, exact, relaxed, outcome, left_out] = head;
        writeln!(
            formatter,
            "{module:50} {cases:>5} {passed:>5} {exact:>5} {relaxed:>7} {outcome:>7} {left_out:>8}"
        )?;
        let mut rows: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
        let mut kinds: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.entries {
            rows.entry(entry.module.clone()).or_default().push(entry);
            kinds
                .entry(format!("kind {}", entry.kind))
                .or_default()
                .push(entry);
        }
        for (name, entries) in rows.into_iter().chain(kinds) {
            Totals::of(entries).write_row(formatter, &name)?;
        }
        self.totals().write_row(formatter, "all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(text: &str) -> Case {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    #[test]
    fn a_report_lists_failures_and_counts_by_module() {
        let mut report = Report::new();
        let first = case(r#"{"id": "first", "kind": "execution"}"#);
        let concurrent = case(r#"{"id": "second", "kind": "execution", "order_sensitive": true}"#);
        let last = case(r#"{"id": "last", "kind": "api"}"#);
        let unordered = || Verdict {
            strict: false,
            first_difference: Some("$.events[1].id: expected 2, got 3".into()),
            ..Verdict::exact()
        };
        report.add("base", &concurrent, unordered());
        report.add("base", &first, unordered());
        report.add("api", &last, Verdict::exact());
        report.leave_out("api", &last, "s3");
        report.leave_out("api", &last, "superseded");
        let failed: Vec<_> = report
            .failures()
            .into_iter()
            .map(|entry| &entry.id)
            .collect();
        assert_eq!(failed, ["first"]);
        insta::assert_snapshot!(report.to_string(), @r"
        FAIL -ro base first: $.events[1].id: expected 2, got 3
        module                                             cases  pass exact relaxed outcome left out
        api                                                    1     1     1       1       1        2  s3 1, superseded 1
        base                                                   2     1     0       2       2        0
        kind api                                               1     1     1       1       1        2  s3 1, superseded 1
        kind execution                                         2     1     0       2       2        0
        all                                                    3     2     1       3       3        2  s3 1, superseded 1
        ");
    }
}

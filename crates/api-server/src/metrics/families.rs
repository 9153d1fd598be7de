//! Every family of figures: its name, its labels, what it means. `docs/metrics.md` says the same; a test compares.
//!
//! Base units (seconds, bytes), `_total` on what only grows. The values of every label are few: patterns of routes,
//! words of the domain, names of the catalogue; never a path, a user or a text.

mod list;

use domain::ledger::usage::{Outcome, RequestKind};

pub use list::*;

/// A family of figures.
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What kind of figure.
    pub kind: Kind,
    /// By what it is told apart.
    pub labels: &'static [Tag],
    /// What it means.
    pub help: &'static str,
}

/// A kind of figure.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counted in buckets with these upper bounds.
    Histogram(&'static [f64]),
    /// Written by [`super::process`], as what this word says.
    Rendered(&'static str),
}

impl Kind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
            Self::Rendered(word) => word,
        }
    }
}

/// A label.
pub struct Tag {
    /// Its name.
    pub name: &'static str,
    /// Its values, where they are known beforehand.
    pub values: Values,
}

/// The values of a label.
pub enum Values {
    /// These.
    Known(&'static [&'static str]),
    /// Kinds of AI requests.
    Kinds,
    /// How AI requests end.
    Outcomes,
    /// Others, but few.
    Open,
}

impl Family {
    const fn counter(name: &'static str, labels: &'static [Tag], help: &'static str) -> Self {
        Self { name, kind: Kind::Counter, labels, help }
    }

    const fn gauge(name: &'static str, labels: &'static [Tag], help: &'static str) -> Self {
        Self { name, kind: Kind::Gauge, labels, help }
    }

    const fn histogram(
        name: &'static str,
        buckets: &'static [f64],
        labels: &'static [Tag],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Histogram(buckets), labels, help }
    }

    const fn rendered(name: &'static str, word: &'static str, help: &'static str) -> Self {
        Self { name, kind: Kind::Rendered(word), labels: &[], help }
    }

    /// All combinations of label values, where all are known; none where one is open.
    pub fn known_values(&self) -> Vec<Vec<&'static str>> {
        let mut all = vec![Vec::new()];
        for label in self.labels {
            let values = label.values();
            let longer = |row: Vec<&'static str>| {
                values.clone().into_iter().map(move |value| [row.as_slice(), &[value]].concat())
            };
            all = all.into_iter().flat_map(longer).collect();
        }
        all
    }
}

impl Tag {
    const fn open(name: &'static str) -> Self {
        Self { name, values: Values::Open }
    }

    const fn of(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values: Values::Known(values) }
    }

    /// Its values, where they are known; else none.
    pub fn values(&self) -> Vec<&'static str> {
        match self.values {
            Values::Known(values) => values.to_vec(),
            Values::Kinds => RequestKind::ALL.map(RequestKind::as_str).to_vec(),
            Values::Outcomes => Outcome::ALL.map(Outcome::as_str).to_vec(),
            Values::Open => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documentation_lists_every_family_just_as_it_is() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
        let text = std::fs::read_to_string(path).unwrap();
        let documented: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<String> = ALL.iter().map(|family| row(family)).collect();
        let missing: Vec<_> = expected.iter().filter(|row| !documented.contains(&row.as_str())).collect();
        let stale: Vec<_> =
            documented.iter().filter(|row| !expected.iter().any(|other| other == *row)).collect();
        assert!(missing.is_empty() && stale.is_empty(), "missing: {missing:#?}\nstale: {stale:#?}");
    }

    /// A family's row of the table.
    fn row(family: &Family) -> String {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{}`", label.name)).collect();
        format!("| `{}` | {} | {} | {} |", family.name, family.kind.as_str(), labels.join(", "), family.help)
            .replace("|  |", "| |")
    }

    #[test]
    fn names_say_their_unit_and_whether_they_only_grow() {
        let mut names = BTreeSet::new();
        for family in ALL {
            let Family { name, kind, help, .. } = family;
            assert!(names.insert(*name), "{name} twice");
            assert!(name.starts_with("saldo_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), kind.as_str() == "counter", "{name}");
            for unit in ["_ms", "_milliseconds", "_micros", "_kib", "_mib", "_minutes", "_percent"] {
                assert!(!name.contains(unit), "{name}");
            }
            assert!(help.ends_with('.') && !help.contains('|'), "{name}: {help}");
            if let Kind::Histogram(buckets) = kind {
                assert!(buckets.is_sorted() && buckets.len() <= 15, "{name}");
            }
        }
    }
}

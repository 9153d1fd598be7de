//! Prometheus' text format, read strictly.

use std::collections::{BTreeMap, BTreeSet};

/// What was read.
pub struct Exposition {
    pub text: String,
    /// Type and samples of each family.
    pub families: BTreeMap<String, Family>,
}

pub struct Family {
    pub kind: String,
    pub samples: Vec<Sample>,
}

pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// The families of docs/metrics.md: type and labels of each.
pub fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let quoted = |cell: &str| {
        cell.split(',')
            .map(|word| word.trim().trim_matches('`').to_owned())
            .filter(|word| !word.is_empty())
            .collect()
    };
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells[1].trim_matches('`').to_owned();
        (name, (cells[2].to_owned(), quoted(cells[3])))
    };
    text.lines().filter(|line| line.starts_with("| `")).map(row).collect()
}

impl Exposition {
    /// Each family once, with help and type before its samples.
    pub fn parse(text: &str) -> Self {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut helped = BTreeSet::new();
        let mut open = String::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help text");
                assert!(!help.is_empty() && helped.insert(name.to_owned()), "help: {line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert!(helped.contains(name), "no help: {line}");
                let family = Family { kind: kind.to_owned(), samples: Vec::new() };
                assert!(families.insert(name.to_owned(), family).is_none(), "twice: {line}");
                name.clone_into(&mut open);
            } else {
                let sample = sample(line);
                let family = families.get_mut(&open).expect("a type before its samples");
                let suffixes: &[&str] =
                    if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                let its = suffixes.iter().any(|suffix| sample.name == format!("{open}{suffix}"));
                assert!(its, "{line} under {open}");
                family.samples.push(sample);
            }
        }
        Self { text: text.to_owned(), families }
    }

    fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.values().flat_map(|family| &family.samples)
    }

    /// The sum of the samples that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|it| it == value))
        };
        self.samples().filter(has).map(|sample| sample.value).sum()
    }

    /// The one sample that has these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let count = self.samples().filter(|sample| sample.name == name).count();
        assert_eq!(count, 1, "samples of {name}\n{}", self.text);
        self.sum(name, labels)
    }

    /// Types and labels are the documented ones, no sample is there twice, and buckets add up.
    pub fn lint(&self, documented: &BTreeMap<String, (String, BTreeSet<String>)>) {
        for (name, family) in &self.families {
            let (kind, labels) = &documented[name];
            assert_eq!(&family.kind, kind, "{name}");
            assert!(!family.samples.is_empty(), "{name}");
            let mut seen = BTreeSet::new();
            for sample in &family.samples {
                let own = sample.labels.keys().filter(|label| *label != "le");
                assert_eq!(&own.cloned().collect::<BTreeSet<_>>(), labels, "{name}");
                assert!(seen.insert((&sample.name, &sample.labels)), "twice: {name} {:?}", sample.labels);
                assert!(kind == "gauge" || sample.value >= 0.0, "{name}");
            }
            if kind == "histogram" {
                buckets_add_up(name, family);
            }
        }
    }
}

type Labels<'a> = Vec<(&'a String, &'a String)>;

fn buckets_add_up(name: &str, family: &Family) {
    let mut series: BTreeMap<Labels<'_>, Vec<(f64, f64)>> = BTreeMap::new();
    for sample in family.samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
        let rest = sample.labels.iter().filter(|(label, _)| *label != "le").collect();
        let bound = sample.labels["le"].replace("+Inf", "inf").parse().expect("a bound");
        series.entry(rest).or_default().push((bound, sample.value));
    }
    for (labels, buckets) in series {
        assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name} {labels:?}: {buckets:?}");
        let count = family.samples.iter().find(|sample| {
            sample.name.ends_with("_count")
                && labels.iter().all(|(label, value)| sample.labels.get(*label) == Some(value))
        });
        let last = buckets.last().expect("a bucket");
        assert!(last.0.is_infinite());
        assert_eq!(Some(last.1.to_bits()), count.map(|sample| sample.value.to_bits()), "{name} {labels:?}");
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
    let (name, rest) = series.split_once('{').unwrap_or((series, "}"));
    let good = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    assert!(good(name), "{line}");
    let inside = rest.strip_suffix('}').expect("a closing bracket");
    let mut labels = BTreeMap::new();
    // No value of ours holds a quote.
    for part in
        inside.split_terminator("\",").map(|part| part.trim_end_matches('"')).filter(|part| !part.is_empty())
    {
        let (label, value) = part.split_once("=\"").unwrap_or_else(|| panic!("a label: {line}"));
        assert!(good(label), "{line}");
        assert!(labels.insert(label.to_owned(), value.to_owned()).is_none(), "{line}");
    }
    Sample { name: name.to_owned(), labels, value }
}

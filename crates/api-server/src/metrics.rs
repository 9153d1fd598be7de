//! Figures for Prometheus: which there are ([`families`]), where they are counted ([`http`], [`ledger`],
//! [`crate::watched_store`], [`crate::watched_model`]), and how they are read ([`listener`], [`scrape`]). Off unless `METRICS_ADDR` is set: then nothing is counted.

pub mod families;
pub mod http;
pub mod ledger;
pub mod listener;
mod process;
pub mod scrape;

use std::sync::Mutex;

use ::metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, SharedString};
use domain::clock::Timestamp;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use families::{ALL, Family, Kind};
use scrape::BookFigures;

/// What one server counts. Each server has its own: nothing is global.
pub struct Metrics {
    recorder: PrometheusRecorder,
    rendered: PrometheusHandle,
    books: Mutex<Option<BookFigures>>,
    upstreams: Mutex<scrape::Seen>,
}

const METADATA: Metadata<'static> = Metadata::new("saldo", Level::INFO, None);

impl Metrics {
    /// All families, at zero where their label values are known beforehand.
    pub fn new() -> Result<Self, String> {
        let mut builder = PrometheusBuilder::new();
        for family in ALL {
            if let Kind::Histogram(buckets) = family.kind {
                let name = Matcher::Full(family.name.to_owned());
                builder = builder.set_buckets_for_metric(name, buckets).map_err(|error| error.to_string())?;
            }
        }
        let recorder = builder.build_recorder();
        let metrics = Self {
            rendered: recorder.handle(),
            recorder,
            books: Mutex::default(),
            upstreams: Mutex::default(),
        };
        for family in ALL {
            metrics.describe(family);
            for values in family.known_values() {
                match family.kind {
                    Kind::Counter => metrics.counter(family, values).absolute(0),
                    Kind::Gauge => metrics.gauge(family, values).set(0.0),
                    Kind::Histogram(_) => drop(metrics.histogram(family, values)),
                    Kind::Rendered(_) => {}
                }
            }
        }
        Ok(metrics)
    }

    fn describe(&self, family: &Family) {
        let (name, help) = (family.name.into(), family.help.into());
        match family.kind {
            Kind::Counter => self.recorder.describe_counter(name, None, help),
            Kind::Gauge => self.recorder.describe_gauge(name, None, help),
            Kind::Histogram(_) => self.recorder.describe_histogram(name, None, help),
            Kind::Rendered(_) => {}
        }
    }

    /// The counter with these label values, in the order of the family's labels.
    pub fn counter<V: Into<SharedString>>(
        &self,
        family: &Family,
        values: impl IntoIterator<Item = V>,
    ) -> Counter {
        self.recorder.register_counter(&key(family, values), &METADATA)
    }

    /// The gauge with these label values.
    pub fn gauge<V: Into<SharedString>>(
        &self,
        family: &Family,
        values: impl IntoIterator<Item = V>,
    ) -> Gauge {
        self.recorder.register_gauge(&key(family, values), &METADATA)
    }

    /// The histogram with these label values.
    pub fn histogram<V: Into<SharedString>>(
        &self,
        family: &Family,
        values: impl IntoIterator<Item = V>,
    ) -> Histogram {
        self.recorder.register_histogram(&key(family, values), &METADATA)
    }

    /// A background job ran.
    pub fn job(&self, name: &'static str, well: bool, now: Timestamp) {
        self.counter(&families::JOB_RUNS, [name, if well { "ok" } else { "failed" }]).increment(1);
        if well {
            self.gauge(&families::JOB_LAST_SUCCESS, [name]).set(scrape::seconds(now.as_micros()));
        }
    }

    /// Everything as it stands, in Prometheus' text format.
    pub fn text(&self) -> String {
        self.rendered.render()
    }

    /// Sums up what was measured since the last time, so that it takes no more and more memory: to be called every few
    /// seconds, whether or not anybody reads.
    pub fn sum_up(&self) {
        self.rendered.run_upkeep();
    }
}

fn key<V: Into<SharedString>>(family: &Family, values: impl IntoIterator<Item = V>) -> Key {
    let values = values.into_iter().map(Into::into);
    let labels: Vec<Label> =
        family.labels.iter().zip(values).map(|(label, value)| Label::new(label.name, value)).collect();
    debug_assert_eq!(labels.len(), family.labels.len(), "{}", family.name);
    Key::from_parts(family.name, labels)
}

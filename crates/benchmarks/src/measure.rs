//! Figures: of one run, and over rounds.

use std::time::Duration;

/// What one side did in one round.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Pairs of hold and settle, or requests.
    pub done: u64,
    /// From the first call to the last answer.
    pub wall: Duration,
    /// User and system time of this process, callers included.
    pub own_cpu: Duration,
    /// User and system time of the database server, where it runs on this machine and is a process.
    pub server_cpu: Option<Duration>,
    /// How long each took, in microseconds, shortest first.
    pub latencies: Vec<u64>,
}

impl Run {
    /// How many in a second.
    pub fn per_second(&self) -> f64 {
        count(self.done) / self.wall.as_secs_f64().max(f64::EPSILON)
    }

    /// Microseconds of CPU for each, in this process.
    pub fn own_cpu_each(&self) -> f64 {
        micros(self.own_cpu) / count(self.done.max(1))
    }

    /// Microseconds of CPU for each, in the database server.
    pub fn server_cpu_each(&self) -> Option<f64> {
        Some(micros(self.server_cpu?) / count(self.done.max(1)))
    }

    /// Microseconds of CPU for each, in both.
    pub fn cpu_each(&self) -> f64 {
        self.own_cpu_each() + self.server_cpu_each().unwrap_or_default()
    }

    /// The latency that so many of 100 did not pass, in microseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).copied().map_or(0.0, count)
    }
}

/// Minimum, median and maximum over rounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Spread {
    /// Of these figures; zeros when there are none.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else { return Self::default() };
        let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Self { min: *min, median: f64::midpoint(lower, upper), max: *max }
    }

    /// `median (min to max)`, with so many digits behind the point.
    pub fn show(&self, digits: usize) -> String {
        let Self { min, median, max } = self;
        format!("{} ({} to {})", number(*median, digits), number(*min, digits), number(*max, digits))
    }
}

/// A number with commas between thousands.
pub fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let mut shown = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) && !shown.ends_with('-') {
            shown.push(',');
        }
        shown.push(digit);
    }
    rest.map_or(shown.clone(), |rest| format!("{shown}.{rest}"))
}

/// A count as a figure: exact below 2^53.
#[allow(clippy::cast_precision_loss)]
pub fn count(count: u64) -> f64 {
    count as f64
}

/// In milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!(spread.show(1), "2.5 (1.0 to 4.0)");
        assert_eq!(Spread::of([]).show(0), "0 (0 to 0)");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(number(1_234_567.8, 1), "1,234,567.8");
        assert_eq!(number(123.0, 0), "123");
        assert_eq!(number(-123_456.0, 0), "-123,456");
    }
}

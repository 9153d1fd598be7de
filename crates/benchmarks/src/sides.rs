//! The rounds of the ledger beside those of other sides, and what is said about them.

use crate::measure::{Run, Spread, count, number};
use crate::report::{Section, Target};

/// Rounds of the ledger (side 0) and of what it is measured against (side 1; later ones for information).
pub struct Sides {
    names: Vec<&'static str>,
    /// By side, then by round. Round 0 warms up and is not measured.
    runs: Vec<Vec<Run>>,
    warm_up: Vec<u64>,
    commits: Option<i64>,
}

impl Sides {
    pub fn new(others: &[&'static str]) -> Self {
        let names: Vec<_> = std::iter::once("ledger").chain(others.iter().copied()).collect();
        Self { runs: vec![Vec::new(); names.len()], warm_up: vec![0; names.len()], names, commits: None }
    }

    /// Adds what a side did in a round.
    pub fn add(&mut self, side: usize, round: u64, run: Run) {
        eprintln!("  round {round}: {:<18} {:>9} pairs/s", self.names[side], number(run.per_second(), 0));
        if round == 0 {
            self.warm_up[side] = run.done;
        } else {
            self.runs[side].push(run);
        }
    }

    /// How many transactions the ledger's database committed.
    pub fn commits(&mut self, commits: i64) {
        self.commits = Some(commits);
    }

    /// All pairs of a side, those of the warm-up too.
    pub fn done(&self, side: usize) -> u64 {
        self.warm_up[side] + self.runs[side].iter().map(|run| run.done).sum::<u64>()
    }

    /// Reports pairs per second; the ratio to the side of this name has a target.
    pub fn throughput(&self, section: &mut Section, target: Target, against: &str) {
        self.table(section);
        self.compare(section, "pairs/s", target, against, Run::per_second);
        for (side, name) in self.others() {
            section.aside(&format!("CPU per pair, {name} / ledger"), self.inverse(side, Run::cpu_each));
        }
    }

    /// Reports the median latency of each side; the ratio to the side of this name has a target.
    pub fn latency(&self, section: &mut Section, target: Target, against: &str) {
        self.table(section);
        self.compare(section, "p50", target, against, |run| run.percentile(50));
    }

    fn compare(
        &self,
        section: &mut Section,
        figure_name: &str,
        target: Target,
        against: &str,
        figure: impl Fn(&Run) -> f64,
    ) {
        for (side, name) in self.others() {
            let what = format!("{figure_name}, ledger / {name}");
            let ratio = self.ratio(side, &figure);
            if name == against {
                section.verdict(&what, target, ratio);
            } else {
                section.aside(&what, ratio);
            }
        }
    }

    fn others(&self) -> impl Iterator<Item = (usize, &'static str)> {
        self.names.iter().copied().enumerate().skip(1)
    }

    /// The ledger's figure over another side's, round by round.
    fn ratio(&self, side: usize, figure: impl Fn(&Run) -> f64) -> Spread {
        let rounds = self.runs[0].iter().zip(&self.runs[side]);
        Spread::of(rounds.map(|(ledger, other)| figure(ledger) / figure(other).max(f64::MIN_POSITIVE)))
    }

    fn inverse(&self, side: usize, figure: impl Fn(&Run) -> f64) -> Spread {
        self.ratio(side, |run| 1.0 / figure(run).max(f64::MIN_POSITIVE))
    }

    fn table(&self, section: &mut Section) {
        section.line("| | pairs/s | p50 ms | p99 ms | CPU µs per pair: callers and our side | Postgres |");
        section.line("|---|---|---|---|---|---|");
        for (name, runs) in self.names.iter().zip(&self.runs) {
            let spread = |figure: fn(&Run) -> f64| Spread::of(runs.iter().map(figure));
            let server = if runs.iter().all(|run| run.server_cpu.is_some()) {
                spread(|run| run.server_cpu_each().unwrap_or_default()).show(0)
            } else {
                "-".to_owned()
            };
            section.line(format!(
                "| {name} | {} | {} | {} | {} | {server} |",
                spread(Run::per_second).show(0),
                spread(|run| run.percentile(50) / 1e3).show(2),
                spread(|run| run.percentile(99) / 1e3).show(2),
                spread(Run::own_cpu_each).show(0),
            ));
        }
        section.line("");
        if let Some(commits) = self.commits {
            let commands = count(2 * self.done(0));
            let each = commands / count(commits.unsigned_abs().max(1));
            section.line(format!(
                "The ledger committed {} acts in {} transactions: {} in each on average.\n",
                number(commands, 0),
                number(count(commits.unsigned_abs()), 0),
                number(each, 1),
            ));
        }
    }
}

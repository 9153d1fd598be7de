//! The page.

use crate::machine::Machine;
use crate::measure::{Spread, number};
use crate::options::Options;

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A ratio: this or more.
    AtLeast(f64),
    /// A ratio: this or less.
    AtMost(f64),
    /// This or less, of a unit.
    Within(f64, &'static str),
}

impl Target {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) | Self::Within(most, _) => figure <= most,
        }
    }

    fn show(self) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {least}x"),
            Self::AtMost(most) => format!("<= {most}x"),
            Self::Within(most, unit) => format!("<= {most} {unit}"),
        }
    }

    /// Digits behind the point that figures of it are shown with, and what stands behind them.
    fn form(self) -> (usize, String) {
        match self {
            Self::AtLeast(_) | Self::AtMost(_) => (2, "x".to_owned()),
            Self::Within(_, unit) => (1, format!(" {unit}")),
        }
    }
}

/// One benchmark's part of the page.
pub struct Section {
    id: &'static str,
    title: &'static str,
    lines: Vec<String>,
    /// Rows of the summary.
    rows: Vec<String>,
    faults: usize,
}

impl Section {
    pub fn new(id: &'static str, title: &'static str) -> Self {
        eprintln!("{id} {title}");
        Self { id, title, lines: Vec::new(), rows: Vec::new(), faults: 0 }
    }

    /// A line of Markdown.
    pub fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A figure with a target. What counts is the median.
    pub fn verdict(&mut self, what: &str, target: Target, spread: Spread) {
        let met = if target.is_met(spread.median) { "met" } else { "**missed**" };
        self.row(what, &target.show(), spread, &target.form(), met);
    }

    /// A ratio without a target.
    pub fn aside(&mut self, what: &str, spread: Spread) {
        self.row(what, "", spread, &(2, "x".to_owned()), "");
    }

    fn row(&mut self, what: &str, target: &str, spread: Spread, form: &(usize, String), met: &str) {
        let (digits, unit) = form;
        let [median, min, max] =
            [spread.median, spread.min, spread.max].map(|figure| number(figure, *digits));
        let id = self.id;
        let row = format!("| {id} | {what} | {target} | {median}{unit} | {min} to {max} | {met} |");
        eprintln!("  {row}");
        self.rows.push(row);
    }

    /// What verifying books answered.
    pub fn verified(&mut self, what: &str, found: Result<String, String>) {
        match found {
            Ok(sentence) => self.line(format!("Verified, {what}: {sentence}.\n")),
            Err(faults) => self.fault(format!("{what}: {faults}")),
        }
    }

    /// Something that must not be.
    pub fn fault(&mut self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("  FAULT: {what}");
        self.line(format!("**FAULT: {}**\n", what.replace('\n', "; ")));
        self.faults += 1;
    }
}

/// All sections.
#[derive(Default)]
pub struct Report(Vec<Section>);

impl Report {
    pub fn add(&mut self, section: Section) {
        self.0.push(section);
    }

    /// How many things must not be.
    pub fn faults(&self) -> usize {
        self.0.iter().map(|section| section.faults).sum()
    }

    /// The page, in Markdown.
    pub fn page(&self, options: &Options, machine: &Machine) -> String {
        let mut lines = vec![
            "# Benchmarks".to_owned(),
            String::new(),
            "Written by `just bench`; do not edit.".to_owned(),
            String::new(),
        ];
        if options.quick {
            lines.push("**A quick run: these figures mean little.**\n".to_owned());
        }
        lines.extend(machine.lines());
        lines.push(String::new());
        lines.push("## Results".to_owned());
        lines.push(String::new());
        lines.push("| # | What | Target | Median | From, to | |".to_owned());
        lines.push("|---|---|---|---|---|---|".to_owned());
        lines.extend(self.0.iter().flat_map(|section| section.rows.iter().cloned()));
        lines.push(String::new());
        lines.push(match self.faults() {
            0 => "The books were verified after the runs (but for those that cannot be, see below); none is wrong, and no request failed.".to_owned(),
            faults => format!("**{faults} faults, see below: this run counts for nothing.**"),
        });
        lines.extend([String::new(), HOW.trim().to_owned(), String::new()]);
        for section in &self.0 {
            lines.push(format!("## {}: {}", section.id, section.title));
            lines.push(String::new());
            lines.extend(section.lines.iter().cloned());
        }
        let page = lines.join("\n");
        format!("{}\n", page.trim_end().replace("\n\n\n", "\n\n"))
    }
}

const HOW: &str = "
## How to read this

- Every comparison runs in turns on one machine in one go, each other round in the other order; round 0 warms up
  and is not shown. A time on a shared machine means little, a ratio in one round more. Figures are medians
  over the rounds, with the least and the greatest; a target is met by the median.
- A pair is one hold and its settlement, both durable: Postgres with `fsync`, `synchronous_commit` and
  `full_page_writes` on, SQLite with `synchronous=FULL`. Limits are off.
- The plain way writes the same rows to the same tables, one transaction for the hold and one for its
  settlement, with prepared statements and a connection for each caller: the check in the update, the account
  locked for the journal's chain of hashes, nothing slower than it has to be. *Plain* waits for each statement
  before the next, as drivers and mappers do by themselves; *plain, pipelined* sends together what does not
  need an answer first; *a transaction per statement* is code without transactions, as the seed's: cheaper in
  locks, dearer in commits, wrong after a crash, and what the targets of P1 and P2 are set against. On SQLite it is
  one caller that has the file to itself and waits for nobody's lock; *a transaction per write*, each durable by
  itself, is what the target of P3 is set against, and *plain*, one for each act, is the harder comparison.
- The callers run in the same process as the ledger, and on the same cores as the database. CPU time is user and
  system time by the operating system: of our process (callers included), and of all processes of Postgres.
- While other work runs beside, the ledger seems to lose more than the plain way, perhaps because the plain way
  asks with 64 of Postgres's processes and the ledger with two. CPU for each pair is the steadier figure.
- The books of the ledger and of the plain way with transactions are verified afterwards by the rules of the
  domain: sums, holds, lots, hashes. Those of *a transaction per statement* cannot be: it neither locks the account
  nor chains the journal, so *plain* is the harder comparison.
";

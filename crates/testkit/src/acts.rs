//! What the cases do with a fixture: verbs that must succeed, verbs that must be refused, and reads.

mod billing;

use std::fmt::Debug;
use std::time::Duration;

use domain::clock::Span;
use domain::credits::Credits;
use domain::ids::{Lane, UserId};
use domain::ledger::account::{AccountView, Balances};
use domain::ledger::command::{
    AdjustRequest, ClawBackRequest, ClawedBack, GrantRequest, Held, HoldRequest, Posted, Refusal,
    SettleRequest, Settled, StoredAnswer, VoidRequest,
};
use domain::ledger::journal::JournalEntry;
use domain::ledger::lots::Lot;
use domain::ledger::usage::UsageRecord;
use domain::ledger::verify::{self, AccountBooks};
use domain::ports::ledger::{HoldOutcome, LedgerError};

use crate::Fixture;
use crate::time::{moment, time};

/// What a case waits for, at most.
const PATIENCE: Duration = Duration::from_secs(20);

impl Fixture {
    /// A hold that must be made.
    pub async fn held(&self, request: HoldRequest) -> Held {
        match must(self.ledger.hold(request).await) {
            HoldOutcome::Held(held) => held,
            HoldOutcome::Replay(answer) => panic!("held nothing, replayed {answer:?}"),
        }
    }

    /// A hold that must be answered from before.
    pub async fn replayed(&self, request: HoldRequest) -> StoredAnswer {
        match must(self.ledger.hold(request).await) {
            HoldOutcome::Held(held) => panic!("held {held:?}, replayed nothing"),
            HoldOutcome::Replay(answer) => answer,
        }
    }

    /// A hold that must be refused.
    pub async fn hold_refused(&self, request: HoldRequest) -> Refusal {
        refused(self.ledger.hold(request).await)
    }

    /// A settlement that must succeed.
    pub async fn settled(&self, request: SettleRequest) -> Settled {
        must(self.ledger.settle(request).await)
    }

    /// A settlement that must be refused.
    pub async fn settle_refused(&self, request: SettleRequest) -> Refusal {
        refused(self.ledger.settle(request).await)
    }

    /// A void that must succeed; whether it returned something.
    pub async fn voided(&self, request: VoidRequest) -> bool {
        must(self.ledger.void(request).await)
    }

    /// A void that must be refused.
    pub async fn void_refused(&self, request: VoidRequest) -> Refusal {
        refused(self.ledger.void(request).await)
    }

    /// A grant that must succeed.
    pub async fn granted(&self, request: GrantRequest) -> Posted {
        must(self.ledger.grant(request).await)
    }

    /// A grant that must be refused.
    pub async fn grant_refused(&self, request: GrantRequest) -> Refusal {
        refused(self.ledger.grant(request).await)
    }

    /// An adjustment that must succeed.
    pub async fn adjusted(&self, request: AdjustRequest) -> Posted {
        must(self.ledger.adjust(request).await)
    }

    /// An adjustment that must be refused.
    pub async fn adjust_refused(&self, request: AdjustRequest) -> Refusal {
        refused(self.ledger.adjust(request).await)
    }

    /// A claw-back that must succeed.
    pub async fn clawed_back(&self, request: ClawBackRequest) -> ClawedBack {
        must(self.ledger.claw_back(request).await)
    }

    /// The account as a reader sees it at this second.
    pub async fn account(&self, user: UserId, secs: i64) -> AccountView {
        let found = self.statements.account(user, time(secs)).await.expect("the store answers");
        found.expect("the account is there")
    }

    /// Total, used, held, available, owed at this second.
    pub async fn sums(&self, user: UserId, secs: i64) -> [i64; 5] {
        sums(self.account(user, secs).await.balances)
    }

    /// The complete books of an account.
    pub async fn books_of(&self, user: UserId) -> AccountBooks {
        let found = self.books.account_books(user).await.expect("the store answers");
        found.expect("the account is there")
    }

    /// The lot that was granted for a source such as `purchase:p1`.
    pub async fn lot(&self, user: UserId, source: &str) -> Lot {
        let lots = self.books_of(user).await.lots;
        let found = lots.iter().find(|lot| lot.source.to_string() == source);
        found.unwrap_or_else(|| panic!("no lot for {source} in {lots:#?}")).clone()
    }

    /// What remains of each lot that was granted for a purchase, by the purchases' names.
    pub async fn remaining<const N: usize>(&self, user: UserId, purchases: [&str; N]) -> [i64; N] {
        let lots = self.books_of(user).await.lots;
        purchases.map(|name| {
            let found = lots.iter().find(|lot| lot.source.reference == name);
            found.unwrap_or_else(|| panic!("no lot for {name}")).remaining.get()
        })
    }

    /// The first entries of an account's journal, newest first.
    pub async fn journal(&self, user: UserId) -> Vec<JournalEntry> {
        let lines = self.statements.journal(user, None, 1000).await.expect("the store answers");
        lines.into_iter().map(|line| line.entry).collect()
    }

    /// The first rows of an account's usage, newest first.
    pub async fn usage(&self, user: UserId) -> Vec<UsageRecord> {
        self.statements.usage(user, None, 1000).await.expect("the store answers")
    }

    /// Sweeps all accounts at this second; how many were visited.
    pub async fn sweep(&self, secs: i64) -> u32 {
        self.upkeep.expire_due(moment(secs), 1000).await.expect("the store answers")
    }

    /// Folds everything that there is.
    pub async fn folded(&self) {
        let folding =
            async { while self.reports.fold(Span::ZERO, 1000).await.expect("the store answers").more {} };
        assert!(tokio::time::timeout(PATIENCE, folding).await.is_ok(), "not folded in {PATIENCE:?}");
    }

    /// Waits until `done` of the account's books, for acts that nobody can wait for.
    pub async fn eventually(&self, user: UserId, done: impl Fn(&AccountBooks) -> bool) {
        let waiting = async {
            while !done(&self.books_of(user).await) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "it did not happen in {PATIENCE:?}");
    }
}

/// Walks all books and proves that they add up.
pub async fn verify(fixture: &Fixture) {
    verify_at(fixture, 0, false).await;
}

/// The same, at this second; `serving` says that no hold may lie about past its time.
pub async fn verify_at(fixture: &Fixture, secs: i64, serving: bool) {
    let mut breaches = Vec::new();
    for user in all_users(fixture).await {
        let books = fixture.books_of(user).await;
        breaches.extend(verify::check(&books, time(secs), serving));
    }
    let found: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "the books do not add up:\n{}", found.join("\n"));
}

/// Every user that has an account, lane by lane.
pub async fn all_users(fixture: &Fixture) -> Vec<UserId> {
    const PAGE: u32 = 100;
    let mut all = Vec::new();
    for lane in Lane::all() {
        let mut after = None;
        loop {
            let page = fixture.books.users(lane, after, PAGE).await.expect("the store answers");
            let Some(last) = page.last() else { break };
            after = Some(*last);
            all.extend(page);
        }
    }
    all
}

/// Total, used, held, available, owed.
pub fn sums(balances: Balances) -> [i64; 5] {
    let Balances { total, used, held, available, owed } = balances;
    [total, used, held, available, owed].map(Credits::get)
}

/// The answer of an act that must succeed.
pub fn must<T>(result: Result<T, LedgerError>) -> T {
    result.unwrap_or_else(|error| panic!("must succeed, but: {error:?}"))
}

/// The reason of an act that must be refused.
pub fn refused<T: Debug>(result: Result<T, LedgerError>) -> Refusal {
    match result {
        Err(LedgerError::Refused(refusal)) => refusal,
        other => panic!("must be refused, but: {other:?}"),
    }
}

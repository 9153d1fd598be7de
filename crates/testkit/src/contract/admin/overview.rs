//! Lists of everybody's, and one account in full.

use domain::billing::notice::NoticeKind;
use domain::credits::Credits;
use domain::ids::UserId;
use domain::ledger::account::SuspensionSource;
use domain::ledger::usage::Outcome;
use domain::ports::billing::PageEnd;
use domain::ports::overview::{AccountCursor, AccountOrder, JournalCursor, JournalFilter, UsageFilter};
use domain::ports::statements::UsageCursor;

use crate::Fixture;
use crate::acts::must;
use crate::requests::billing::{NewsExt, news};
use crate::requests::{At, GrantExt, HoldExt, SettleExt, adjust, grant, hold, settle, suspend, user, void};
use crate::time::time;

/// The users in this order, by pages of two.
async fn listed(f: &Fixture, order: AccountOrder) -> Vec<UserId> {
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = f.overview.accounts(order, before, time(100), 2).await.expect("the store answers");
        let Some(last) = page.last() else { return seen };
        assert!(page.len() <= 2);
        before = Some(AccountCursor { key: last.key, user: last.user });
        seen.extend(page.iter().map(|line| line.user));
    }
}

pub async fn accounts_are_listed_newest_first(f: &Fixture) {
    assert!(listed(f, AccountOrder::Newest).await.is_empty());
    for number in [3, 1, 5, 2, 4] {
        f.granted(grant(user(number), "p").at(i64::from(number))).await;
    }
    // When an account appeared is the store's to say: by its own clock, or by the act that made it.
    let lines = f.overview.accounts(AccountOrder::Newest, None, time(100), 10).await.expect("it answers");
    let mut expected: Vec<_> = lines.iter().map(|line| (line.created_at, line.user)).collect();
    expected.sort();
    expected.reverse();
    assert_eq!(expected.len(), 5);
    let expected: Vec<_> = expected.into_iter().map(|(_, user)| user).collect();
    assert_eq!(listed(f, AccountOrder::Newest).await, expected);
}

pub async fn accounts_are_listed_by_what_they_used(f: &Fixture) {
    for (number, used) in [(1, 5), (2, 30), (3, 0), (4, 30)] {
        f.granted(grant(user(number), "p")).await;
        let held = f.held(hold(user(number)).exactly(50)).await;
        f.settled(settle(user(number), held.hold).charge(used)).await;
    }
    assert_eq!(listed(f, AccountOrder::MostUsed).await, [4, 2, 1, 3].map(user));
    let lines = f.overview.accounts(AccountOrder::MostUsed, None, time(0), 1).await.expect("it answers");
    let sums = lines[0].view.balances;
    assert_eq!([sums.total, sums.used, sums.available].map(Credits::get), [100, 30, 70]);
}

pub async fn accounts_are_listed_by_their_balance(f: &Fixture) {
    for (number, amount) in [(1, 50), (2, 200), (3, 50), (4, 100)] {
        f.granted(grant(user(number), "p").of(amount)).await;
    }
    // What is held is still in the balance.
    f.held(hold(user(2)).exactly(180)).await;
    assert_eq!(listed(f, AccountOrder::HighestBalance).await, [2, 4, 3, 1].map(user));
}

pub async fn an_account_is_shown_in_full(f: &Fixture) {
    f.granted(grant(user(1), "for-ever").of(30).plan("starter", None)).await;
    f.granted(grant(user(1), "late").of(20).due(900)).await;
    f.granted(grant(user(1), "soon").of(10).due(500)).await;
    f.granted(grant(user(1), "spent").of(15).due(400)).await;
    let held = f.held(hold(user(1)).exactly(15)).await;
    f.settled(settle(user(1), held.hold).charge(15)).await;
    f.held(hold(user(1)).exactly(10)).await;
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::dispute("dp_1")).at(20)).await);
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin()).at(10)).await);

    let sheet = f.overview.sheet(user(1), time(30)).await.expect("it answers").expect("an account");
    let lots: Vec<_> =
        sheet.lots.iter().map(|lot| (lot.source.reference.as_str(), lot.remaining.get())).collect();
    assert_eq!(lots, [("soon", 10), ("late", 20), ("for-ever", 30)]);
    let reasons: Vec<_> =
        sheet.suspensions.iter().map(|row| (row.source.as_str(), row.reason.as_str(), row.since)).collect();
    assert_eq!(reasons, [("admin", "a reason", time(10)), ("dispute:dp_1", "a reason", time(20))]);
    assert_eq!((sheet.open_holds, sheet.view.suspended), (1, true));
    assert_eq!(sheet.view, f.account(user(1), 30).await);
    assert_eq!(sheet.view.plan.as_str(), "starter");
}

pub async fn a_sheet_counts_what_is_due_as_expired(f: &Fixture) {
    f.granted(grant(user(1), "p").of(30).due(50)).await;
    f.granted(grant(user(1), "q").of(5)).await;
    let sheet = f.overview.sheet(user(1), time(60)).await.expect("it answers").expect("an account");
    assert_eq!(sheet.view.balances.available, crate::requests::credits(5));
    assert_eq!(sheet.lots.len(), 2, "as they were last stored");
}

pub async fn nobodys_sheet_is_none(f: &Fixture) {
    assert_eq!(f.overview.sheet(user(1), time(0)).await, Ok(None));
}

/// Five requests of two users over a year, two at the same time.
async fn some_usage(f: &Fixture) -> Vec<UsageCursor> {
    let mut expected = Vec::new();
    for number in [1, 2] {
        f.granted(grant(user(number), "p").of(1000)).await;
    }
    for (number, secs, model) in
        [(1, 1, "a"), (2, 2, "b"), (1, 5_000, "b"), (2, 5_000, "a"), (1, 30_000_000, "a")]
    {
        let held = f.held(hold(user(number)).at(secs)).await;
        let mut request = settle(user(number), held.hold).at(secs);
        model.clone_into(&mut request.facts.model);
        f.settled(request).await;
        expected.push(UsageCursor { at: time(secs), hold: held.hold });
    }
    let held = f.held(hold(user(2)).at(6_000)).await;
    f.voided(void(user(2), held.hold).at(6_000)).await;
    expected.push(UsageCursor { at: time(6_000), hold: held.hold });
    expected.sort_by_key(|it| std::cmp::Reverse((it.at, it.hold)));
    expected
}

async fn usage(f: &Fixture, filter: UsageFilter, limit: u32) -> Vec<UsageCursor> {
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = f.overview.latest_usage(filter.clone(), before, limit).await.expect("it answers");
        assert!(page.len() <= limit as usize);
        let Some(last) = page.last() else { return seen };
        before = Some(UsageCursor { at: last.at, hold: last.hold });
        seen.extend(page.iter().map(|row| UsageCursor { at: row.at, hold: row.hold }));
    }
}

pub async fn usage_of_everybody_is_read_page_by_page_newest_first(f: &Fixture) {
    let expected = some_usage(f).await;
    for limit in [1, 2, 100] {
        assert_eq!(usage(f, UsageFilter::default(), limit).await, expected, "pages of {limit}");
    }
    assert!(f.overview.latest_usage(UsageFilter::default(), None, 0).await.expect("it answers").is_empty());
}

pub async fn usage_is_filtered_by_user_model_outcome_and_time(f: &Fixture) {
    some_usage(f).await;
    let count = async |filter: UsageFilter| usage(f, filter, 2).await.len();
    let none = UsageFilter::default;
    let by_model = |model: &str| UsageFilter { model: Some(model.to_owned()), ..none() };
    assert_eq!(count(UsageFilter { user: Some(user(1)), ..none() }).await, 3);
    assert_eq!(count(UsageFilter { user: Some(user(3)), ..none() }).await, 0);
    assert_eq!(count(by_model("a")).await, 3);
    assert_eq!(count(UsageFilter { user: Some(user(1)), ..by_model("b") }).await, 1);
    assert_eq!(count(by_model("x\0y")).await, 0);
    assert_eq!(count(UsageFilter { outcome: Some(Outcome::Abandoned), ..none() }).await, 1);
    assert_eq!(count(UsageFilter { from: Some(time(2)), to: Some(time(5_000)), ..none() }).await, 1);
    assert_eq!(count(UsageFilter { from: Some(time(5_000)), ..none() }).await, 4);
    let of_one = UsageFilter { user: Some(user(1)), to: Some(time(5_000)), ..none() };
    assert_eq!(count(of_one).await, 1);
}

async fn journals(f: &Fixture, filter: JournalFilter) -> Vec<(UserId, u64)> {
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = f.overview.journals(filter, after, 2).await.expect("the store answers");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { return seen };
        after = Some(JournalCursor { user: last.entry.user, seq: last.entry.seq });
        seen.extend(page.iter().map(|line| (line.entry.user, line.entry.seq)));
    }
}

pub async fn journals_are_read_account_by_account(f: &Fixture) {
    let mut expected = Vec::new();
    for number in 1..=6 {
        for seq in 1..=3 {
            f.granted(grant(user(number), &format!("p{seq}")).at(100 - i64::from(number))).await;
            expected.push((user(number), seq));
        }
    }
    f.adjusted(adjust(user(2), "a", -5)).await;
    expected.push((user(2), 4));
    expected.sort_by_key(|(user, seq)| (user.lane(), *user, *seq));
    assert_eq!(journals(f, JournalFilter::default()).await, expected);
    let last =
        f.overview.journals(JournalFilter { user: Some(user(2)), ..JournalFilter::default() }, None, 10);
    let last = last.await.expect("it answers").pop().expect("an entry");
    assert_eq!(last.note.as_deref(), Some("a correction"));
}

pub async fn journals_are_filtered_by_user_and_time(f: &Fixture) {
    for (number, secs) in [(1, 10), (1, 20), (2, 20), (1, 30), (3, 30)] {
        f.granted(grant(user(number), &format!("p{secs}")).at(secs)).await;
    }
    let none = JournalFilter::default;
    let of = |number| JournalFilter { user: Some(user(number)), ..none() };
    assert_eq!(journals(f, of(1)).await, [(user(1), 1), (user(1), 2), (user(1), 3)]);
    assert_eq!(journals(f, of(9)).await, []);
    let between = JournalFilter { from: Some(time(20)), to: Some(time(30)), ..of(1) };
    assert_eq!(journals(f, between).await, [(user(1), 2)]);
    assert_eq!(journals(f, JournalFilter { user: None, ..between }).await.len(), 2);
    assert_eq!(journals(f, JournalFilter { from: Some(time(30)), ..none() }).await.len(), 2);
}

pub async fn notices_of_everybody_are_read_page_by_page_newest_first(f: &Fixture) {
    for (number, secs) in [(1, 10), (2, 20), (3, 20), (4, 20), (5, 30)] {
        let id = f.pack_opened(user(number)).await;
        f.observed(news(user(number), id).paid().at(secs)).await;
    }
    let id = f.pack_opened(user(6)).await;
    f.observed(news(user(6), id).paid().fraud("issfr_1").at(25)).await;

    let name =
        |it: &domain::billing::notice::Notice| format!("{}:{}:{}", it.user, it.kind.as_str(), it.subject);
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = f.overview.all_notices(before, 2).await.expect("the store answers");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        before = Some(PageEnd { at: last.at, name: name(last) });
        seen.extend(page);
    }
    let mut sorted = seen.clone();
    sorted.sort_by_key(|it| std::cmp::Reverse((it.at, name(it))));
    assert_eq!(seen, sorted);
    assert_eq!(seen.len(), 7);
    assert!(seen.iter().any(|it| it.kind == NoticeKind::FraudWarning), "admins' too");
}

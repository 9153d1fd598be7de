//! Statements of one account.

use domain::ledger::command::VoidRequest;
use domain::ledger::journal::EntryKind;
use domain::ledger::usage::Outcome;
use domain::ports::statements::UsageCursor;

use crate::Fixture;
use crate::requests::{At, GrantExt, adjust, grant, hold, settle, user, void};
use crate::time::time;

pub async fn reading_a_user_who_was_never_seen_makes_no_account(f: &Fixture) {
    assert_eq!(f.statements.account(user(1), time(0)).await, Ok(None));
    assert!(f.journal(user(1)).await.is_empty());
    assert!(f.usage(user(1)).await.is_empty());
    assert!(f.books.account_books(user(1)).await.expect("the store answers").is_none());
}

pub async fn the_journal_is_read_page_by_page_newest_first(f: &Fixture) {
    for number in 1..=7 {
        f.granted(grant(user(1), &format!("p{number}")).of(number).at(number)).await;
    }
    f.granted(grant(user(2), "p")).await;
    let page = async |before, limit| {
        let lines = f.statements.journal(user(1), before, limit).await.expect("the store answers");
        lines.into_iter().map(|line| line.entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 3).await, [7, 6, 5]);
    assert_eq!(page(Some(5), 3).await, [4, 3, 2]);
    assert_eq!(page(Some(2), 3).await, [1]);
    assert!(page(Some(1), 3).await.is_empty());
    assert!(page(None, 0).await.is_empty());
}

pub async fn journal_entries_come_with_their_notes(f: &Fixture) {
    f.granted(grant(user(1), "p").because("welcome")).await;
    f.granted(grant(user(1), "q")).await;
    f.adjusted(adjust(user(1), "a", -5)).await;
    let lines = f.statements.journal(user(1), None, 10).await.expect("the store answers");
    let seen: Vec<_> = lines.iter().map(|line| (line.entry.kind, line.note.as_deref())).collect();
    let [adjusted, granted, welcomed] = seen[..] else { panic!("three lines: {seen:?}") };
    assert_eq!(adjusted, (EntryKind::Adjust, Some("a correction")));
    assert_eq!(granted, (EntryKind::Grant, None));
    assert_eq!(welcomed, (EntryKind::Grant, Some("welcome")));
    assert_eq!(lines[1].entry.note_hash, None);
}

/// Rows of the same time are told apart by their hold, also across pages.
pub async fn requests_that_broke_off_are_counted_from_a_time_on(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    for at in [10, 20, 30] {
        let held = f.held(hold(user(1)).at(at)).await;
        f.voided(VoidRequest { outcome: Outcome::BrokenOff, ..void(user(1), held.hold).at(at) }).await;
    }
    let other = f.held(hold(user(1)).at(40)).await;
    f.voided(void(user(1), other.hold).at(40)).await;
    for (since, count) in [(0, 3), (20, 2), (31, 0)] {
        assert_eq!(f.statements.broken_off_since(user(1), time(since)).await, Ok(count), "{since}");
    }
    assert_eq!(f.statements.broken_off_since(user(2), time(0)).await, Ok(0));
}

pub async fn usage_is_read_page_by_page_newest_first(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    f.granted(grant(user(2), "p").of(1000)).await;
    let mut expected = Vec::new();
    for secs in [1, 2, 2, 2, 2, 3] {
        let held = f.held(hold(user(1))).await;
        f.settled(settle(user(1), held.hold).at(secs)).await;
        expected.push((time(secs), held.hold));
        let other = f.held(hold(user(2))).await;
        f.settled(settle(user(2), other.hold).at(secs)).await;
    }
    expected.sort();
    expected.reverse();

    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = f.statements.usage(user(1), before, 2).await.expect("the store answers");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        before = Some(UsageCursor { at: last.at, hold: last.hold });
        seen.extend(page.iter().map(|row| (row.at, row.hold)));
    }
    assert_eq!(seen, expected);
}

pub async fn every_fact_of_a_request_is_kept(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    for outcome in Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Settled) {
        let held = f.held(hold(user(1))).await;
        let mut request = void(user(1), held.hold);
        request.outcome = outcome;
        request.facts.estimated = true;
        "ação-😀".clone_into(&mut request.facts.model);
        f.voided(request.clone()).await;
        let usage = f.usage(user(1)).await;
        let row = usage.iter().find(|row| row.hold == held.hold).expect("its row");
        assert_eq!((row.outcome, &row.facts), (outcome, &request.facts));
    }
}

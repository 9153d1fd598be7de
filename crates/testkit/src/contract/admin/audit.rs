//! Acts that are written down where they are done.

use domain::audit::{self, AuditEntry, AuditNote, AuditState, RecordRequest};
use domain::ledger::account::SuspensionSource;
use domain::ledger::command::{Command, Receipt, Refusal};
use domain::ports::audit::{AuditCursor, AuditFilter};

use crate::Fixture;
use crate::acts::{must, refused};
use crate::requests::billing::{NewsExt, news};
use crate::requests::{
    At, GrantExt, HoldExt, SettleExt, adjust, grant, hold, note, resume, settle, suspend, user,
};
use crate::time::{moment, time};

async fn entries(f: &Fixture) -> Vec<AuditEntry> {
    f.audit.audit(AuditFilter::default(), None, 100).await.expect("the store answers")
}

async fn done(f: &Fixture, note: AuditNote, act: Command) -> Receipt {
    must(f.recorder.act(note, act).await)
}

pub async fn an_act_is_written_down_with_what_it_changed(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let about = note(audit::CREDITS_ADJUST, user(1));
    let receipt = done(f, about.clone(), Command::Adjust(adjust(user(1), "a", -30).at(5))).await;
    assert!(matches!(receipt, Receipt::Posted(_)), "{receipt:?}");
    let state = |total: i64| {
        let sums = AuditState::new().int("total_credits", total).int("used_credits", 0);
        sums.int("available_credits", total).int("owed_credits", 0).text("plan_type", "free")
    };
    let (before, after) = (Some(state(100)), Some(state(70)));
    assert_eq!(
        entries(f).await,
        [AuditEntry { note: about, user: Some(user(1)), at: time(5), before, after }]
    );
    assert_eq!(f.sums(user(1), 5).await[0], 70);
}

pub async fn what_was_due_anyway_is_not_the_acts_doing(f: &Fixture) {
    f.granted(grant(user(1), "p").due(50)).await;
    done(f, note(audit::CREDITS_GRANT, user(1)), Command::Grant(grant(user(1), "q").of(7).at(60))).await;
    let seen = entries(f).await;
    let before = seen[0].before.as_ref().expect("a state").as_str();
    assert!(before.contains("\"total_credits\":0"), "{before}");
}

pub async fn a_refused_act_leaves_no_entry(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let act = Command::Adjust(adjust(user(1), "a", -101));
    let refusal = refused(f.recorder.act(note(audit::CREDITS_ADJUST, user(1)), act).await);
    assert!(matches!(refusal, Refusal::NotEnough { .. }), "{refusal:?}");
    assert!(entries(f).await.is_empty());
}

pub async fn an_act_that_was_done_before_leaves_no_second_entry(f: &Fixture) {
    for _ in 0..2 {
        let act = Command::Grant(grant(user(1), "q").of(7));
        done(f, note(audit::CREDITS_GRANT, user(1)), act).await;
    }
    assert_eq!(entries(f).await.len(), 1);
}

pub async fn suspending_and_resuming_are_written_down_once(f: &Fixture) {
    let admin = SuspensionSource::admin();
    for secs in [1, 2] {
        let act = Command::Suspend(suspend(user(1), admin.clone()).at(secs));
        done(f, note(audit::ACCOUNT_SUSPEND, user(1)), act).await;
    }
    for secs in [3, 4] {
        let act = Command::Resume(resume(user(1), admin.clone()).at(secs));
        done(f, note(audit::ACCOUNT_RESUME, user(1)), act).await;
    }
    let seen = entries(f).await;
    let (none, one) = ("{\"suspensions\":[]}", "{\"suspensions\":[\"admin\"]}");
    let states: Vec<_> = seen
        .iter()
        .map(|it| {
            (it.at, it.before.as_ref().map(AuditState::as_str), it.after.as_ref().map(AuditState::as_str))
        })
        .collect();
    assert_eq!(states, [(time(3), Some(one), Some(none)), (time(1), Some(none), Some(one))]);
    // Of a user who was never seen there is nothing to resume.
    done(f, note(audit::ACCOUNT_RESUME, user(2)), Command::Resume(resume(user(2), admin))).await;
    assert_eq!(entries(f).await.len(), 2);
}

/// Also where no credits are left to move.
pub async fn a_refund_is_written_down_with_the_purchase(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    let held = f.held(hold(user(1)).exactly(5000)).await;
    f.settled(settle(user(1), held.hold).charge(5000)).await;
    let act = Command::ObservePayment(Box::new(news(user(1), id).by_hand("k", 1000).at(5)));
    done(f, note(audit::REFUND, user(1)), act).await;
    let seen = entries(f).await;
    let shown = |state: &Option<AuditState>| state.clone().expect("a state").as_str().to_owned();
    let (before, after) = (shown(&seen[0].before), shown(&seen[0].after));
    assert!(before.contains("\"status\":\"paid\",\"returned_minor\":0"), "{before}");
    assert!(after.contains("\"status\":\"partly_refunded\",\"returned_minor\":1000"), "{after}");
}

pub async fn an_act_without_a_known_state_is_written_down(f: &Fixture) {
    f.pack_paid(user(1)).await;
    let act = Command::Hold(hold(user(1)).exactly(10));
    done(f, note("credits.hold", user(1)), act).await;
    let seen = entries(f).await;
    assert_eq!((seen.len(), &seen[0].before, &seen[0].after), (1, &None, &None));
}

pub async fn something_else_is_written_down_once_for_its_id(f: &Fixture) {
    let before = Some(AuditState::new().text("url", "https://a.example/\"x\""));
    let mut about = note("setting.change", user(1));
    "setting:alert_webhook".clone_into(&mut about.target);
    about.reason = None;
    let request = RecordRequest {
        note: about.clone(),
        user: None,
        before: before.clone(),
        after: None,
        now: moment(7),
    };
    for _ in 0..2 {
        must(f.recorder.record(request.clone()).await);
    }
    let entry = AuditEntry { note: about, user: None, at: time(7), before, after: None };
    assert_eq!(entries(f).await, [entry]);
    assert!(f.books.account_books(user(1)).await.expect("it answers").is_none(), "and makes no account");
}

pub async fn many_acts_at_once_are_all_written_down(f: &Fixture) {
    let acts = (1..=40).map(|number| {
        let (recorder, who) = (f.recorder.clone(), user(number % 5 + 1));
        let act = Command::Grant(grant(who, &format!("p{number}")).of(1).at(i64::from(number)));
        tokio::spawn(async move { recorder.act(note(audit::CREDITS_GRANT, who), act).await })
    });
    for act in acts.collect::<Vec<_>>() {
        must(act.await.expect("no panic"));
    }
    assert_eq!(entries(f).await.len(), 40);
}

async fn some_entries(f: &Fixture) {
    for (number, secs) in [(1, 1), (2, 2), (1, 2), (3, 2), (1, 3)] {
        let act = Command::Grant(grant(user(number), &format!("p{secs}")).at(secs));
        done(f, note(audit::CREDITS_GRANT, user(number)), act).await;
    }
    let mut by_hand = note(audit::ACCOUNT_SUSPEND, user(1));
    by_hand.by.actor = domain::ledger::account::Actor::operator();
    done(f, by_hand, Command::Suspend(suspend(user(1), SuspensionSource::admin()).at(4))).await;
}

pub async fn entries_are_read_page_by_page_newest_first(f: &Fixture) {
    some_entries(f).await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = f.audit.audit(AuditFilter::default(), before, 2).await.expect("the store answers");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        before = Some(AuditCursor { at: last.at, id: last.note.id });
        seen.extend(page);
    }
    let mut sorted = seen.clone();
    sorted.sort_by_key(|it| std::cmp::Reverse((it.at, it.note.id)));
    assert_eq!(seen, sorted);
    assert_eq!(seen.len(), 6);
}

pub async fn entries_are_filtered(f: &Fixture) {
    some_entries(f).await;
    let count =
        async |filter: AuditFilter| f.audit.audit(filter, None, 100).await.expect("the store answers").len();
    let none = AuditFilter::default;
    assert_eq!(count(AuditFilter { actor: Some("operator".to_owned()), ..none() }).await, 1);
    assert_eq!(count(AuditFilter { actor: Some("op\0".to_owned()), ..none() }).await, 0);
    assert_eq!(count(AuditFilter { target: Some(audit::user_target(user(1))), ..none() }).await, 4);
    assert_eq!(count(AuditFilter { action: Some(audit::ACCOUNT_SUSPEND.to_owned()), ..none() }).await, 1);
    assert_eq!(count(AuditFilter { user: Some(user(1)), ..none() }).await, 4);
    assert_eq!(count(AuditFilter { from: Some(time(2)), to: Some(time(3)), ..none() }).await, 3);
    let both = AuditFilter { user: Some(user(1)), from: Some(time(2)), to: Some(time(4)), ..none() };
    assert_eq!(count(both).await, 2);
}

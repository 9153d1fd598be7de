//! Closing an account for good.

use domain::audit::ACCOUNT_SUSPEND;
use domain::billing::purchase::ReturnState;
use domain::ledger::account::SuspensionSource;
use domain::ledger::command::{Closed, Command, Refusal};
use domain::ledger::journal::EntryKind;
use domain::ports::audit::AuditFilter;

use crate::Fixture;
use crate::acts::{must, refused};
use crate::requests::api_keys::{ApiKeyExt, api_key, revoke};
use crate::requests::billing::{
    NewsExt, OpenExt, SubscriptionExt, auto_top_up, news, open, subscribe, subscription,
};
use crate::requests::{
    AlertsExt, At, CloseExt, GrantExt, HoldExt, SettleExt, adjust, alerts, close, credits, grant, hold, note,
    resume, settle, suspend, user, void,
};
use crate::time::{DAY, time};

pub async fn credits_that_are_left_refuse_closing_unless_they_are_given_up(f: &Fixture) {
    f.granted(grant(user(1), "p").of(70)).await;
    let left = Refusal::CreditsRemain { available: credits(70) };
    assert_eq!(refused(f.ledger.close_account(close(user(1))).await), left);
    assert_eq!(f.account(user(1), 0).await.closed_at, None);
    let closed = must(f.ledger.close_account(close(user(1)).forfeiting().at(5)).await);
    assert_eq!(closed, Closed { at: time(5), forfeited: credits(70), repeated: false });
    assert_eq!(f.sums(user(1), 5).await, [0, 0, 0, 0, 0]);
    let entry = &f.journal(user(1)).await[0];
    assert_eq!(
        (entry.kind, entry.amount, entry.source.as_str()),
        (EntryKind::Adjust, credits(-70), "closure")
    );
    assert_eq!(entry.actor.as_str(), format!("user:{}", user(1)));
    assert_eq!(f.account(user(1), 5).await.closed_at, Some(time(5)));
}

pub async fn closing_twice_answers_when_it_was_closed(f: &Fixture) {
    f.granted(grant(user(1), "p").of(70)).await;
    must(f.ledger.close_account(close(user(1)).forfeiting().at(5)).await);
    for again in [close(user(1)).at(9), close(user(1)).forfeiting().at(10)] {
        let closed = must(f.ledger.close_account(again).await);
        assert_eq!(closed, Closed { at: time(5), forfeited: credits(0), repeated: true });
    }
    assert_eq!(f.journal(user(1)).await.len(), 2);
}

pub async fn a_user_who_was_never_seen_can_close(f: &Fixture) {
    assert_eq!(must(f.ledger.close_account(close(user(1)).at(3)).await).at, time(3));
    assert_eq!(f.personal.is_closed(user(1)).await, Ok(true));
    assert_eq!(f.personal.is_closed(user(2)).await, Ok(false));
    assert_eq!(f.hold_refused(hold(user(1)).at(4)).await, Refusal::Closed);
}

pub async fn running_requests_refuse_closing_whatever_is_given_up(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1))).await;
    for asked in [close(user(1)), close(user(1)).forfeiting()] {
        assert_eq!(refused(f.ledger.close_account(asked).await), Refusal::RequestsRunning);
    }
    f.voided(void(user(1), held.hold)).await;
    must(f.ledger.close_account(close(user(1)).forfeiting()).await);
}

pub async fn a_hold_that_is_past_its_time_does_not_refuse_closing(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).lasting(5)).await;
    must(f.ledger.close_account(close(user(1)).forfeiting().at(5)).await);
}

pub async fn a_subscription_that_renews_refuses_closing_whatever_is_given_up(f: &Fixture) {
    let begun = f.opened(subscribe(user(1))).await.purchase.id;
    f.observed(news(user(1), begun).invoiced("in_1", 30 * DAY).month_paid()).await;
    for asked in [close(user(1)), close(user(1)).forfeiting()] {
        assert_eq!(refused(f.ledger.close_account(asked).await), Refusal::SubscriptionRenews);
    }
    assert!(f.heard(subscription(user(1), "sub_1").cancelled().at(1)).await);
    f.adjusted(adjust(user(1), "a", -20_000).at(2)).await;
    assert_eq!(refused(f.ledger.close_account(close(user(1)).at(3)).await), Refusal::SubscriptionPaid);
    must(f.ledger.close_account(close(user(1)).forfeiting().at(3)).await);
}

pub async fn what_is_owed_does_not_refuse_closing(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(60)).await;
    f.settled(settle(user(1), held.hold).charge(60)).await;
    f.clawed_back(crate::requests::claw_back(user(1), "p", 100, 100)).await;
    assert_eq!(must(f.ledger.close_account(close(user(1))).await).forfeited, credits(0));
    assert_eq!(f.sums(user(1), 0).await, [0, 60, 0, 0, 60]);
}

pub async fn a_closed_account_does_nothing_more(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    must(f.ledger.close_account(close(user(1)).forfeiting()).await);
    assert_eq!(f.hold_refused(hold(user(1)).at(1)).await, Refusal::Closed);
    assert_eq!(f.open_refused(open(user(1)).at(1)).await, Refusal::Closed);
    assert_eq!(refused(f.till.set_top_up(auto_top_up(user(1)).at(1)).await), Refusal::Closed);
    assert_eq!(refused(f.ledger.set_alerts(alerts(user(1)).at(1)).await), Refusal::Closed);
    assert_eq!(f.adjust_refused(adjust(user(1), "a", 5).at(1)).await, Refusal::Closed);
    let mut gift = grant(user(1), "b").at(1);
    gift.source.kind = domain::ledger::lots::SourceKind::Bonus;
    assert_eq!(f.grant_refused(gift).await, Refusal::Closed);
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin()).at(2)).await);
    must(f.ledger.resume(resume(user(1), SuspensionSource::admin()).at(3)).await);
}

pub async fn a_payment_after_closing_is_granted_and_admins_are_told(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    must(f.ledger.close_account(close(user(1)).at(1)).await);
    let receipt = f.observed(news(user(1), id).paid().at(2)).await;
    assert!(receipt.purchase.paid_at.is_some());
    assert_eq!(f.sums(user(1), 2).await, [5000, 0, 0, 5000, 0]);
    assert_eq!(f.hold_refused(hold(user(1)).at(3)).await, Refusal::Closed);
    assert!(f.told(user(1)).await.is_empty(), "nobody is there to be told");
    let claimed = f.outbox.claim(domain::ports::notices::Channel::Email, time(3), time(4), 10).await;
    let kinds: Vec<_> =
        claimed.expect("the store answers").iter().map(|it| it.notice.kind.as_str()).collect();
    assert_eq!(kinds, ["paid_after_closing"]);
    let refunded = news(user(1), id).refunded(2900, 4).at(4);
    f.observed(refunded).await;
    assert_eq!(f.sums(user(1), 4).await, [0, 0, 0, 0, 0], "a refund takes it back");
    assert!(must(f.ledger.close_account(close(user(1)).at(5)).await).repeated);
}

pub async fn closing_switches_automatic_top_up_off(f: &Fixture) {
    f.top_up_set(auto_top_up(user(1))).await;
    assert_eq!(f.purchases.low_on_credits(10).await, Ok(vec![user(1)]));
    must(f.ledger.close_account(close(user(1))).await);
    assert!(!f.top_up(user(1)).await.settings.enabled);
    assert_eq!(f.purchases.low_on_credits(10).await, Ok(Vec::new()));
}

/// Those that ended before ended when they did.
pub async fn closing_ends_api_keys_and_forgets_their_names(f: &Fixture) {
    let make = async |request| must(f.ledger.create_api_key(request).await).id;
    let (plain, capped) = (make(api_key(user(1))).await, make(api_key(user(1)).capped(5).until(90)).await);
    let (revoked, expired) = (make(api_key(user(1))).await, make(api_key(user(1)).until(4)).await);
    let other = make(api_key(user(2))).await;
    must(f.ledger.revoke_api_key(revoke(user(1), revoked).at(2)).await);
    must(f.ledger.close_account(close(user(1)).at(5)).await);
    for (id, since) in [(plain, Some(5)), (capped, Some(5)), (revoked, Some(2)), (expired, None)] {
        for book in f.api_key_books() {
            let key = book.api_key(id).await.expect("the store answers").expect("keys stay");
            assert_eq!((key.revoked_at, key.name.as_str()), (since.map(time), ""));
            assert!(!key.is_live(time(5)));
        }
    }
    assert_eq!(f.hold_refused(hold(user(1)).under(plain).at(6)).await, Refusal::Closed);
    let another = f.ledger.create_api_key(api_key(user(1)).at(6)).await;
    assert_eq!(refused(another), Refusal::Closed);
    let key = f.api_keys.api_key(other).await.expect("the store answers").expect("made");
    assert_eq!((key.revoked_at, key.name.as_str()), (None, "a program"));
}

pub async fn an_open_dispute_goes_on_after_closing(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Open, 1).at(1)).await;
    must(f.ledger.close_account(close(user(1)).at(2)).await);
    assert!(f.account(user(1), 2).await.suspended);
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Won, 3).at(3)).await;
    assert!(!f.account(user(1), 3).await.suspended);
    assert_eq!(f.sums(user(1), 3).await, [5000, 0, 0, 5000, 0]);
}

pub async fn a_late_settlement_after_closing_is_free_and_keeps_nothing(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let (plain, keyed) = (hold(user(1)).lasting(5), hold(user(1)).lasting(5).keyed("k"));
    let (plain_id, keyed_id) = (plain.id, keyed.id);
    f.held(plain).await;
    f.held(keyed).await;
    let bought = f.pack_opened(user(1)).await;
    must(f.ledger.close_account(close(user(1)).forfeiting().at(6)).await);
    f.observed(news(user(1), bought).paid().at(6)).await;
    for late in [
        settle(user(1), plain_id).charge(10).keeping("question", "answer").at(7),
        settle(user(1), keyed_id).charge(10).answered("k", "answer").keeping("question", "answer").at(7),
    ] {
        assert_eq!(f.settled(late).await.charged, credits(0));
    }
    assert_eq!(f.books.content_older_than(time(100)).await, Ok(0));
    assert_eq!(f.personal.keys(user(1), None, 10).await, Ok(Vec::new()));
    assert_eq!(f.usage(user(1)).await.len(), 2);
}

pub async fn closing_erases_what_is_personal_and_leaves_the_books(f: &Fixture) {
    let bought = f.opened(open(user(1)).keyed("my-own-words")).await.purchase.id;
    for who in [user(1), user(2)] {
        f.granted(grant(who, "p").of(1000).because("the reason")).await;
        let held = f.held(hold(who).exactly(990).keyed("client-words")).await;
        let answered = settle(who, held.hold).charge(990).answered("client-words", "the answer");
        f.settled(answered.keeping("the question", "the answer")).await;
        must(f.ledger.set_alerts(alerts(who).to("a@example.com").below(50)).await);
        let stopped = Command::Suspend(suspend(who, SuspensionSource::admin()));
        must(f.recorder.act(note(ACCOUNT_SUSPEND, who), stopped).await);
    }
    let before = f.books_of(user(1)).await;
    must(f.ledger.close_account(close(user(1)).forfeiting().at(9)).await);

    let lines = f.statements.journal(user(1), None, 10).await.expect("the store answers");
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.note.is_none()));
    assert!(lines.iter().any(|line| line.entry.note_hash.is_some()), "the chain has its hash");
    assert!(f.told(user(1)).await.is_empty());
    assert_eq!(f.personal.texts(user(1), None, 10).await, Ok(Vec::new()));
    assert_eq!(f.personal.keys(user(1), None, 10).await, Ok(Vec::new()));
    assert!(f.personal.contact(user(1)).await.expect("the store answers").email.is_none());
    assert_eq!(f.account(user(1), 9).await.alert_threshold, None);
    let suspensions = f.personal.suspensions(user(1)).await.expect("the store answers");
    let [suspension] = suspensions.as_slice() else { panic!("still suspended: {suspensions:?}") };
    assert_eq!((suspension.source.as_str(), suspension.reason.as_str()), ("admin", ""));
    let acts = f.audit.audit(AuditFilter::default(), None, 10).await.expect("the store answers");
    let reasons: Vec<_> = acts.iter().map(|entry| (entry.user, entry.note.reason.as_deref())).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons.contains(&(Some(user(1)), None)), "the act stands, without its reason: {reasons:?}");
    assert!(reasons.contains(&(Some(user(2)), Some("por cortesia"))), "{reasons:?}");
    let after = f.books_of(user(1)).await;
    assert!(after.holds.iter().all(|hold| hold.key.is_none()));
    assert!(f.purchase(bought).await.key.is_none());
    assert_eq!(after.journal[..2], before.journal[..]);
    assert_eq!((after.holds.len(), after.settled_usage), (before.holds.len(), before.settled_usage));
    for channel in domain::ports::notices::Channel::ALL {
        let due = f.outbox.claim(channel, time(9), time(10), 10).await.expect("the store answers");
        assert!(due.iter().all(|delivery| delivery.notice.user == user(2)), "{due:?}");
        assert_eq!(due.len(), 1, "the other user is told");
    }

    assert_eq!(f.personal.texts(user(2), None, 10).await.map(|texts| texts.len()), Ok(1));
    assert_eq!(f.personal.keys(user(2), None, 10).await.map(|keys| keys.len()), Ok(1));
    assert_eq!(f.told(user(2)).await.len(), 1);
    assert!(f.personal.contact(user(2)).await.expect("the store answers").email.is_some());
    let other = f.personal.suspensions(user(2)).await.expect("the store answers");
    assert_eq!(other[0].reason, "a reason");
}

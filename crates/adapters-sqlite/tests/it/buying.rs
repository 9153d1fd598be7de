//! Purchases, subscriptions, profiles and notices on a file: what was written is what is read.

use domain::billing::notice::NoticeKind;
use domain::billing::offer::Offer;
use domain::billing::profile::{BillingProfile, TopUp};
use domain::billing::purchase::{Names, Progress, Purchase, ReturnState};
use domain::ids::UserId;
use domain::ledger::command::{ObservePaymentRequest, PaymentReceipt};
use domain::ports::billing::{PageEnd, PurchaseBook, PurchaseName, Till};
use domain::ports::ledger::Ledger;
use domain::ports::statements::Statements;
use testkit::requests::billing::{
    NewsExt, OpenExt, SubscriptionExt, auto_top_up, invoice, monthly, new_purchase_id, news, open, pack,
    subscription, top_up,
};
use testkit::requests::{At, GrantExt, credits, grant, user};
use testkit::time::{DAY, secs, time};

use crate::harness::Place;

async fn observed(till: &impl Till, request: ObservePaymentRequest) -> Purchase {
    match till.observe(request).await.expect("taken in") {
        PaymentReceipt::Purchase(receipt) => receipt.purchase,
        other => panic!("no purchase, but {other:?}"),
    }
}

/// Every name a purchase can have.
fn all_names() -> Names {
    let name = |text: &str| Some(text.to_owned());
    Names {
        session: name("cs_1"),
        customer: name("cus_1"),
        intent: name("pi_1"),
        charge: name("ch_1"),
        invoice: name("in_1"),
        subscription: name("sub_1"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_found_by_each_of_its_names_just_as_it_was_answered() {
    let place = Place::new();
    let (store, writer) = place.open();
    let terms = Offer { expires_after_days: Some(90), ..pack() };
    let id = store.open(open(user(1)).of(terms).keyed("k")).await.expect("written down").purchase.id;
    let mut all = news(user(1), id).names(all_names()).dispute("dp_1", 700, ReturnState::Won, 8);
    all.facts.url = Some("https://pay.example/cs_1".to_owned());
    all.facts.expires_at = Some(time(1800));
    all.facts.method = Some("boleto".to_owned());
    observed(&store, all).await;
    let last = news(user(1), id).paid().refunded(300, 7).by_hand("refund-1", 200).at(9);
    let answered = observed(&store, last).await;
    assert_eq!(answered.progress, Progress::Paid);
    assert_eq!((answered.returns.len(), answered.refunded_minor), (2, 300));
    writer.shutdown(std::time::Duration::from_secs(10)).await;
    drop(store);

    let (store, _writer) = place.open();
    for name in [
        PurchaseName::Id(id),
        PurchaseName::Session("cs_1".to_owned()),
        PurchaseName::Intent("pi_1".to_owned()),
        PurchaseName::Charge("ch_1".to_owned()),
        PurchaseName::Invoice("in_1".to_owned()),
    ] {
        let found = store.purchase(name.clone()).await.expect("the store answers");
        assert_eq!(found.as_ref(), Some(&answered), "{name:?}");
    }
    let nobody = PurchaseName::Id(new_purchase_id(user(1)));
    assert_eq!(store.purchase(nobody).await, Ok(None));
    assert_eq!(store.purchases(Some(user(1)), None, 10).await, Ok(vec![answered]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_purchase_hands_its_key_over_in_one_commit() {
    let place = Place::new();
    let (store, _writer) = place.open();
    let first = store.open(open(user(1)).keyed("k")).await.expect("written down").purchase;
    let again = store.open(open(user(1)).keyed("k").at(DAY - 1)).await.expect("answered");
    assert_eq!((again.purchase.id, again.repeated), (first.id, true));

    let later = store.open(open(user(1)).keyed("k").at(DAY + 1)).await.expect("written down");
    assert!(!later.repeated && later.purchase.id != first.id);
    let first = store.purchase(PurchaseName::Id(first.id)).await.expect("the store answers").expect("there");
    assert_eq!(first.key, None);
    let again = store.open(open(user(1)).keyed("k").at(DAY + 2)).await.expect("answered");
    assert_eq!(again.purchase.id, later.purchase.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_purchase_of_a_user_makes_the_account() {
    let place = Place::new();
    let (store, _writer) = place.open();
    store.open(open(user(1)).at(5)).await.expect("written down");
    store.set_top_up(auto_top_up(user(2))).await.expect("kept");
    for number in [1, 2] {
        let account = store.account(user(number), time(9)).await.expect("the store answers");
        assert_eq!(account.expect("there").balances.total, credits(0));
    }
    let refused = store.observe(news(user(3), new_purchase_id(user(3))).paid()).await;
    assert!(refused.is_err());
    assert_eq!(store.account(user(3), time(9)).await, Ok(None), "a refusal leaves no account behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_read_as_it_was_written_and_carries_the_plan() {
    let place = Place::new();
    let (store, _writer) = place.open();
    let month = invoice(user(1), "in_1", 30 * DAY).month_paid().at(1);
    let renewal = observed(&store, month.clone()).await;
    store.observe_subscription(subscription(user(1), "sub_1").seen_at(2)).await.expect("taken in");
    let twice = observed(&store, month).await;
    assert_eq!(twice, renewal);

    let kept = store.subscription("sub_1").await.expect("the store answers").expect("there");
    assert_eq!(kept.offer, monthly());
    assert_eq!((kept.purchase, kept.paid_until), (renewal.id, Some(time(30 * DAY))));
    assert_eq!((kept.status.as_str(), kept.as_of, kept.created_at), ("active", time(2), time(1)));
    assert_eq!(store.subscriptions(user(1)).await, Ok(vec![kept]));
    assert_eq!(store.subscription("sub_2").await, Ok(None));

    let during = store.account(user(1), time(DAY)).await.expect("the store answers").expect("there");
    assert_eq!((during.plan.as_str(), during.renewal), ("professional", Some(time(30 * DAY))));
    let after = store.account(user(1), time(40 * DAY)).await.expect("the store answers").expect("there");
    assert_eq!((after.plan.as_str(), after.renewal), ("free", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_read_as_it_was_written() {
    let place = Place::new();
    let (store, _writer) = place.open();
    assert_eq!(store.profile(user(1)).await, Ok(BillingProfile::of_newcomer(user(1))));
    let set = store.set_top_up(auto_top_up(user(1))).await.expect("kept");
    assert_eq!(store.profile(user(1)).await, Ok(set.clone()));

    let opened = store.open(top_up(user(1))).await.expect("called for").purchase;
    let named = Names { customer: Some("cus_1".to_owned()), ..Names::default() };
    observed(&store, news(user(1), opened.id).names(named)).await;
    let settings = set.top_up.expect("set").settings;
    let under_way = TopUp {
        settings,
        open: Some(opened.id),
        declines: 0,
        month: testkit::time::moment(0).day.month(),
        month_minor: 2900,
    };
    let expected =
        BillingProfile { user: user(1), customer: Some("cus_1".to_owned()), top_up: Some(under_way) };
    assert_eq!(store.profile(user(1)).await, Ok(expected));
    assert_eq!(store.user_of_customer("cus_1").await, Ok(Some(user(1))));
    assert_eq!(store.user_of_customer("cus_2").await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_low_on_credits_is_found_with_and_without_any() {
    let place = Place::new();
    let (store, _writer) = place.open();
    for number in 1..=4 {
        store.set_top_up(auto_top_up(user(number))).await.expect("kept");
    }
    store.grant(grant(user(2), "p").of(99)).await.expect("granted");
    store.grant(grant(user(3), "p").of(100)).await.expect("granted");
    store.open(top_up(user(4))).await.expect("called for");
    let low = async |limit| {
        let mut found = store.low_on_credits(limit).await.expect("the store answers");
        found.sort_unstable();
        found
    };
    assert_eq!(low(10).await, [user(1), user(2)]);
    assert_eq!(low(1).await.len(), 1);
    let mut off = auto_top_up(user(1));
    off.settings.enabled = false;
    store.set_top_up(off).await.expect("kept");
    assert_eq!(low(10).await, [user(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_purchases_and_notices_follow_each_other_without_gap_or_repetition() {
    let place = Place::new();
    let (store, _writer) = place.open();
    // Three purchases of the same second, and two of another user among them.
    for (number, at) in [(1, 5), (1, 5), (2, 5), (1, 5), (1, 7), (2, 9)] {
        let id = store.open(open(user(number)).at(at)).await.expect("written down").purchase.id;
        observed(&store, news(user(number), id).paid().at(at)).await;
    }
    let by_page = async |whose: Option<UserId>| {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = store.purchases(whose, before, 2).await.expect("the store answers");
            let Some(last) = page.last() else { return seen };
            before = Some(PageEnd { at: last.created_at, name: last.id.to_string() });
            seen.extend(page);
        }
    };
    for (whose, count) in [(Some(user(1)), 4), (Some(user(2)), 2), (None, 6)] {
        let at_once = store.purchases(whose, None, 100).await.expect("the store answers");
        assert_eq!(at_once.len(), count);
        assert!(at_once.is_sorted_by_key(|row| std::cmp::Reverse((row.created_at, row.id))));
        assert_eq!(by_page(whose).await, at_once);
    }

    let at_once = store.notices(user(1), None, 100).await.expect("the store answers");
    assert_eq!(at_once.len(), 4);
    let (mut seen, mut before) = (Vec::new(), None);
    while let page = store.notices(user(1), before, 1).await.expect("the store answers")
        && let Some(last) = page.last()
    {
        before = Some(PageEnd { at: last.at, name: format!("{}:{}", last.kind.as_str(), last.subject) });
        seen.extend(page);
    }
    assert_eq!(seen, at_once);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_told_once_and_has_a_row_in_the_outbox_for_each_channel() {
    let place = Place::new();
    let (store, _writer) = place.open();
    let id = store.open(open(user(1))).await.expect("written down").purchase.id;
    observed(&store, news(user(1), id).paid().at(1)).await;
    observed(&store, news(user(1), id).fraud("issfr_1").at(2)).await;
    observed(&store, news(user(1), id).dispute("dp_1", 2900, ReturnState::Open, 3).at(3)).await;
    let told = store.notices(user(1), None, 10).await.expect("the store answers");
    let kinds: Vec<NoticeKind> = told.iter().map(|notice| notice.kind).collect();
    // The claw-back took the balance to the threshold; the fraud warning is for admins.
    assert!(kinds.contains(&NoticeKind::DisputeOpened) && !kinds.contains(&NoticeKind::FraudWarning));
    let paid = told.iter().find(|notice| notice.kind == NoticeKind::PurchasePaid).expect("told");
    assert_eq!((paid.subject.clone(), paid.at), (id.to_string(), time(1)));
    assert_eq!((paid.details.credits, paid.details.minor), (Some(credits(5000)), Some(2900)));
    assert_eq!(paid.details.balance, Some(credits(5000)));

    let waiting = place.count("SELECT count(*) AS number FROM outbox WHERE state = 'waiting'");
    assert_eq!(waiting, 2 * place.count("SELECT count(*) AS number FROM notices"));
    place.damage("DELETE FROM outbox");
    observed(&store, news(user(1), id).paid().at(50)).await;
    observed(&store, news(user(1), id).dispute("dp_1", 2900, ReturnState::Open, 4).at(60)).await;
    assert_eq!(store.notices(user(1), None, 10).await, Ok(told));
    assert_eq!(place.count("SELECT count(*) AS number FROM outbox"), 0, "what was told is not told again");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_look_up_is_given_to_one_of_many_callers() {
    let place = Place::new();
    let (one, _one) = place.open();
    let (other, _other) = place.open();
    for number in 0..40 {
        one.open(open(user(number % 4)).looked_up(i64::from(number))).await.expect("written down");
    }
    assert_eq!(one.oldest_open().await, Ok(Some(time(0))));
    let callers: Vec<_> = (0..8)
        .map(|number| {
            let server = if number % 2 == 0 { one.clone() } else { other.clone() };
            tokio::spawn(async move { server.claim_lookups(time(100), &[secs(60), secs(600)], 7).await })
        })
        .collect();
    let mut claimed = Vec::new();
    for caller in callers {
        claimed.extend(caller.await.expect("no panic").expect("the store answers"));
    }
    assert_eq!(claimed.len(), 40);
    claimed.sort_by_key(|row| row.id);
    claimed.dedup_by_key(|row| row.id);
    assert_eq!(claimed.len(), 40);
    assert!(claimed.iter().all(|row| row.lookups == 0), "as they were before");

    assert_eq!(one.claim_lookups(time(159), &[secs(60)], 100).await, Ok(Vec::new()));
    let waits = [secs(60), secs(600)];
    let second = one.claim_lookups(time(160), &waits, 100).await.expect("the store answers");
    assert_eq!(second.len(), 40);
    assert!(second.iter().all(|row| row.lookups == 1 && row.next_lookup == Some(time(160))));
    let third = one.claim_lookups(time(760), &waits, 1).await.expect("the store answers");
    assert_eq!(third[0].next_lookup, Some(time(760)));
    let after_the_last = one.purchase(PurchaseName::Id(third[0].id)).await.expect("answers").expect("there");
    assert_eq!((after_the_last.lookups, after_the_last.next_lookup), (3, Some(time(1360))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_is_not_looked_up_any_more() {
    let place = Place::new();
    let (store, _writer) = place.open();
    let paid = store.open(open(user(1)).at(1)).await.expect("written down").purchase.id;
    store.open(open(user(1)).at(2)).await.expect("written down");
    assert_eq!(store.oldest_open().await, Ok(Some(time(1))));
    observed(&store, news(user(1), paid).paid()).await;
    assert_eq!(store.oldest_open().await, Ok(Some(time(2))));
    let claimed = store.claim_lookups(time(1000), &[secs(60)], 10).await.expect("the store answers");
    assert!(claimed.len() == 1 && claimed[0].id != paid);
}

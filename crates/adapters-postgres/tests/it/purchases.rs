//! Purchases: every column comes back as it was written, and each is looked up by one server at a time.

use domain::billing::facts::PaymentFacts;
use domain::billing::purchase::{Names, Purchase, ReturnState};
use domain::clock::Timestamp;
use domain::ids::PurchaseId;
use domain::ledger::command::{PaymentReceipt, PurchaseReceipt};
use domain::ports::billing::{PurchaseBook, PurchaseName, Till};
use domain::ports::ledger::LedgerError;
use testkit::acts::must;
use testkit::requests::billing::{
    NewsExt, OpenExt, SubscriptionExt, auto_top_up, invoice, monthly, news, open as buy, pack, subscription,
};
use testkit::requests::{At, user};
use testkit::time::{DAY, secs, time};

use crate::harness::{Opened, number, open, run};

fn name(text: &str) -> String {
    text.to_owned()
}

fn purchase_of(receipt: PaymentReceipt) -> Purchase {
    match receipt {
        PaymentReceipt::Purchase(receipt) => receipt.purchase,
        other => panic!("no purchase: {other:?}"),
    }
}

async fn stored(opened: &Opened, id: PurchaseId) -> Purchase {
    opened.store.purchase(PurchaseName::Id(id)).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_purchase_comes_back_as_it_was_written_with_all_its_columns() {
    let opened = open().await;
    let mut request = buy(user(1)).keyed("key").at(1);
    request.offer.expires_after_days = Some(30);
    request.livemode = true;
    let id = request.id;
    let PurchaseReceipt { purchase, repeated, .. } = must(opened.store.open(request).await);
    assert!(!repeated);
    assert_eq!(stored(&opened, id).await, purchase);

    let names = Names {
        session: Some(name("cs_1")),
        customer: Some(name("cus_1")),
        intent: Some(name("pi_1")),
        charge: Some(name("ch_1")),
        invoice: Some(name("in_1")),
        subscription: Some(name("sub_1")),
    };
    let mut request = news(user(1), id)
        .paid()
        .names(names)
        .refunded(700, 20)
        .dispute("dp_1", 200, ReturnState::Open, 21)
        .by_hand("r1", 300)
        .at(2);
    request.facts.url = Some(name("https://pay.example/1"));
    request.facts.method = Some(name("boleto"));
    request.facts.expires_at = Some(time(DAY));
    let written = purchase_of(must(opened.store.observe(request).await));
    assert_eq!(written.returns.len(), 2);
    assert_eq!(stored(&opened, id).await, written);

    let later = news(user(1), id).dispute("dp_1", 250, ReturnState::Lost, 30).by_hand("r2", 1).at(3);
    let written = purchase_of(must(opened.store.observe(later).await));
    let returns: Vec<_> = written.returns.iter().map(|each| (each.reference.as_str(), each.minor)).collect();
    assert_eq!(returns, [("dp_1", 250), ("r1", 300), ("r2", 1)]);
    assert_eq!(stored(&opened, id).await, written);
    for other in [
        PurchaseName::Session("cs_1".to_owned()),
        PurchaseName::Intent("pi_1".to_owned()),
        PurchaseName::Charge("ch_1".to_owned()),
        PurchaseName::Invoice("in_1".to_owned()),
    ] {
        assert_eq!(opened.store.purchase(other).await.unwrap(), Some(written.clone()));
    }
    assert_eq!(opened.store.user_of_customer("cus_1").await, Ok(Some(user(1))));
}

#[tokio::test]
async fn a_subscription_comes_back_as_it_was_written() {
    let opened = open().await;
    let store = &opened.store;
    let first = invoice(user(1), "in_1", 30 * DAY).month_paid();
    let id = first.purchase;
    must(store.observe(first.at(5)).await);
    assert!(must(
        store.observe_subscription(subscription(user(1), "sub_1").status("past_due").cancelled()).await
    ));
    let found = store.subscription("sub_1").await.unwrap().unwrap();
    assert_eq!(
        (found.user, found.purchase, &found.offer, found.status.as_str(), found.paid_until),
        (user(1), id, &monthly(), "past_due", Some(time(30 * DAY)))
    );
    assert_eq!((found.cancel_at_period_end, found.ended), (true, false));
    assert_eq!((found.as_of, found.created_at), (time(1), time(5)));
    assert_eq!(store.subscriptions(user(1)).await, Ok(vec![found]));
    assert_eq!(store.subscriptions(user(2)).await, Ok(vec![]));
}

#[tokio::test]
async fn a_profile_comes_back_as_it_was_written() {
    let opened = open().await;
    let written = must(opened.store.set_top_up(auto_top_up(user(1))).await);
    assert_eq!(opened.store.profile(user(1)).await, Ok(written));
    assert_eq!(opened.store.low_on_credits(10).await, Ok(vec![user(1)]));
}

#[tokio::test]
async fn a_key_that_is_a_day_old_names_a_new_purchase_in_the_commit_that_takes_it_from_the_old_one() {
    let opened = open().await;
    let old = must(opened.store.open(buy(user(1)).keyed("key")).await).purchase;
    let new = must(opened.store.open(buy(user(1)).keyed("key").at(DAY + 1)).await);
    assert!(!new.repeated);
    assert_eq!(stored(&opened, old.id).await.key, None);
    assert_eq!(stored(&opened, new.purchase.id).await, new.purchase);
}

#[tokio::test]
async fn a_purchase_that_vanishes_before_it_is_written_is_an_error_and_no_silence() {
    let opened = open().await;
    let purchase = must(opened.store.open(buy(user(1))).await).purchase;
    // Hides the row from updates, but not from reads.
    let hide = "CREATE RULE hidden AS ON UPDATE TO purchases DO INSTEAD NOTHING";
    run(&mut opened.plain().await, hide).await.unwrap();
    let result = opened.store.observe(news(user(1), purchase.id).paid()).await;
    assert!(matches!(result, Err(LedgerError::Unavailable(_))), "{result:?}");
    let lots = number(&mut opened.plain().await, "SELECT count(*) AS number FROM credit_grants").await;
    assert_eq!(lots, 0);
}

#[tokio::test]
async fn a_claim_leaves_what_another_has_locked_and_waits_for_nobody() {
    let opened = open().await;
    let locked = must(opened.store.open(buy(user(1)).looked_up(1)).await).purchase;
    let free = must(opened.store.open(buy(user(2)).looked_up(2)).await).purchase;
    let mut other = opened.plain().await;
    let lock = format!("BEGIN; SELECT FROM purchases WHERE id = '{}' FOR UPDATE", locked.id);
    run(&mut other, &lock).await.unwrap();
    let waits = [secs(60), secs(600)];
    assert_eq!(opened.store.claim_lookups(time(10), &waits, 10).await, Ok(vec![free.clone()]));
    run(&mut other, "ROLLBACK").await.unwrap();
    assert_eq!(opened.store.claim_lookups(time(10), &waits, 10).await, Ok(vec![locked]));
    let claimed = stored(&opened, free.id).await;
    assert_eq!((claimed.lookups, claimed.next_lookup), (1, Some(time(70))));
}

#[tokio::test]
async fn a_claim_is_not_undone_by_news_that_arrives_meanwhile() {
    let opened = open().await;
    let purchase = must(opened.store.open(buy(user(1)).looked_up(1)).await).purchase;
    let mut other = opened.plain().await;
    let claim = format!("BEGIN; UPDATE purchases SET lookups = 7 WHERE id = '{}'", purchase.id);
    run(&mut other, &claim).await.unwrap();
    let facts = PaymentFacts { method: Some(name("pix")), ..PaymentFacts::default() };
    let mut request = news(user(1), purchase.id);
    request.facts = facts;
    let observing = tokio::spawn({
        let store = opened.store.clone();
        async move { store.observe(request).await }
    });
    let waiting = "SELECT count(*) AS number FROM pg_stat_activity WHERE wait_event_type = 'Lock'
        AND datname = current_database()";
    let mut watcher = opened.plain().await;
    crate::harness::until(async || {
        let blocked = number(&mut watcher, waiting).await > 0 || observing.is_finished();
        blocked.then_some(()).ok_or(())
    })
    .await;
    assert!(!observing.is_finished(), "it did not wait for the claim");
    run(&mut other, "COMMIT").await.unwrap();
    must(observing.await.unwrap());
    let after = stored(&opened, purchase.id).await;
    assert_eq!((after.lookups, after.method), (7, Some(name("pix"))));
}

#[tokio::test]
async fn a_claim_whose_times_no_column_can_hold_changes_nothing() {
    let opened = open().await;
    let purchase = must(opened.store.open(buy(user(1)).of(pack()).looked_up(1)).await).purchase;
    let end = Timestamp::from_micros(i64::MAX);
    assert!(opened.store.claim_lookups(end, &[], 10).await.is_err());
    assert_eq!(opened.store.claim_lookups(time(1), &[], 10).await, Ok(vec![purchase]));
}

//! The outbox: each thing that users and admins are told, once.

use domain::billing::notice::{Audience, Notice, NoticeKind};
use domain::billing::offer::PayMode;
use domain::ports::billing::Till;
use domain::ports::ledger::{HoldOutcome, Ledger};
use testkit::acts::must;
use testkit::memory::MemoryStore;
use testkit::requests::billing::{NewsExt, invoice, news, open};
use testkit::requests::{At, GrantExt, HoldExt, SettleExt, credits, grant, hold, settle, user};

async fn spend(store: &MemoryStore, amount: i64) {
    let HoldOutcome::Held(held) = must(store.hold(hold(user(1)).exactly(amount)).await) else {
        panic!("no key, no replay")
    };
    must(store.settle(settle(user(1), held.hold).charge(amount)).await);
}

#[tokio::test]
async fn each_fall_to_the_threshold_gives_notice_once() {
    let store = MemoryStore::new();
    must(store.grant(grant(user(1), "p").of(1000)).await);
    spend(&store, 899).await;
    assert!(store.outbox().is_empty(), "101 left, the threshold is 100");
    spend(&store, 10).await;
    spend(&store, 10).await;
    let events = store.outbox();
    let [event] = events.as_slice() else { panic!("one event: {events:?}") };
    assert_eq!(
        (event.user, event.kind, event.subject.as_str()),
        (user(1), NoticeKind::LowBalance, "entry:3")
    );
    assert_eq!(event.details.balance, Some(credits(91)));
    assert_eq!(event.details.threshold, Some(credits(100)));

    must(store.grant(grant(user(1), "q").of(200).at(9)).await);
    spend(&store, 252).await;
    assert_eq!(store.outbox().len(), 1, "29 left, the threshold is now 20");
    spend(&store, 19).await;
    assert_eq!(store.outbox().len(), 2);
}

/// Who is told, and of what, in the order in which it was written.
fn told(store: &MemoryStore) -> Vec<(Audience, String)> {
    let name = |notice: &Notice| format!("{}:{}", notice.kind.as_str(), notice.subject);
    store.outbox().iter().map(|notice| (notice.kind.audience(), name(notice))).collect()
}

#[tokio::test]
async fn each_thing_goes_to_the_outbox_once_and_to_whom_it_concerns() {
    let store = MemoryStore::new();
    let id = must(store.open(open(user(1))).await).purchase.id;
    for secs in 1..4 {
        let wrong = news(user(1), id).paid_as(1, "brl", PayMode::Payment).at(secs);
        must(store.observe(wrong).await);
    }
    for secs in 4..7 {
        must(store.observe(news(user(1), id).paid().at(secs)).await);
        must(store.observe(news(user(1), id).fraud("issfr_1").at(secs)).await);
    }
    let expected = [
        (Audience::Admin, format!("payment_mismatch:{id}")),
        (Audience::User, format!("purchase_paid:{id}")),
        (Audience::Admin, "fraud_warning:issfr_1".to_owned()),
    ];
    assert_eq!(told(&store), expected);
    let complaint = store.outbox().remove(0).details.text;
    assert_eq!(complaint.as_deref(), Some("paid 1 brl by payment, asked for 2900 brl by payment"));
}

/// There is no purchase for it: the invoice is the subject.
#[tokio::test]
async fn a_wrong_invoice_is_told_to_admins_by_its_name() {
    let store = MemoryStore::new();
    let wrong = invoice(user(1), "in_2", 100).paid_as(1, "brl", PayMode::Subscription);
    must(store.observe(wrong).await);
    assert_eq!(told(&store), [(Audience::Admin, "payment_mismatch:in_2".to_owned())]);
}

//! Notices: each thing is told once, and goes out once.

use domain::billing::notice::NoticeKind;
use domain::credits::Credits;
use domain::ports::billing::{PageEnd, PurchaseBook, Till};
use domain::ports::ledger::Ledger;
use testkit::acts::must;
use testkit::requests::billing::{NewsExt, PACK_CREDITS, PACK_MINOR, news, open as buy};
use testkit::requests::{At, GrantExt, HoldExt, SettleExt, credits, grant, hold, settle, user};
use testkit::time::time;

use crate::harness::{number, open, run};

const WAITING: &str = "SELECT count(*) AS number FROM outbox";
const TOLD: &str = "SELECT count(*) AS number FROM notices";

#[tokio::test]
async fn a_purchase_that_is_paid_is_told_with_its_figures() {
    let opened = open().await;
    let purchase = must(opened.store.open(buy(user(1))).await).purchase;
    must(opened.store.observe(news(user(1), purchase.id).paid().fraud("w_1").at(7)).await);
    let told = opened.store.notices(user(1), None, 10).await.unwrap();
    // The warning is for admins.
    let [notice] = &told[..] else { panic!("{told:?}") };
    assert_eq!((notice.kind, notice.at), (NoticeKind::PurchasePaid, time(7)));
    assert_eq!(notice.subject, purchase.id.to_string());
    let details = &notice.details;
    assert_eq!(details.plan, Some(purchase.offer.plan));
    assert_eq!(details.credits.map(Credits::get), Some(PACK_CREDITS));
    assert_eq!((details.minor, details.balance), (Some(PACK_MINOR), Some(credits(PACK_CREDITS))));
    let mut connection = opened.plain().await;
    assert_eq!((number(&mut connection, TOLD).await, number(&mut connection, WAITING).await), (2, 4));
}

#[tokio::test]
async fn what_was_told_goes_out_no_second_time_even_when_its_outbox_row_is_gone() {
    let opened = open().await;
    let purchase = must(opened.store.open(buy(user(1))).await).purchase;
    let warning = || news(user(1), purchase.id).fraud("w_1");
    must(opened.store.observe(warning()).await);
    let mut connection = opened.plain().await;
    assert_eq!(number(&mut connection, WAITING).await, 2, "a row for each channel");
    must(opened.store.observe(warning().at(5)).await);
    assert_eq!(number(&mut connection, WAITING).await, 2);
    run(&mut connection, "DELETE FROM outbox").await.unwrap();
    must(opened.store.observe(warning().at(6)).await);
    assert_eq!((number(&mut connection, TOLD).await, number(&mut connection, WAITING).await), (1, 0));
}

#[tokio::test]
async fn a_low_balance_is_told_and_notices_are_read_page_by_page() {
    let opened = open().await;
    for number in 1..=3 {
        let purchase = must(opened.store.open(buy(user(1))).await).purchase;
        must(opened.store.observe(news(user(1), purchase.id).paid().at(number)).await);
    }
    must(opened.store.grant(grant(user(2), "p").of(100)).await);
    let held = hold(user(2)).exactly(95);
    let id = held.id;
    must(opened.store.hold(held).await);
    must(opened.store.settle(settle(user(2), id).charge(95).at(4)).await);
    let low = opened.store.notices(user(2), None, 10).await.unwrap();
    assert_eq!(low.len(), 1);
    assert_eq!((low[0].kind, low[0].subject.as_str()), (NoticeKind::LowBalance, "entry:2"));
    assert_eq!((low[0].details.balance, low[0].details.threshold), (Some(credits(5)), Some(credits(10))));

    let all = opened.store.notices(user(1), None, 10).await.unwrap();
    assert_eq!(all.iter().map(|notice| notice.at).collect::<Vec<_>>(), [time(3), time(2), time(1)]);
    let mut pages = Vec::new();
    let mut end = None;
    loop {
        let page = opened.store.notices(user(1), end, 1).await.unwrap();
        let Some(last) = page.last() else { break };
        end = Some(PageEnd { at: last.at, name: format!("{}:{}", last.kind.as_str(), last.subject) });
        pages.extend(page);
    }
    assert_eq!(pages, all);
}

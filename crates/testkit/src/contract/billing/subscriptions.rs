//! Plans that are paid every month.

use domain::billing::facts::InvoiceFacts;
use domain::billing::offer::PayMode;
use domain::billing::purchase::{Progress, PurchaseKind};
use domain::ids::{PurchaseId, UserId};
use domain::ledger::command::{PaymentReceipt, Refusal};
use domain::ports::billing::PurchaseName;

use crate::Fixture;
use crate::acts::must;
use crate::requests::billing::{
    MONTH_MINOR, NewsExt, SubscriptionExt, invoice, monthly, news, offer, subscribe, subscription,
};
use crate::requests::{At, credits, user};
use crate::time::{DAY, time};

/// End of the first, second and third period, in seconds.
const FIRST: i64 = 30 * DAY;
const SECOND: i64 = 60 * DAY;
const THIRD: i64 = 90 * DAY;
/// How long a plan outlives a period that was not followed by another.
const GRACE: i64 = 3 * DAY;

/// A subscription whose first period is paid; the purchase that began it.
async fn subscribed(f: &Fixture, user: UserId) -> PurchaseId {
    let id = f.opened(subscribe(user)).await.purchase.id;
    f.observed(news(user, id).invoiced("in_1", FIRST).month_paid()).await;
    id
}

fn professional(renewal: i64) -> (String, Option<i64>) {
    ("professional".to_owned(), Some(renewal))
}

fn free() -> (String, Option<i64>) {
    ("free".to_owned(), None)
}

pub async fn the_first_invoice_fulfils_the_purchase_of_the_checkout(f: &Fixture) {
    let id = f.opened(subscribe(user(1))).await.purchase.id;
    let mut checkout = news(user(1), id).session("cs_1");
    checkout.facts.names.subscription = Some("sub_1".to_owned());
    f.observed(checkout).await;
    assert_eq!(f.subscription("sub_1").await.paid_until, None);
    let receipt = f.observed(news(user(1), id).invoiced("in_1", FIRST).month_paid().at(9)).await;
    let row = receipt.purchase;
    assert_eq!((row.kind, row.progress), (PurchaseKind::Subscription, Progress::Paid));
    assert_eq!((row.period_end, row.paid_at), (Some(time(FIRST)), Some(time(9))));
    assert_eq!(f.sums(user(1), 9).await, [20_000, 0, 0, 20_000, 0]);
    assert_eq!(f.lot(user(1), "plan:in_1").await.amount, credits(20_000));
    assert_eq!(f.plan(user(1), 9).await, professional(FIRST));

    let kept = f.subscription("sub_1").await;
    assert_eq!((kept.user, kept.purchase, &kept.offer), (user(1), id, &monthly()));
    assert_eq!((kept.status.as_str(), kept.paid_until), ("active", Some(time(FIRST))));
    assert!(!kept.cancel_at_period_end && !kept.ended);
    assert_eq!(f.purchases.purchases(None, None, 10).await.expect("the store answers").len(), 1);
}

pub async fn a_renewal_makes_a_purchase_of_its_own(f: &Fixture) {
    let begun = subscribed(f, user(1)).await;
    for _ in 0..3 {
        let receipt = f.observed(invoice(user(1), "in_2", SECOND).month_paid().at(FIRST)).await;
        let row = receipt.purchase;
        assert_eq!(row.id, PurchaseId::of_invoice(&user(1), "in_2"));
        assert_eq!((row.kind, row.progress, row.offer), (PurchaseKind::Renewal, Progress::Paid, monthly()));
    }
    assert_eq!(f.sums(user(1), FIRST).await, [40_000, 0, 0, 40_000, 0]);
    assert_eq!(f.plan(user(1), FIRST).await, professional(SECOND));
    let found = f.purchases.purchase(PurchaseName::Invoice("in_2".to_owned())).await;
    assert_ne!(found.expect("the store answers").expect("the renewal").id, begun);
    assert_eq!(f.subscription("sub_1").await.paid_until, Some(time(SECOND)));
}

pub async fn credits_of_a_period_expire_three_days_after_it(f: &Fixture) {
    subscribed(f, user(1)).await;
    assert_eq!(f.lot(user(1), "plan:in_1").await.expires_at, Some(time(FIRST + GRACE)));
    f.observed(invoice(user(1), "in_2", SECOND).month_paid().at(FIRST)).await;
    assert_eq!(f.sums(user(1), FIRST + GRACE).await, [20_000, 0, 0, 20_000, 0]);
    assert_eq!(f.sums(user(1), SECOND + GRACE).await, [0, 0, 0, 0, 0]);
}

pub async fn an_invoice_that_is_not_the_price_grants_nothing(f: &Fixture) {
    subscribed(f, user(1)).await;
    for minor in [0, MONTH_MINOR - 1, MONTH_MINOR + 1] {
        let paid = invoice(user(1), "in_2", SECOND).paid_as(minor, "brl", PayMode::Subscription);
        f.complained(paid).await;
    }
    assert_eq!(f.sums(user(1), 0).await, [20_000, 0, 0, 20_000, 0]);
    assert_eq!(f.plan(user(1), 0).await, professional(FIRST));
    let found = f.purchases.purchase(PurchaseName::Invoice("in_2".to_owned())).await;
    assert!(found.expect("the store answers").is_none());
}

pub async fn a_renewal_that_is_not_collected_only_gives_notice(f: &Fixture) {
    subscribed(f, user(1)).await;
    let before = f.told(user(1)).await;
    for _ in 0..2 {
        let failed = invoice(user(1), "in_2", SECOND).collecting_failed().at(FIRST);
        assert_eq!(must(f.till.observe(failed).await), PaymentReceipt::Subscription(true));
    }
    let mut told = f.told(user(1)).await;
    told.retain(|told| !before.contains(told));
    assert_eq!(told, ["renewal_failed:in_2"]);
    assert_eq!(f.sums(user(1), FIRST).await, [20_000, 0, 0, 20_000, 0]);
    f.observed(invoice(user(1), "in_2", SECOND).month_paid().at(FIRST + 1)).await;
    assert_eq!(f.sums(user(1), FIRST + 1).await, [40_000, 0, 0, 40_000, 0], "collected at last");
}

pub async fn a_first_invoice_that_is_not_collected_only_gives_notice(f: &Fixture) {
    let id = f.opened(subscribe(user(1))).await.purchase.id;
    let failed = news(user(1), id).invoiced("in_1", FIRST).collecting_failed();
    let row = f.observed(failed.clone()).await.purchase;
    assert_eq!(row.progress, Progress::Created);
    assert_eq!(f.told(user(1)).await, [format!("payment_failed:{id}")]);
    let paid = f.observed(news(user(1), id).invoiced("in_1", FIRST).month_paid()).await.purchase;
    assert_eq!((paid.progress, paid.period_end), (Progress::Paid, Some(time(FIRST))));
    f.observed(failed).await;
    assert_eq!(f.sums(user(1), 0).await, [20_000, 0, 0, 20_000, 0]);
    assert_eq!(f.told(user(1)).await.len(), 2);
}

/// The checkout knows that it was paid, and at times by which invoice; for which period, only the invoice.
pub async fn a_checkout_that_says_paid_waits_for_its_invoice(f: &Fixture) {
    for (number, name) in [(1, None), (2, Some("in_1".to_owned()))] {
        let user = user(number);
        let id = f.opened(subscribe(user)).await.purchase.id;
        let mut checkout = news(user, id).session("cs_1").month_paid();
        checkout.facts.names.subscription = Some(format!("sub_{number}"));
        checkout.facts.names.invoice = name;
        assert_eq!(f.observed(checkout.clone()).await.purchase.progress, Progress::Processing);
        assert_eq!(f.sums(user, 0).await, [0, 0, 0, 0, 0]);
        let mut paid = news(user, id).invoiced("in_1", FIRST).month_paid();
        paid.facts.names.subscription = Some(format!("sub_{number}"));
        assert_eq!(f.observed(paid).await.purchase.progress, Progress::Paid);
        f.observed(checkout.known_invoice("in_1")).await;
        assert_eq!(f.lot(user, "plan:in_1").await.expires_at, Some(time(FIRST + GRACE)));
        assert_eq!(f.sums(user, 0).await, [20_000, 0, 0, 20_000, 0]);
    }
}

pub async fn the_plan_lapses_to_free_without_a_job(f: &Fixture) {
    subscribed(f, user(1)).await;
    assert_eq!(f.plan(user(1), FIRST + GRACE - 1).await, professional(FIRST));
    assert_eq!(f.plan(user(1), FIRST + GRACE).await, free());
    // The next act finds it so.
    f.opened(subscribe(user(1)).at(FIRST + GRACE)).await;
    assert_eq!(f.books_of(user(1)).await.account.plan.as_str(), "free");
    f.observed(invoice(user(1), "in_2", SECOND).month_paid().at(FIRST + GRACE)).await;
    assert_eq!(f.plan(user(1), FIRST + GRACE).await, professional(SECOND), "paid late");
}

pub async fn the_plan_lapses_to_the_last_pack(f: &Fixture) {
    f.pack_paid(user(1)).await;
    subscribed(f, user(1)).await;
    assert_eq!(f.plan(user(1), 0).await, professional(FIRST));
    assert_eq!(f.plan(user(1), FIRST + GRACE).await, ("starter".to_owned(), None));
}

pub async fn a_pack_bought_in_between_waits_for_the_lapse(f: &Fixture) {
    subscribed(f, user(1)).await;
    f.pack_paid(user(1)).await;
    assert_eq!(f.plan(user(1), 0).await, professional(FIRST));
    assert_eq!(f.plan(user(1), FIRST + GRACE).await, ("starter".to_owned(), None));
}

pub async fn a_cancelled_subscription_lapses_with_its_period(f: &Fixture) {
    subscribed(f, user(1)).await;
    assert!(f.heard(subscription(user(1), "sub_1").cancelled().seen_at(5)).await);
    assert!(!f.heard(subscription(user(1), "sub_1").cancelled().seen_at(5)).await, "heard before");
    assert!(f.subscription("sub_1").await.cancel_at_period_end);
    assert_eq!(f.plan(user(1), FIRST - 1).await, professional(FIRST));
    assert_eq!(f.plan(user(1), FIRST).await, free());
    assert_eq!(f.sums(user(1), FIRST).await, [20_000, 0, 0, 20_000, 0], "the credits have their three days");
}

pub async fn a_cancellation_can_be_taken_back(f: &Fixture) {
    subscribed(f, user(1)).await;
    f.heard(subscription(user(1), "sub_1").cancelled().seen_at(5)).await;
    f.heard(subscription(user(1), "sub_1").seen_at(6)).await;
    assert_eq!(f.plan(user(1), FIRST).await, professional(FIRST));
}

pub async fn an_end_is_final(f: &Fixture) {
    subscribed(f, user(1)).await;
    assert!(f.heard(subscription(user(1), "sub_1").ended().seen_at(5)).await);
    assert!(!f.heard(subscription(user(1), "sub_1").seen_at(9)).await);
    let kept = f.subscription("sub_1").await;
    assert_eq!((kept.ended, kept.status.as_str()), (true, "canceled"));
    assert_eq!(f.plan(user(1), FIRST - 1).await, professional(FIRST), "what was paid for is kept");
    assert_eq!(f.plan(user(1), FIRST).await, free());
}

pub async fn older_news_of_a_subscription_changes_nothing(f: &Fixture) {
    subscribed(f, user(1)).await;
    f.heard(subscription(user(1), "sub_1").status("past_due").seen_at(9)).await;
    assert!(!f.heard(subscription(user(1), "sub_1").cancelled().seen_at(8)).await);
    let kept = f.subscription("sub_1").await;
    assert_eq!((kept.status.as_str(), kept.cancel_at_period_end), ("past_due", false));
    assert!(f.heard(subscription(user(1), "sub_1").ended().seen_at(8)).await, "but for its end");
}

pub async fn a_late_invoice_of_an_older_period_leaves_the_renewal_date(f: &Fixture) {
    subscribed(f, user(1)).await;
    f.observed(invoice(user(1), "in_3", THIRD).month_paid().at(SECOND)).await;
    f.observed(invoice(user(1), "in_2", SECOND).month_paid().at(SECOND + 1)).await;
    assert_eq!(f.plan(user(1), SECOND + 1).await, professional(THIRD));
    assert_eq!(f.subscription("sub_1").await.paid_until, Some(time(THIRD)));
    assert_eq!(f.lot(user(1), "plan:in_2").await.expires_at, Some(time(SECOND + GRACE)));
    assert_eq!(f.sums(user(1), SECOND + 1).await, [40_000, 0, 0, 40_000, 0]);
}

pub async fn a_plan_change_takes_effect_with_the_next_period(f: &Fixture) {
    subscribed(f, user(1)).await;
    f.heard(subscription(user(1), "sub_1").seen_at(5)).await;
    assert_eq!(f.plan(user(1), 5).await, professional(FIRST));
    let terms = offer("enterprise", 100_000, 19_900);
    let mut renewal = invoice(user(1), "in_2", SECOND).paid_as(19_900, "brl", PayMode::Subscription);
    let period_end = time(SECOND);
    renewal.facts.invoice = Some(InvoiceFacts { offer: terms.clone(), period_end, collecting_failed: false });
    f.observed(renewal.at(FIRST)).await;
    assert_eq!(f.plan(user(1), FIRST).await, ("enterprise".to_owned(), Some(SECOND)));
    assert_eq!(f.sums(user(1), FIRST).await, [120_000, 0, 0, 120_000, 0]);
    assert_eq!(f.subscription("sub_1").await.offer, terms);
}

pub async fn news_of_an_unknown_subscription_is_refused(f: &Fixture) {
    let refusal = crate::acts::refused(f.till.observe_subscription(subscription(user(1), "sub_1")).await);
    assert_eq!(refusal, Refusal::PurchaseUnknown);
    subscribed(f, user(1)).await;
    let refusal = crate::acts::refused(f.till.observe_subscription(subscription(user(2), "sub_1")).await);
    assert_eq!(refusal, Refusal::PurchaseUnknown, "it is another user's");
}

/// The same at the end, whichever of three periods is heard of first.
pub async fn invoices_of_one_subscription_may_come_in_any_order(f: &Fixture) {
    let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    for (number, order) in (1..).zip(orders) {
        let user = user(number);
        let begun = f.opened(subscribe(user)).await.purchase.id;
        let sub = format!("sub_{number}");
        for period in order {
            let (name, end) = (format!("in_{period}"), period * FIRST);
            let mut told = match period {
                1 => news(user, begun).invoiced(&name, end),
                _ => invoice(user, &name, end),
            };
            told.facts.names.subscription = Some(sub.clone());
            f.observed(told.month_paid()).await;
        }
        assert_eq!(f.sums(user, 0).await, [60_000, 0, 0, 60_000, 0], "{order:?}");
        assert_eq!(f.plan(user, 0).await, professional(THIRD), "{order:?}");
        let kept = f.subscription(&sub).await;
        assert_eq!((kept.purchase, kept.paid_until), (begun, Some(time(THIRD))), "{order:?}");
    }
}

pub async fn a_refunded_month_is_taken_back_by_its_invoice(f: &Fixture) {
    let id = subscribed(f, user(1)).await;
    f.observed(invoice(user(1), "in_2", SECOND).month_paid()).await;
    f.observed(news(user(1), id).known_invoice("in_1").refunded(MONTH_MINOR, 5)).await;
    assert_eq!(f.sums(user(1), 0).await, [20_000, 0, 0, 20_000, 0]);
    assert_eq!(f.lot(user(1), "plan:in_1").await.clawed, credits(20_000));
    assert_eq!(f.lot(user(1), "plan:in_2").await.remaining, credits(20_000));
}

/// Also when a renewal is heard of first.
pub async fn the_subscription_names_the_purchase_that_began_it(f: &Fixture) {
    let begun = f.opened(subscribe(user(1))).await.purchase.id;
    f.observed(invoice(user(1), "in_2", SECOND).month_paid()).await;
    f.observed(news(user(1), begun).invoiced("in_1", FIRST).month_paid()).await;
    assert_eq!(f.subscription("sub_1").await.purchase, begun);
}

//! News of payments, and what follows from it.

use domain::billing::offer::PayMode;
use domain::billing::purchase::{Names, Progress};
use domain::credits::Credits;
use domain::ledger::command::Refusal;
use domain::ledger::journal::EntryKind;
use domain::ports::billing::PurchaseName;

use crate::Fixture;
use crate::acts::sums;
use crate::requests::billing::{
    MONTH_MINOR, NewsExt, OpenExt, PACK_CREDITS, PACK_MINOR, monthly, new_purchase_id, news, offer, open,
    pack, subscribe,
};
use crate::requests::{At, GrantExt, credits, grant, user};
use crate::time::{DAY, time};

pub async fn a_paid_purchase_is_granted_once_with_itself_as_the_source(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    let receipt = f.observed(news(user(1), id).paid().at(7)).await;
    assert_eq!(sums(receipt.balances), [5000, 0, 0, 5000, 0]);
    let row = f.purchase(id).await;
    assert_eq!(row, receipt.purchase);
    assert_eq!((row.progress, row.paid_at, row.next_lookup), (Progress::Paid, Some(time(7)), None));

    let source = format!("purchase:{id}");
    let lot = f.lot(user(1), &source).await;
    assert_eq!((lot.amount, lot.remaining, lot.expires_at), (credits(5000), credits(5000), None));
    let entry = f.journal(user(1)).await.remove(0);
    assert_eq!((entry.kind, entry.source, entry.actor.as_str()), (EntryKind::Grant, source, "stripe"));

    for secs in 8..12 {
        let again = f.observed(news(user(1), id).paid().at(secs)).await;
        assert_eq!(again.purchase, receipt.purchase);
    }
    assert_eq!(f.books_of(user(1)).await.lots.len(), 1);
    assert_eq!(f.sums(user(1), 12).await, [5000, 0, 0, 5000, 0]);
}

pub async fn a_packs_credits_expire_when_the_offer_says_so(f: &Fixture) {
    let terms = domain::billing::offer::Offer { expires_after_days: Some(30), ..pack() };
    let id = f.opened(open(user(1)).of(terms)).await.purchase.id;
    f.observed(news(user(1), id).paid().at(7)).await;
    let lot = f.lot(user(1), &format!("purchase:{id}")).await;
    assert_eq!(lot.expires_at, Some(time(7 + 30 * DAY)));
    assert_eq!(f.sums(user(1), 7 + 30 * DAY).await, [0, 0, 0, 0, 0]);
}

pub async fn the_last_pack_paid_for_is_the_plan(f: &Fixture) {
    let first = f.pack_opened(user(1)).await;
    assert_eq!(f.plan(user(1), 0).await, ("free".to_owned(), None), "nothing was paid yet");
    f.observed(news(user(1), first).paid()).await;
    assert_eq!(f.plan(user(1), 0).await, ("starter".to_owned(), None));
    let second = f.opened(open(user(1)).of(offer("enterprise", 100_000, 19_900))).await.purchase.id;
    f.observed(news(user(1), second).paid_as(19_900, "brl", PayMode::Payment)).await;
    assert_eq!(f.plan(user(1), 0).await, ("enterprise".to_owned(), None));
    f.observed(news(user(1), first).paid()).await;
    assert_eq!(f.plan(user(1), 0).await, ("enterprise".to_owned(), None), "old news");
}

pub async fn unpaid_then_paid(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    let waiting = f.observed(news(user(1), id).unpaid(Progress::Processing)).await;
    assert_eq!((waiting.purchase.progress, sums(waiting.balances)), (Progress::Processing, [0, 0, 0, 0, 0]));
    assert_eq!(waiting.purchase.next_lookup, Some(time(120)), "news is still to be expected");
    assert_eq!(f.plan(user(1), 0).await.0, "free");
    let paid = f.observed(news(user(1), id).paid().at(3 * DAY)).await;
    assert_eq!(paid.purchase.progress, Progress::Paid);
    assert_eq!(f.sums(user(1), 3 * DAY).await, [5000, 0, 0, 5000, 0]);
}

pub async fn a_failed_payment_grants_nothing(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    let row = f.observed(news(user(1), id).unpaid(Progress::Failed)).await.purchase;
    assert_eq!((row.progress, row.next_lookup, row.paid_at), (Progress::Failed, None, None));
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    assert_eq!(f.told(user(1)).await, [format!("payment_failed:{id}")]);
}

pub async fn an_expired_checkout_grants_nothing(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    let row = f.observed(news(user(1), id).unpaid(Progress::Expired)).await.purchase;
    assert_eq!((row.progress, row.next_lookup, row.paid_at), (Progress::Expired, None, None));
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    assert_eq!(f.told(user(1)).await, [format!("checkout_expired:{id}")]);
}

pub async fn money_that_arrived_outweighs_what_was_heard_before_and_after(f: &Fixture) {
    for (number, other) in (1..).zip([Progress::Processing, Progress::Expired, Progress::Failed]) {
        let before = f.pack_opened(user(number)).await;
        f.observed(news(user(number), before).unpaid(other)).await;
        assert_eq!(f.observed(news(user(number), before).paid()).await.purchase.progress, Progress::Paid);
        let after = f.pack_paid(user(number)).await;
        assert_eq!(
            f.observed(news(user(number), after).unpaid(other)).await.purchase.progress,
            Progress::Paid
        );
        assert_eq!(f.sums(user(number), 0).await, [10_000, 0, 0, 10_000, 0]);
    }
}

pub async fn progress_never_goes_back(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    for (heard, stands) in [
        (Progress::Processing, Progress::Processing),
        (Progress::Created, Progress::Processing),
        (Progress::Failed, Progress::Failed),
        (Progress::Processing, Progress::Failed),
        (Progress::Expired, Progress::Failed),
    ] {
        let row = f.observed(news(user(1), id).unpaid(heard)).await.purchase;
        assert_eq!(row.progress, stands, "after {heard:?}");
    }
    assert_eq!(f.told(user(1)).await, [format!("payment_failed:{id}")], "what was outweighed is not told");
}

pub async fn names_and_details_are_learned_once(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    let some = |text: &str| Some(text.to_owned());
    let mut first = news(user(1), id).session("cs_1");
    first.facts.url = some("https://pay.example/1");
    first.facts.expires_at = Some(time(1800));
    f.observed(first).await;
    let names = Names {
        session: some("cs_1"),
        customer: some("cus_1"),
        intent: some("pi_1"),
        charge: some("ch_1"),
        ..Names::default()
    };
    let mut second = news(user(1), id).names(names.clone()).paid();
    second.facts.method = some("boleto");
    f.observed(second).await;
    let mut third = news(user(1), id);
    third.facts.names.charge = some("ch_2");
    third.facts.method = some("card");
    third.facts.url = some("https://pay.example/2");
    third.facts.expires_at = Some(time(9));
    f.observed(third).await;

    let row = f.purchase(id).await;
    assert_eq!((row.names, row.method), (names, some("boleto")));
    assert_eq!((row.url, row.expires_at), (some("https://pay.example/1"), Some(time(1800))));
}

pub async fn news_that_says_nothing_changes_nothing(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    let before = (f.purchase(id).await, f.sums(user(1), 0).await, f.told(user(1)).await);
    f.observed(news(user(1), id).at(50)).await;
    assert_eq!((f.purchase(id).await, f.sums(user(1), 0).await, f.told(user(1)).await), before);
}

/// Nothing is granted, an admin has to look, and the purchase says why.
async fn is_not_accepted(f: &Fixture, minor: i64, currency: &str, mode: PayMode) {
    let id = f.pack_opened(user(1)).await;
    let complaint = f.complained(news(user(1), id).paid_as(minor, currency, mode)).await;
    let row = f.purchase(id).await;
    assert_eq!((row.progress, row.paid_at, row.fault), (Progress::Created, None, Some(complaint)));
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    assert!(f.books_of(user(1)).await.lots.is_empty());
    assert!(f.told(user(1)).await.is_empty());
}

pub async fn another_amount_is_complained_about(f: &Fixture) {
    for minor in [PACK_MINOR - 1, PACK_MINOR + 1, 0, -PACK_MINOR] {
        is_not_accepted(f, minor, "brl", PayMode::Payment).await;
    }
}

pub async fn another_currency_is_complained_about(f: &Fixture) {
    is_not_accepted(f, PACK_MINOR, "usd", PayMode::Payment).await;
}

pub async fn another_mode_is_complained_about(f: &Fixture) {
    is_not_accepted(f, PACK_MINOR, "brl", PayMode::Subscription).await;
    let id = f.opened(subscribe(user(1))).await.purchase.id;
    let news = news(user(1), id).invoiced("in_1", DAY).paid_as(MONTH_MINOR, "brl", PayMode::Payment);
    f.complained(news).await;
    assert_eq!(f.purchase(id).await.progress, Progress::Created);
}

pub async fn another_checkout_session_is_complained_about(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.observed(news(user(1), id).session("cs_1")).await;
    f.complained(news(user(1), id).session("cs_2").paid()).await;
    assert_eq!(f.purchase(id).await.progress, Progress::Created);
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    f.observed(news(user(1), id).session("cs_1").paid()).await;
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0]);
}

pub async fn after_a_complaint_the_right_payment_is_granted(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.complained(news(user(1), id).paid_as(1, "brl", PayMode::Payment)).await;
    let receipt = f.observed(news(user(1), id).paid()).await;
    assert_eq!((receipt.complaint, receipt.purchase.fault), (None, None));
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0]);
    f.complained(news(user(1), id).paid_as(1, "brl", PayMode::Payment)).await;
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0], "what was granted stays");
}

pub async fn news_of_an_unknown_purchase_is_refused(f: &Fixture) {
    let id = new_purchase_id(user(1));
    assert_eq!(f.observe_refused(news(user(1), id).paid()).await, Refusal::PurchaseUnknown);
    f.pack_opened(user(1)).await;
    assert_eq!(f.observe_refused(news(user(1), id).paid()).await, Refusal::PurchaseUnknown);
    let found = f.purchases.purchase(PurchaseName::Id(id)).await.expect("the store answers");
    assert!(found.is_none());
}

/// The lane alone does not make it theirs.
pub async fn news_of_another_users_purchase_is_refused(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    assert_eq!(f.observe_refused(news(user(2), id).paid()).await, Refusal::PurchaseUnknown);
    assert_eq!(f.purchase(id).await.progress, Progress::Created);
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
}

pub async fn a_grant_that_does_not_fit_is_refused_and_leaves_no_trace(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    let nearly_all = Credits::MAX.get() - PACK_CREDITS + 1;
    f.granted(grant(user(1), "p").of(nearly_all)).await;
    let before = f.purchase(id).await;
    let news = news(user(1), id).session("cs_1").paid();
    assert_eq!(f.observe_refused(news).await, Refusal::AmountOutOfRange);
    assert_eq!(f.purchase(id).await, before);
    assert_eq!(f.sums(user(1), 0).await, [nearly_all, 0, 0, nearly_all, 0]);
}

pub async fn everything_that_is_known_of_a_purchase_is_kept(f: &Fixture) {
    let id = f.opened(subscribe(user(1)).keyed("k").at(1)).await.purchase.id;
    let some = |text: &str| Some(text.to_owned());
    let mut everything = news(user(1), id)
        .names(Names {
            session: some("cs_1"),
            customer: some("cus_1"),
            intent: some("pi_1"),
            charge: some("ch_1"),
            invoice: None,
            subscription: None,
        })
        .invoiced("in_1", 30 * DAY)
        .month_paid()
        .refunded(790, 11)
        .dispute("dp_1", 100, domain::billing::purchase::ReturnState::Open, 12)
        .by_hand("refund-😀", 200);
    everything.facts.names.session = some("cs_1");
    everything.facts.names.charge = some("ch_1");
    everything.facts.url = some("https://pay.example/ação");
    everything.facts.method = some("pix");
    everything.facts.expires_at = Some(time(1800));
    let told = f.observed(everything.at(13)).await.purchase;
    assert_eq!(told.offer, monthly());
    assert_eq!((told.period_end, told.paid_at), (Some(time(30 * DAY)), Some(time(13))));
    assert_eq!((told.refunded_minor, told.refunded_as_of, told.returns.len()), (790, time(11), 2));

    let mut kept = f.purchase(id).await;
    let mut expected = told;
    kept.returns.sort_by_key(|each| each.kind);
    expected.returns.sort_by_key(|each| each.kind);
    assert_eq!(kept, expected);
}

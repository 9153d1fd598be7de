//! Writing purchases down.

use domain::billing::purchase::{Names, Progress, PurchaseKind};
use domain::ledger::command::Refusal;
use domain::ports::billing::PurchaseName;

use crate::Fixture;
use crate::acts::sums;
use crate::requests::billing::{
    NewsExt, OpenExt, monthly, new_purchase_id, news, offer, open, pack, subscribe,
};
use crate::requests::{At, HoldExt, grant, hold, user};
use crate::time::{DAY, time};

pub async fn a_purchase_is_written_down_as_it_was_asked_for(f: &Fixture) {
    let terms = domain::billing::offer::Offer { expires_after_days: Some(30), ..offer("bulk", 77, 1234) };
    let mut request = open(user(1)).of(terms.clone()).keyed("k").looked_up(90).at(5);
    request.livemode = true;
    let key = request.key.clone();
    let receipt = f.opened(request.clone()).await;
    assert_eq!((receipt.repeated, receipt.complaint.clone()), (false, None));
    assert_eq!(sums(receipt.balances), [0, 0, 0, 0, 0]);

    let row = f.purchase(request.id).await;
    assert_eq!(row, receipt.purchase);
    assert_eq!((row.user, row.kind, row.offer, row.livemode), (user(1), PurchaseKind::Pack, terms, true));
    assert_eq!(
        (row.progress, row.names, row.url, row.method),
        (Progress::Created, Names::default(), None, None)
    );
    assert_eq!((row.refunded_minor, row.returns, row.fault), (0, vec![], None));
    assert_eq!((row.key, row.created_at, row.next_lookup, row.lookups), (key, time(5), Some(time(90)), 0));
    assert_eq!((row.expires_at, row.paid_at, row.period_end), (None, None, None));

    let subscribed = f.opened(subscribe(user(1))).await.purchase;
    assert_eq!((subscribed.kind, subscribed.offer), (PurchaseKind::Subscription, monthly()));
    assert!(f.journal(user(1)).await.is_empty(), "nothing was paid");
}

pub async fn the_same_purchase_id_answers_the_first(f: &Fixture) {
    let first = f.opened(open(user(1)).at(1)).await;
    let again = f.opened(open(user(1)).id(first.purchase.id).of(monthly()).at(9)).await;
    assert!(again.repeated);
    assert_eq!(again.purchase, first.purchase);
    f.observed(news(user(1), first.purchase.id).paid()).await;
    let later = f.opened(open(user(1)).id(first.purchase.id)).await;
    assert_eq!((later.repeated, later.purchase.progress), (true, Progress::Paid), "as it is now");
}

pub async fn the_same_key_answers_the_first_purchase(f: &Fixture) {
    let first = f.opened(open(user(1)).keyed("k")).await;
    let again = f.opened(open(user(1)).keyed("k").at(DAY - 1)).await;
    assert!(again.repeated);
    assert_eq!(again.purchase, first.purchase);
    assert_eq!(f.purchases.purchases(Some(user(1)), None, 10).await.expect("the store answers").len(), 1);
    let other = f.opened(open(user(1)).keyed("l")).await;
    assert!(!other.repeated);
}

pub async fn a_key_stands_for_one_request(f: &Fixture) {
    let first = f.opened(open(user(1)).keyed("k")).await;
    let other = open(user(1)).keyed("k").for_request(2);
    assert_eq!(f.open_refused(other.clone()).await, Refusal::KeyMismatch);
    let found = f.purchases.purchase(PurchaseName::Id(other.id)).await.expect("the store answers");
    assert!(found.is_none(), "a refused purchase is not written down");
    assert_eq!(f.purchase(first.purchase.id).await, first.purchase);
}

pub async fn a_key_of_buying_belongs_to_its_user(f: &Fixture) {
    f.opened(open(user(1)).keyed("k")).await;
    assert!(!f.opened(open(user(2)).keyed("k").for_request(2)).await.repeated);
}

pub async fn a_key_of_buying_is_forgotten_after_a_day(f: &Fixture) {
    let first = f.opened(open(user(1)).keyed("k")).await.purchase;
    let second = f.opened(open(user(1)).keyed("k").for_request(2).at(DAY)).await;
    assert!(!second.repeated);
    assert_ne!(second.purchase.id, first.id);
    assert_eq!(f.purchase(first.id).await.key, None, "the key is the new purchase's");
    let again = f.opened(open(user(1)).keyed("k").for_request(2).at(DAY + 1)).await;
    assert_eq!((again.repeated, again.purchase.id), (true, second.purchase.id));
    f.observed(news(user(1), first.id).paid().at(DAY + 2)).await;
    assert_eq!(f.purchase(first.id).await.progress, Progress::Paid, "it is still the purchase it was");
}

pub async fn keys_of_holds_and_of_purchases_do_not_meet(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).keyed("k")).await;
    assert!(!f.opened(open(user(1)).keyed("k").for_request(9)).await.repeated);
}

pub async fn purchases_of_one_user_do_not_disturb_each_other(f: &Fixture) {
    let (one, two) = (new_purchase_id(user(1)), new_purchase_id(user(1)));
    f.opened(open(user(1)).id(one)).await;
    f.opened(open(user(1)).id(two).of(offer("bulk", 70, 500))).await;
    f.observed(news(user(1), one).paid()).await;
    assert_eq!(f.purchase(one).await.progress, Progress::Paid);
    let other = f.purchase(two).await;
    assert_eq!((other.progress, other.offer.credits.get()), (Progress::Created, 70));
    assert_eq!(f.purchase(one).await.offer, pack());
}

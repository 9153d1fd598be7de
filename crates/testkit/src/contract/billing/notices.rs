//! What users are told, and how often.

use domain::billing::notice::{Notice, NoticeKind};
use domain::billing::offer::PayMode;
use domain::billing::purchase::{Progress, ReturnState};
use domain::ports::billing::PageEnd;

use crate::Fixture;
use crate::requests::billing::{NewsExt, invoice, news, subscribe};
use crate::requests::{At, GrantExt, HoldExt, SettleExt, credits, grant, hold, settle, user};
use crate::time::{DAY, time};

pub async fn a_user_is_told_of_each_thing_once(f: &Fixture) {
    let paid = f.pack_opened(user(1)).await;
    let failed = f.pack_opened(user(1)).await;
    let begun = f.opened(subscribe(user(1))).await.purchase.id;
    for secs in 1..4 {
        f.observed(news(user(1), paid).paid().at(secs)).await;
        f.observed(news(user(1), failed).unpaid(Progress::Failed).at(secs)).await;
        f.observed(news(user(1), paid).dispute("dp_1", 10, ReturnState::Open, secs).at(secs)).await;
        f.observed(news(user(1), begun).invoiced("in_1", 30 * DAY).month_paid().at(secs)).await;
        f.observed(invoice(user(1), "in_2", 60 * DAY).month_paid().at(secs)).await;
    }
    let mut told = f.told(user(1)).await;
    told.sort();
    let mut expected = [
        format!("purchase_paid:{paid}"),
        format!("purchase_paid:{begun}"),
        format!("payment_failed:{failed}"),
        "dispute_opened:dp_1".to_owned(),
        "renewal_paid:in_2".to_owned(),
    ];
    expected.sort();
    assert_eq!(told, expected);
    let all = f.purchases.notices(user(1), None, 100).await.expect("the store answers");
    assert!(all.iter().all(|notice| notice.at == time(1)), "the first stays as it is");
    assert!(f.told(user(2)).await.is_empty());
}

pub async fn admins_notices_are_not_shown_to_users(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.complained(news(user(1), id).paid_as(1, "brl", PayMode::Payment)).await;
    f.observed(news(user(1), id).fraud("issfr_1")).await;
    assert!(f.told(user(1)).await.is_empty());
}

/// Notices of the same time are told apart by their name, also across pages.
pub async fn notices_are_read_page_by_page_newest_first(f: &Fixture) {
    let mut expected = Vec::new();
    for (number, secs) in (0..).zip([1, 2, 2, 2, 3]) {
        let id = f.pack_opened(user(1)).await;
        let progress = if number % 2 == 0 { Progress::Failed } else { Progress::Expired };
        f.observed(news(user(1), id).unpaid(progress).at(secs)).await;
        let kind = if number % 2 == 0 { "payment_failed" } else { "checkout_expired" };
        expected.push((time(secs), format!("{kind}:{id}")));
    }
    expected.sort();
    expected.reverse();
    for size in [1, 2, 10] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = f.purchases.notices(user(1), before, size).await.expect("the store answers");
            let named = |notice: &Notice| (notice.at, format!("{}:{}", notice.kind.as_str(), notice.subject));
            let Some((at, name)) = page.last().map(named) else { break };
            assert!(page.len() <= usize::try_from(size).expect("small"));
            seen.extend(page.iter().map(named));
            before = Some(PageEnd { at, name });
        }
        assert_eq!(seen, expected, "in pages of {size}");
    }
}

pub async fn notices_carry_their_figures(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.observed(news(user(1), id).paid().at(7)).await;
    let notice = f.purchases.notices(user(1), None, 1).await.expect("the store answers").remove(0);
    assert_eq!((notice.user, notice.kind), (user(1), NoticeKind::PurchasePaid));
    assert_eq!((notice.subject, notice.at), (id.to_string(), time(7)));
    let details = notice.details;
    assert_eq!(details.plan.map(|plan| plan.as_str().to_owned()), Some("starter".to_owned()));
    assert_eq!((details.credits, details.minor), (Some(credits(5000)), Some(2900)));
    assert_eq!((details.balance, details.threshold, details.text), (Some(credits(5000)), None, None));
}

pub async fn low_balance_is_a_notice_too(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    let held = f.held(hold(user(1)).exactly(950)).await;
    f.settled(settle(user(1), held.hold).charge(950).at(3)).await;
    let notice = f.purchases.notices(user(1), None, 10).await.expect("the store answers").remove(0);
    assert_eq!((notice.kind, notice.subject.as_str()), (NoticeKind::LowBalance, "entry:2"));
    let details = notice.details;
    assert_eq!((details.balance, details.threshold), (Some(credits(50)), Some(credits(100))));
}

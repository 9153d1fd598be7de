//! Acts of buying that must succeed or be refused, and reads of what was bought.

use domain::billing::profile::{BillingProfile, TopUp};
use domain::billing::purchase::{Progress, Purchase};
use domain::billing::subscription::Subscription;
use domain::ids::{PurchaseId, UserId};
use domain::ledger::command::{
    ObservePaymentRequest, ObserveSubscriptionRequest, OpenPurchaseRequest, PaymentReceipt, PurchaseReceipt,
    Refusal, SetTopUpRequest,
};
use domain::ports::billing::PurchaseName;

use super::{must, refused};
use crate::Fixture;
use crate::requests::billing::{NewsExt, news, open};

impl Fixture {
    /// A purchase that must be written down, or have been.
    pub async fn opened(&self, request: OpenPurchaseRequest) -> PurchaseReceipt {
        must(self.till.open(request).await)
    }

    /// A purchase that must be refused.
    pub async fn open_refused(&self, request: OpenPurchaseRequest) -> Refusal {
        refused(self.till.open(request).await)
    }

    /// News of a payment that must be taken in, of a purchase that we keep.
    pub async fn observed(&self, request: ObservePaymentRequest) -> PurchaseReceipt {
        match must(self.till.observe(request).await) {
            PaymentReceipt::Purchase(receipt) => *receipt,
            other => panic!("no purchase, but {other:?}"),
        }
    }

    /// News of a payment that must be refused.
    pub async fn observe_refused(&self, request: ObservePaymentRequest) -> Refusal {
        refused(self.till.observe(request).await)
    }

    /// News of a payment that must be complained about; the complaint.
    pub async fn complained(&self, request: ObservePaymentRequest) -> String {
        match must(self.till.observe(request).await) {
            PaymentReceipt::Purchase(receipt) => receipt.complaint.expect("a complaint"),
            PaymentReceipt::Complaint(complaint) => complaint,
            other => panic!("no complaint, but {other:?}"),
        }
    }

    /// News of a subscription that must be taken in; whether it said anything new.
    pub async fn heard(&self, request: ObserveSubscriptionRequest) -> bool {
        must(self.till.observe_subscription(request).await)
    }

    /// Settings of automatic top-up that must be kept.
    pub async fn top_up_set(&self, request: SetTopUpRequest) -> BillingProfile {
        must(self.till.set_top_up(request).await)
    }

    /// Opens a pack; its id.
    pub async fn pack_opened(&self, user: UserId) -> PurchaseId {
        self.opened(open(user)).await.purchase.id
    }

    /// Opens a pack and has it paid; its id.
    pub async fn pack_paid(&self, user: UserId) -> PurchaseId {
        let id = self.pack_opened(user).await;
        let receipt = self.observed(news(user, id).paid()).await;
        assert_eq!(receipt.purchase.progress, Progress::Paid);
        id
    }

    /// The purchase of that id.
    pub async fn purchase(&self, id: PurchaseId) -> Purchase {
        let found = self.purchases.purchase(PurchaseName::Id(id)).await.expect("the store answers");
        found.expect("the purchase is there")
    }

    /// The subscription of that id.
    pub async fn subscription(&self, id: &str) -> Subscription {
        let found = self.purchases.subscription(id).await.expect("the store answers");
        found.expect("the subscription is there")
    }

    /// Automatic top-up as it stands.
    pub async fn top_up(&self, user: UserId) -> TopUp {
        let profile = self.purchases.profile(user).await.expect("the store answers");
        profile.top_up.expect("top-up was set")
    }

    /// What the user was told, newest first, as `kind:subject`.
    pub async fn told(&self, user: UserId) -> Vec<String> {
        let notices = self.purchases.notices(user, None, 1000).await.expect("the store answers");
        notices.iter().map(|notice| format!("{}:{}", notice.kind.as_str(), notice.subject)).collect()
    }

    /// Plan in force and its renewal, at this second.
    pub async fn plan(&self, user: UserId, secs: i64) -> (String, Option<i64>) {
        let view = self.account(user, secs).await;
        let since_start = |at: domain::clock::Timestamp| {
            (at.as_micros() - crate::time::time(0).as_micros()).div_euclid(1_000_000)
        };
        (view.plan.as_str().to_owned(), view.renewal.map(since_start))
    }
}

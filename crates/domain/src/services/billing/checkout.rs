//! Opening a checkout, asking how it went, and the customer's portal.

use sha2::{Digest, Sha256};

use super::{Billing, FIRST_LOOKUP};
use crate::billing::facts::PaymentFacts;
use crate::billing::offer::PayMode;
use crate::billing::purchase::{Names, Purchase, PurchaseKind};
use crate::catalog::Plan;
use crate::clock::Span;
use crate::ids::{IdempotencyKey, PurchaseId, UserId};
use crate::ledger::command::{KeyedRequest, OpenPurchaseRequest, Refusal};
use crate::ports::Unavailable;
use crate::ports::billing::PurchaseName;
use crate::ports::ledger::LedgerError;
use crate::ports::payments::{CheckoutOrder, CheckoutPage, PaymentError};

/// How long a checkout stays open. The provider allows a day at most.
const CHECKOUT_LIFETIME: Span = Span::from_secs(23 * 60 * 60);

/// A plan that somebody wants to buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Who.
    pub user: UserId,
    /// The plan's id.
    pub plan: String,
    /// How it is to be paid.
    pub mode: PayMode,
    /// Whether a card is to be kept for automatic top-up.
    pub keep_card: bool,
    /// The client's name for the request.
    pub key: Option<IdempotencyKey>,
}

/// Why there is no checkout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckoutError {
    /// No such plan.
    #[error("no such plan")]
    UnknownPlan,
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyMismatch,
    /// The user never bought anything, so there is nothing to manage.
    #[error("the user is no customer yet")]
    NoCustomer,
    /// A business no that should not come up here.
    #[error(transparent)]
    Refused(Refusal),
    /// The provider did not play along.
    #[error(transparent)]
    Provider(PaymentError),
    /// The store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<LedgerError> for CheckoutError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Refused(Refusal::KeyMismatch) => Self::KeyMismatch,
            LedgerError::Refused(refusal) => Self::Refused(refusal),
            LedgerError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

/// An open checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Where to pay.
    pub page: CheckoutPage,
    /// Whether it was opened before, under the same key.
    pub replayed: bool,
}

impl Billing {
    /// Opens a checkout: writes the purchase down, then asks the provider. Asked again under the same key, it
    /// answers the same checkout, or finishes what was begun.
    pub async fn open_checkout(&self, order: Order) -> Result<Opened, CheckoutError> {
        let catalogue = self.catalogue.current();
        let plan = catalogue.plan(&order.plan).ok_or(CheckoutError::UnknownPlan)?;
        let now = self.clock.now();
        let request = OpenPurchaseRequest {
            id: PurchaseId::for_user(&order.user, self.ids.unique()),
            user: order.user,
            kind: match order.mode {
                PayMode::Payment => PurchaseKind::Pack,
                PayMode::Subscription => PurchaseKind::Subscription,
            },
            offer: plan.offer(),
            livemode: self.livemode,
            key: order.key.clone().map(|key| KeyedRequest { key, fingerprint: fingerprint(&order) }),
            next_lookup: now.at.after(FIRST_LOOKUP),
            now,
        };
        let opened = self.till.open(request).await?;
        let (purchase, replayed) = (opened.purchase, opened.repeated);
        if let (Some(session), Some(url)) = (&purchase.names.session, &purchase.url) {
            let page = CheckoutPage { session: session.clone(), url: url.clone() };
            return Ok(Opened { page, replayed });
        }
        let page = self.ask_for_page(&order, plan, &purchase).await?;
        Ok(Opened { page, replayed })
    }

    async fn ask_for_page(
        &self,
        order: &Order,
        plan: &Plan,
        purchase: &Purchase,
    ) -> Result<CheckoutPage, CheckoutError> {
        let expires_at = purchase.created_at.after(CHECKOUT_LIFETIME);
        let asked = CheckoutOrder {
            purchase: purchase.id,
            user: order.user,
            offer: purchase.offer.clone(),
            title: plan.name.clone(),
            price: plan.stripe_price.clone().filter(|_| order.mode == PayMode::Subscription),
            mode: order.mode,
            customer: self.book.profile(order.user).await?.customer,
            without_customer: false,
            keep_card: order.keep_card,
            expires_at,
            success_url: self.pages.success.clone(),
            cancel_url: self.pages.cancel.clone(),
        };
        let page = match self.provider.open_checkout(asked.clone()).await {
            // A customer who was deleted there, or is one of its test mode, must not lock anybody out.
            Err(PaymentError::Refused(_)) if asked.customer.is_some() => {
                let anew = CheckoutOrder { customer: None, without_customer: true, ..asked };
                self.provider.open_checkout(anew).await
            }
            answer => answer,
        }
        .map_err(CheckoutError::Provider)?;
        let facts = PaymentFacts {
            names: Names { session: Some(page.session.clone()), ..Names::default() },
            url: Some(page.url.clone()),
            expires_at: Some(expires_at),
            ..PaymentFacts::default()
        };
        self.observe_known(purchase, facts).await?;
        Ok(page)
    }

    /// The user's purchase of that checkout session; nobody else's.
    pub async fn of_session(&self, user: UserId, session: &str) -> Result<Option<Purchase>, Unavailable> {
        let found = self.book.purchase(PurchaseName::Session(session.to_owned())).await?;
        Ok(found.filter(|purchase| purchase.user == user))
    }

    /// The address of the customer's portal.
    pub async fn open_portal(&self, user: UserId) -> Result<String, CheckoutError> {
        let profile = self.book.profile(user).await?;
        let customer = profile.customer.ok_or(CheckoutError::NoCustomer)?;
        self.provider.open_portal(&customer, &self.pages.portal).await.map_err(CheckoutError::Provider)
    }
}

fn fingerprint(order: &Order) -> [u8; 32] {
    let asked = format!("{}\n{}\n{}", order.plan, order.mode.as_str(), order.keep_card);
    Sha256::digest(asked.as_bytes()).into()
}

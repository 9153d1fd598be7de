//! The port, answered from memory. Nothing here ever waits, or is unavailable.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::ports::payments::{
    CardCharge, CheckoutOrder, CheckoutPage, EventPage, ObjectName, PaymentError, PaymentProvider,
    RefundOrder, Sighting,
};

use super::SandboxCheckout;
use super::desk::{Desk, hex};
use super::objects::secs;
use super::sightings;
use super::state::{IntentState, Session, Stage, Terms};

/// Events in one page of the list.
const PAGE: usize = 100;

#[async_trait]
impl PaymentProvider for SandboxCheckout {
    async fn open_checkout(&self, order: CheckoutOrder) -> Result<CheckoutPage, PaymentError> {
        let id = format!("cs_test_sandbox_{}", hex(order.purchase.as_bytes()));
        let url = self.page(&format!("checkout/{id}"));
        Ok(self.at_desk(|desk| desk.open(id, url, order)))
    }

    /// The page of a customer that the sandbox has forgotten says so.
    async fn open_portal(&self, customer: &str, return_url: &str) -> Result<String, PaymentError> {
        self.at_desk(|desk| {
            if let Some(known) = desk.state.customers.get_mut(customer) {
                known.return_url = Some(return_url.to_owned());
            }
        });
        Ok(self.page(&format!("portal/{customer}")))
    }

    async fn refund(&self, order: RefundOrder) -> Result<(), PaymentError> {
        self.at_desk(|desk| desk.refund(order))
    }

    /// A card is kept once a checkout that asked to keep it, or a subscription's, was paid by card.
    async fn charge_card(&self, charge: CardCharge) -> Result<Sighting, PaymentError> {
        self.at_desk(|desk| desk.charge_kept_card(charge))
    }

    async fn look_up(&self, name: ObjectName) -> Result<Option<Sighting>, PaymentError> {
        Ok(self.at_desk(|desk| sightings::look_up(desk.state, &name, desk.now)))
    }

    async fn events(&self, since: Timestamp, from: Option<String>) -> Result<EventPage, PaymentError> {
        Ok(self.at_desk(|desk| desk.list_events(since, from.as_deref())))
    }
}

impl Desk<'_> {
    fn open(&mut self, id: String, url: String, order: CheckoutOrder) -> CheckoutPage {
        if let Some(open) = self.state.sessions.get(&id) {
            return CheckoutPage { session: id, url: open.url.clone() };
        }
        let page = CheckoutPage { session: id.clone(), url: url.clone() };
        let customer_known = order.customer.is_some();
        // The same user is the same customer, after a restart too.
        let customer =
            order.customer.unwrap_or_else(|| format!("cus_sandbox_{}", hex(order.user.as_bytes())));
        self.state.customers.entry(customer.clone()).or_default();
        let session = Session {
            id: id.clone(),
            terms: Terms {
                purchase: order.purchase,
                user: order.user,
                offer: order.offer,
                title: order.title,
                price: order.price,
            },
            mode: order.mode,
            customer,
            customer_known,
            keep_card: order.keep_card,
            url,
            success_url: order.success_url,
            cancel_url: order.cancel_url,
            created: self.now,
            expires_at: order.expires_at,
            stage: Stage::Open,
            intent: None,
            subscription: None,
            invoice: None,
        };
        self.state.sessions.insert(id, session);
        page
    }

    fn charge_kept_card(&mut self, order: CardCharge) -> Result<Sighting, PaymentError> {
        let name =
            ObjectName::IntentOfPurchase { customer: order.customer.clone(), purchase: order.purchase };
        if let Some(done) = sightings::look_up(self.state, &name, self.now) {
            return Ok(done);
        }
        let kept = self.state.customers.get(&order.customer).is_some_and(|customer| customer.card_kept);
        if !kept {
            return Err(PaymentError::Refused("the sandbox keeps no card of this customer".to_owned()));
        }
        let minor = order.offer.price.minor();
        let terms = Terms {
            purchase: order.purchase,
            user: order.user,
            title: order.offer.plan.as_str().to_owned(),
            offer: order.offer,
            price: None,
        };
        let intent = self.new_intent(Some(terms), order.customer, minor, IntentState::Succeeded);
        self.charge_intent(&intent, "card");
        let seen = sightings::look_up(self.state, &ObjectName::Intent(intent), self.now);
        seen.ok_or_else(|| PaymentError::Refused("the sandbox has no such payment".to_owned()))
    }

    fn list_events(&self, since: Timestamp, from: Option<&str>) -> EventPage {
        // Stripe compares whole seconds.
        let mut due = self.state.events.iter().rev().filter(|event| secs(event.created) >= secs(since));
        if let Some(last) = from {
            // As at Stripe, `from` names the last event of the page before.
            due.by_ref().find(|event| event.id == last);
        }
        let page: Vec<_> = due.by_ref().take(PAGE).collect();
        let next = due.next().and_then(|_| page.last().map(|event| event.id.clone()));
        EventPage { events: page.iter().map(|event| event.body.clone()).collect(), next }
    }
}

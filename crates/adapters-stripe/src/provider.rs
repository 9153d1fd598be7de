//! The port, on Stripe.

use std::sync::Arc;

use async_trait::async_trait;
use domain::clock::{Clock, Timestamp};
use domain::ports::payments::{
    CardCharge, CheckoutOrder, CheckoutPage, EventPage, ObjectName, PaymentError, PaymentProvider,
    RefundOrder, Sighting,
};

use crate::config::StripeConfig;
use crate::error::SetupError;
use crate::transport::Transport;
use crate::{card, checkout, event_list, look_up, refund};

/// Stripe, or a server that behaves like it.
///
/// Cheap to clone: clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct Stripe {
    transport: Transport,
}

impl Stripe {
    /// A client for this account. Nothing is sent yet. The clock tells as of when what is looked up is so.
    ///
    /// Fails where the address, the key or the version cannot be used, and where the host has no CA
    /// certificates.
    pub fn new(config: &StripeConfig, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        Ok(Self { transport: Transport::new(config, clock)? })
    }
}

#[async_trait]
impl PaymentProvider for Stripe {
    async fn open_checkout(&self, order: CheckoutOrder) -> Result<CheckoutPage, PaymentError> {
        checkout::open(&self.transport, &order).await
    }

    async fn open_portal(&self, customer: &str, return_url: &str) -> Result<String, PaymentError> {
        checkout::open_portal(&self.transport, customer, return_url).await
    }

    async fn refund(&self, order: RefundOrder) -> Result<(), PaymentError> {
        refund::refund(&self.transport, &order).await
    }

    async fn charge_card(&self, order: CardCharge) -> Result<Sighting, PaymentError> {
        card::charge(&self.transport, &order).await
    }

    async fn look_up(&self, name: ObjectName) -> Result<Option<Sighting>, PaymentError> {
        look_up::look_up(&self.transport, name).await
    }

    async fn events(&self, since: Timestamp, from: Option<String>) -> Result<EventPage, PaymentError> {
        event_list::page(&self.transport, since, from).await
    }
}

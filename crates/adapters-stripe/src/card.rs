//! Charging a card that was kept, while its owner is away.

use domain::ports::payments::{CardCharge, PaymentError, Sighting};
use serde_json::{Value, json};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::customer::{ListPaymentMethodsCustomer, ListPaymentMethodsCustomerType, RetrieveCustomer};
use stripe_core::payment_intent::{
    CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods,
    CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects, CreatePaymentIntentOffSession,
};

use crate::checkout::{currency, metadata};
use crate::json::{list, name, text};
use crate::look_up::{get, is_name};
use crate::objects::{self, Kind};
use crate::transport::Transport;

/// Makes and confirms a payment intent, whose idempotency key is the purchase's id. A card that was exchanged for
/// another meanwhile cannot be charged for the same purchase: that answers that the outcome is unknown.
pub(crate) async fn charge(transport: &Transport, order: &CardCharge) -> Result<Sighting, PaymentError> {
    let card = kept_card(transport, &order.customer).await?;
    let card = card.ok_or_else(|| PaymentError::Refused("the customer has no kept card".to_owned()))?;
    let (full, plain) = requests(order, card);
    let key = order.purchase.to_string();
    let answer = transport.send_either(full, plain, Some(&key)).await?;
    let intent = answer.json()?;
    match text(&intent, "/status").as_deref() {
        // Nobody is there to do what it asks for.
        Some(status @ ("requires_action" | "requires_payment_method" | "canceled")) => {
            Err(PaymentError::Refused(format!("the payment is left at {status}")))
        }
        _ => Ok(objects::read(Kind::Intent, "", &intent, answer.sent_at)),
    }
}

/// What is sent, and what is sent to a server that does not understand it.
fn requests(order: &CardCharge, card: String) -> (RequestBuilder, RequestBuilder) {
    let price = order.offer.price;
    let plain = CreatePaymentIntent::new(price.minor(), currency(price.currency()))
        .customer(&order.customer)
        .payment_method(card)
        .off_session(CreatePaymentIntentOffSession::Bool(true))
        .confirm(true)
        .metadata(metadata(order.purchase, &order.offer, order.user));
    // Without redirects no address to return to is asked for, which nobody could follow. Older versions of the
    // API know nothing of either.
    let mut methods = CreatePaymentIntentAutomaticPaymentMethods::new(true);
    methods.allow_redirects = Some(CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects::Never);
    (plain.clone().automatic_payment_methods(methods).build(), plain.build())
}

/// The card that invoices are paid with, or else the newest one that was kept.
async fn kept_card(transport: &Transport, customer: &str) -> Result<Option<String>, PaymentError> {
    if !is_name(customer) {
        return Ok(None);
    }
    let Some(answer) = get(transport, RetrieveCustomer::new(customer).build(), None).await? else {
        return Ok(None);
    };
    if let Some(card) = name(&answer.json()?, "/invoice_settings/default_payment_method") {
        return Ok(Some(card));
    }
    let cards =
        ListPaymentMethodsCustomer::new(customer).type_(ListPaymentMethodsCustomerType::Card).limit(1);
    let mut answer = get(transport, cards.build(), None).await?;
    if answer.is_none() {
        // Where cards are not listed under their customer.
        let query = json!({"customer": customer, "limit": 1, "type": "card"});
        let cards = RequestBuilder::new(StripeMethod::Get, "/payment_methods").query(&query);
        answer = get(transport, cards, None).await?;
    }
    let Some(answer) = answer else { return Ok(None) };
    let cards: Value = answer.json()?;
    Ok(list(&cards, "").first().and_then(|card| text(card, "/id")))
}

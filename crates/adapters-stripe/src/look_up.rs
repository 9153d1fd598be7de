//! Looking up how things are now.

use domain::ids::PurchaseId;
use domain::ports::payments::{ObjectName, PaymentError, Sighting};
use serde_json::Value;
use stripe_billing::invoice::RetrieveInvoice;
use stripe_billing::invoice_payment::{
    ListInvoicePayment, ListInvoicePaymentPayment, ListInvoicePaymentPaymentType,
};
use stripe_billing::subscription::RetrieveSubscription;
use stripe_checkout::checkout_session::{ListCheckoutSession, RetrieveCheckoutSession};
use stripe_client_core::{RequestBuilder, StripeRequest};
use stripe_core::charge::RetrieveCharge;
use stripe_core::payment_intent::{ListPaymentIntent, RetrievePaymentIntent};

use crate::json::{list, name, own_purchase};
use crate::objects::{self, Kind};
use crate::transport::{Answer, Transport};

/// How many of a customer's payment intents are searched for a purchase's, the newest first.
const SEARCHED_INTENTS: i64 = 100;
/// The longest name of an object, in characters.
const MAX_NAME_CHARS: usize = 255;

/// An object as it is now, or `None` when there is none of that name.
pub(crate) async fn look_up(
    transport: &Transport,
    object: ObjectName,
) -> Result<Option<Sighting>, PaymentError> {
    let (ObjectName::Session(id)
    | ObjectName::SessionOfIntent(id)
    | ObjectName::Intent(id)
    | ObjectName::Charge(id)
    | ObjectName::ChargeOfIntent(id)
    | ObjectName::Invoice(id)
    | ObjectName::InvoiceOfIntent(id)
    | ObjectName::Subscription(id)
    | ObjectName::IntentOfPurchase { customer: id, .. }) = &object;
    if !is_name(id) {
        return Ok(None);
    }
    match &object {
        ObjectName::Session(id) => session(transport, id).await,
        ObjectName::SessionOfIntent(intent) => session_of(transport, intent).await,
        ObjectName::Intent(id) => {
            one(transport, Kind::Intent, RetrievePaymentIntent::new(id.as_str()).build(), None).await
        }
        ObjectName::Charge(id) => charge(transport, id).await,
        ObjectName::ChargeOfIntent(intent) => charge_of(transport, intent).await,
        ObjectName::Invoice(id) => invoice(transport, id).await,
        ObjectName::InvoiceOfIntent(intent) => invoice_of(transport, intent).await,
        ObjectName::Subscription(id) => {
            one(transport, Kind::Subscription, RetrieveSubscription::new(id.as_str()).build(), None).await
        }
        ObjectName::IntentOfPurchase { customer, purchase } => {
            intent_of(transport, customer, *purchase).await
        }
    }
}

/// Whether a text can be an object's name. It becomes a part of an address, and must not become another one.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Asks for an object. `plain` is what is asked for where `request` is not understood: some servers do not know
/// how to put one object into another, or how to leave some out.
pub(crate) async fn get(
    transport: &Transport,
    request: RequestBuilder,
    plain: Option<RequestBuilder>,
) -> Result<Option<Answer>, PaymentError> {
    let outcome = match plain {
        Some(plain) => transport.send_either(request, plain, None).await,
        None => transport.send(request, None).await,
    };
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.is_absence() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

async fn one(
    transport: &Transport,
    kind: Kind,
    request: RequestBuilder,
    plain: Option<RequestBuilder>,
) -> Result<Option<Sighting>, PaymentError> {
    let Some(answer) = get(transport, request, plain).await? else { return Ok(None) };
    Ok(Some(objects::read(kind, "", &answer.json()?, answer.sent_at)))
}

/// A session, with its payment intent in it: only that tells that a boleto was not paid.
async fn session(transport: &Transport, id: &str) -> Result<Option<Sighting>, PaymentError> {
    let plain = RetrieveCheckoutSession::new(id);
    let request = plain.clone().expand(["payment_intent".to_owned()]).build();
    one(transport, Kind::Session, request, Some(plain.build())).await
}

async fn session_of(transport: &Transport, intent: &str) -> Result<Option<Sighting>, PaymentError> {
    let plain = ListCheckoutSession::new().payment_intent(intent).limit(1);
    let request = plain.clone().expand(["data.payment_intent".to_owned()]).build();
    let Some(answer) = get(transport, request, Some(plain.build())).await? else { return Ok(None) };
    let sessions = answer.json()?;
    let session = list(&sessions, "").first();
    Ok(session.map(|session| objects::read(Kind::Session, "", session, answer.sent_at)))
}

async fn charge(transport: &Transport, id: &str) -> Result<Option<Sighting>, PaymentError> {
    one(transport, Kind::Charge, RetrieveCharge::new(id).build(), None).await
}

async fn charge_of(transport: &Transport, intent: &str) -> Result<Option<Sighting>, PaymentError> {
    let plain = RetrievePaymentIntent::new(intent);
    let request = plain.clone().expand(["latest_charge".to_owned()]).build();
    let Some(answer) = get(transport, request, Some(plain.build())).await? else { return Ok(None) };
    let intent = answer.json()?;
    if let Some(charge) = intent.get("latest_charge").filter(|charge| charge.is_object()) {
        return Ok(Some(objects::read(Kind::Charge, "", charge, answer.sent_at)));
    }
    match objects::charge_of(&intent).filter(|id| is_name(id)) {
        Some(id) => charge(transport, &id).await,
        None => Ok(None),
    }
}

/// An invoice, with its payments in it: newer API versions name them nowhere else.
async fn invoice(transport: &Transport, id: &str) -> Result<Option<Sighting>, PaymentError> {
    let plain = RetrieveInvoice::new(id);
    let request = plain.clone().expand(["payments".to_owned()]).build();
    one(transport, Kind::Invoice, request, Some(plain.build())).await
}

/// API versions before 2025-03-31 have no list of an invoice's payments; there, the intent names its invoice.
async fn invoice_of(transport: &Transport, intent: &str) -> Result<Option<Sighting>, PaymentError> {
    let mut payment = ListInvoicePaymentPayment::new(ListInvoicePaymentPaymentType::PaymentIntent);
    payment.payment_intent = Some(intent.to_owned());
    let request = ListInvoicePayment::new().payment(payment).build();
    let Some(answer) = get(transport, request, None).await? else { return Ok(None) };
    let payments = answer.json()?;
    let id = list(&payments, "").iter().find_map(|payment| name(payment, "/invoice"));
    match id.filter(|id| is_name(id)) {
        Some(id) => invoice(transport, &id).await,
        None => Ok(None),
    }
}

async fn intent_of(
    transport: &Transport,
    customer: &str,
    purchase: PurchaseId,
) -> Result<Option<Sighting>, PaymentError> {
    let plain = ListPaymentIntent::new().limit(SEARCHED_INTENTS);
    let request = plain.clone().customer(customer).build();
    let Some(answer) = get(transport, request, Some(plain.build())).await? else { return Ok(None) };
    let intents: Value = answer.json()?;
    let found = list(&intents, "").iter().find(|intent| own_purchase(intent) == Some(purchase));
    Ok(found.map(|intent| objects::read(Kind::Intent, "", intent, answer.sent_at)))
}

//! Pages of Stripe's: the checkout, where a customer pays, and the portal.

use std::collections::HashMap;

use domain::billing::offer::{Offer, PayMode};
use domain::ids::{PurchaseId, UserId};
use domain::money;
use domain::ports::payments::{CheckoutOrder, CheckoutPage, PaymentError};
use stripe_billing::billing_portal_session::CreateBillingPortalSession;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionCustomerCreation, CreateCheckoutSessionLineItems,
    CreateCheckoutSessionLineItemsPriceData, CreateCheckoutSessionLineItemsPriceDataRecurring,
    CreateCheckoutSessionLineItemsPriceDataRecurringInterval, CreateCheckoutSessionPaymentIntentData,
    CreateCheckoutSessionPaymentMethodOptions, CreateCheckoutSessionPaymentMethodOptionsCard,
    CreateCheckoutSessionPaymentMethodOptionsCardSetupFutureUsage, CreateCheckoutSessionSubscriptionData,
    ProductData,
};
use stripe_client_core::StripeRequest;
use stripe_shared::{CheckoutSessionLocale, CheckoutSessionMode};
use stripe_types::Currency;

use crate::error::unavailable;
use crate::json::{self, PLAN, PURCHASE};
use crate::look_up::is_name;
use crate::transport::Transport;

/// Opens a checkout. The purchase's id is its idempotency key: the same again answers the same session.
pub(crate) async fn open(transport: &Transport, order: &CheckoutOrder) -> Result<CheckoutPage, PaymentError> {
    let request = request(order).build();
    // Other parameters under the same key would be refused.
    let suffix = if order.without_customer { "-no-customer" } else { "" };
    let key = format!("{}{suffix}", order.purchase);
    let answer = transport.send(request, Some(&key)).await?.json()?;
    let part = |name: &str| {
        let missing = || unavailable(format!("Stripe: a checkout session without {name}"));
        json::text(&answer, &format!("/{name}")).ok_or_else(missing)
    };
    Ok(CheckoutPage { session: part("id")?, url: part("url")? })
}

/// Opens a page where a customer manages cards and subscriptions.
pub(crate) async fn open_portal(
    transport: &Transport,
    customer: &str,
    return_url: &str,
) -> Result<String, PaymentError> {
    if !is_name(customer) {
        return Err(PaymentError::Refused("no such customer".to_owned()));
    }
    let request = CreateBillingPortalSession::new().customer(customer).return_url(return_url).build();
    let answer = transport.send(request, None).await?.json()?;
    json::text(&answer, "/url").ok_or_else(|| unavailable("Stripe: a portal session without url"))
}

/// What a payment's parts carry, so that each of them names its purchase. Plan and user are for people who look
/// at it there: ours are the ones that count.
pub(crate) fn metadata(purchase: PurchaseId, offer: &Offer, user: UserId) -> HashMap<String, String> {
    HashMap::from([
        (PURCHASE.to_owned(), purchase.to_string()),
        (PLAN.to_owned(), offer.plan.as_str().to_owned()),
        ("user_id".to_owned(), user.to_string()),
    ])
}

/// Stripe's word for a currency.
pub(crate) fn currency(currency: money::Currency) -> Currency {
    match currency {
        money::Currency::Brl => Currency::BRL,
    }
}

/// No payment methods are listed: Stripe offers those that the account allows and the amount fits (card, boleto,
/// Pix).
fn request(order: &CheckoutOrder) -> CreateCheckoutSession {
    let metadata = metadata(order.purchase, &order.offer, order.user);
    let mut request = CreateCheckoutSession::new()
        .client_reference_id(order.purchase.to_string())
        .metadata(metadata.clone())
        .line_items(vec![line(order)])
        .locale(CheckoutSessionLocale::PtMinusBr)
        .expires_at(order.expires_at.as_micros().div_euclid(1_000_000))
        .success_url(&order.success_url)
        .cancel_url(&order.cancel_url);
    request = match order.mode {
        PayMode::Payment => {
            let mut data = CreateCheckoutSessionPaymentIntentData::new();
            data.metadata = Some(metadata);
            request.mode(CheckoutSessionMode::Payment).payment_intent_data(data)
        }
        PayMode::Subscription => {
            let mut data = CreateCheckoutSessionSubscriptionData::new();
            data.metadata = Some(metadata);
            request.mode(CheckoutSessionMode::Subscription).subscription_data(data)
        }
    };
    request = match (&order.customer, order.mode) {
        (Some(customer), _) => request.customer(customer),
        (None, PayMode::Payment) => request.customer_creation(CreateCheckoutSessionCustomerCreation::Always),
        // A subscription always makes one.
        (None, PayMode::Subscription) => request,
    };
    // A subscription keeps its card by itself.
    if order.keep_card && order.mode == PayMode::Payment {
        let mut card = CreateCheckoutSessionPaymentMethodOptionsCard::new();
        card.setup_future_usage =
            Some(CreateCheckoutSessionPaymentMethodOptionsCardSetupFutureUsage::OffSession);
        let mut options = CreateCheckoutSessionPaymentMethodOptions::new();
        options.card = Some(card);
        request = request.payment_method_options(options);
    }
    request
}

fn line(order: &CheckoutOrder) -> CreateCheckoutSessionLineItems {
    let mut line = CreateCheckoutSessionLineItems::new();
    line.quantity = Some(1);
    match &order.price {
        Some(price) => line.price = Some(price.clone()),
        None => line.price_data = Some(price_data(order)),
    }
    line
}

fn price_data(order: &CheckoutOrder) -> CreateCheckoutSessionLineItemsPriceData {
    let price = order.offer.price;
    let mut product = ProductData::new(format!("Créditos de IA - {}", order.title));
    product.description = Some(format!("{} créditos de IA", order.offer.credits.get()));
    let mut data = CreateCheckoutSessionLineItemsPriceData::new(currency(price.currency()));
    data.unit_amount = Some(price.minor());
    data.product_data = Some(product);
    if order.mode == PayMode::Subscription {
        let monthly = CreateCheckoutSessionLineItemsPriceDataRecurringInterval::Month;
        data.recurring = Some(CreateCheckoutSessionLineItemsPriceDataRecurring::new(monthly));
    }
    data
}

//! Paying back.

use std::collections::HashMap;

use domain::ports::payments::{PaymentError, RefundOrder};
use stripe_client_core::StripeRequest;
use stripe_core::refund::CreateRefund;

use crate::json::PURCHASE;
use crate::transport::{Transport, is_key};

/// Asks for a refund. Its state is not read: a refund that is taken may fail yet, and the charge will say so.
///
/// Stripe keeps idempotency keys for a day at least; an act that is older must not be repeated.
pub(crate) async fn refund(transport: &Transport, order: &RefundOrder) -> Result<(), PaymentError> {
    if !is_key(&order.key) {
        return Err(PaymentError::Refused("the refund's key cannot be sent".to_owned()));
    }
    let names = &order.names;
    let mut request = match (&names.intent, &names.charge) {
        (Some(intent), _) => CreateRefund::new().payment_intent(intent),
        (None, Some(charge)) => CreateRefund::new().charge(charge),
        (None, None) => {
            return Err(PaymentError::Refused("neither payment intent nor charge is known".to_owned()));
        }
    };
    if let Some(minor) = order.minor {
        request = request.amount(minor);
    }
    let purchase = (PURCHASE.to_owned(), order.purchase.to_string());
    let request = request.metadata(HashMap::from([purchase])).build();
    transport.send(request, Some(&order.key)).await?;
    Ok(())
}

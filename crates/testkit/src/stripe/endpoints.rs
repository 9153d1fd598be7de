//! What a server asks Stripe to do.

use serde_json::{Value, json};

use super::form::params;
use super::objects::{self, IntentTerms, SessionTerms};
use super::problem::Problem;
use super::state::{Draft, State};

/// How long a session is open, in seconds: at least, at most, and if nothing is said.
const OPEN_SECONDS: (i64, i64, i64) = (30 * 60, 24 * 3600, 24 * 3600);

/// `POST /v1/customers`
pub(super) fn customer(state: &mut State, given: &Value) -> Result<Value, Problem> {
    let metadata = params::metadata(given, "/metadata")?;
    let (email, name) = (params::text(given, "/email"), params::text(given, "/name"));
    let id = state.new_customer(email, name, &metadata);
    Ok(state.object(&id).clone())
}

/// `POST /v1/checkout/sessions`
pub(super) fn checkout_session(state: &mut State, given: &Value) -> Result<Value, Problem> {
    let mode = params::required(given, "/mode")?;
    let subscribes = match mode {
        "payment" => false,
        "subscription" => true,
        _ => return Err(Problem::invalid("mode", "parameter_invalid", "Invalid mode.")),
    };
    let (own, other) = if subscribes {
        ("subscription_data", ["payment_intent_data", "customer_creation"])
    } else {
        ("payment_intent_data", ["subscription_data", "payment_method_collection"])
    };
    if let Some(other) = other.into_iter().find(|other| given.get(*other).is_some()) {
        let message = format!("You can not pass `{other}` in `{mode}` mode.");
        return Err(Problem::contradiction(&message));
    }
    let success_url = params::required(given, "/success_url")?;
    let customer = known(state, "customer", params::text(given, "/customer"), "customer")?;
    let customer_email = params::text(given, "/customer_email");
    let customer_creation = params::text(given, "/customer_creation");
    if customer.is_some() && (customer_email.is_some() || customer_creation.is_some()) {
        let message =
            "You may only specify one of these parameters: customer, customer_email or customer_creation.";
        return Err(Problem::contradiction(message));
    }
    let metadata = params::metadata(given, "/metadata")?;
    let own_metadata = params::metadata(given, &format!("/{own}/metadata"))?;
    let at = state.now();
    let expires_at = params::integer(given, "/expires_at")?.unwrap_or(at + OPEN_SECONDS.2);
    if !(at + OPEN_SECONDS.0..=at + OPEN_SECONDS.1).contains(&expires_at) {
        let message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.";
        return Err(Problem::invalid("expires_at", "parameter_invalid", message));
    }
    let methods = match given.get("payment_method_types") {
        Some(methods) => methods.clone(),
        None if subscribes => json!(["card"]),
        None => json!(["card", "boleto"]),
    };
    let lines = lines(state, given, subscribes)?;
    let (minor, currency) = total(state, &lines)?;
    let (default_creation, creates) = ("if_required", !subscribes && customer.is_none());
    let terms = SessionTerms {
        mode,
        minor,
        currency: &currency,
        customer,
        customer_email,
        customer_creation: customer_creation.or(creates.then_some(default_creation)),
        reference: params::text(given, "/client_reference_id"),
        metadata,
        methods,
        locale: params::text(given, "/locale"),
        success_url,
        cancel_url: params::text(given, "/cancel_url"),
        expires_at,
    };
    let id = state.put(objects::session(at, terms));
    let future_usage = params::text(given, "/payment_intent_data/setup_future_usage").map(str::to_owned);
    let card_usage = params::text(given, "/payment_method_options/card/setup_future_usage");
    let keeps_card = future_usage.is_some() || card_usage.is_some_and(|usage| usage != "none");
    state.drafts.insert(id.clone(), Draft { lines, metadata: own_metadata, keeps_card, future_usage });
    Ok(state.object(&id).clone())
}

fn lines(state: &mut State, given: &Value, recurring: bool) -> Result<Vec<(String, i64)>, Problem> {
    let count = given["line_items"].as_array().map_or(0, Vec::len);
    if count == 0 {
        return Err(Problem::missing("line_items"));
    }
    if recurring && count > 1 {
        return Err(Problem::contradiction("This fake has one line in each subscription."));
    }
    let mut lines = Vec::new();
    for index in 0..count {
        let line = format!("/line_items/{index}");
        let quantity = params::amount(given, &format!("{line}/quantity"))?;
        let quantity =
            quantity.ok_or_else(|| Problem::missing(&params::name(&format!("{line}/quantity"))))?;
        let price = price(state, given, &line)?;
        if state.object(&price)["recurring"].is_object() != recurring {
            let message = if recurring {
                "You must provide at least one recurring price in `subscription` mode."
            } else {
                "You specified `payment` mode but passed a recurring price."
            };
            return Err(Problem::contradiction(message));
        }
        lines.push((price, quantity));
    }
    Ok(lines)
}

fn price(state: &mut State, given: &Value, line: &str) -> Result<String, Problem> {
    let param = format!("{line}/price");
    if let Some(id) = params::text(given, &param) {
        known(state, "price", Some(id), &params::name(&param))?;
        return Ok(id.to_owned());
    }
    let data = format!("{line}/price_data");
    let currency = params::required(given, &format!("{data}/currency"))?;
    if currency.len() != 3 || currency.chars().any(|letter| !letter.is_ascii_lowercase()) {
        let name = params::name(&format!("{data}/currency"));
        return Err(Problem::invalid(&name, "parameter_invalid", "Invalid currency."));
    }
    if params::text(given, &format!("{data}/product")).is_none() {
        params::required(given, &format!("{data}/product_data/name"))?;
    }
    let unit = format!("{data}/unit_amount");
    let minor = params::amount(given, &unit)?.ok_or_else(|| Problem::missing(&params::name(&unit)))?;
    let interval = params::text(given, &format!("{data}/recurring/interval"));
    if interval.is_none() && given.pointer(&format!("{data}/recurring")).is_some() {
        return Err(Problem::missing(&params::name(&format!("{data}/recurring/interval"))));
    }
    let at = state.now();
    Ok(state.put(objects::price(at, None, minor, currency, interval)))
}

fn total(state: &State, lines: &[(String, i64)]) -> Result<(i64, String), Problem> {
    let currency = |line: &(String, i64)| state.text(&line.0, "currency").unwrap_or_default();
    let first = lines.first().map(currency).unwrap_or_default();
    if lines.iter().any(|line| currency(line) != first) {
        return Err(Problem::contradiction("All line items must be of one currency."));
    }
    Ok((lines.iter().map(|(price, quantity)| state.number(price, "unit_amount") * quantity).sum(), first))
}

/// A name given as a parameter must be of something that is there.
fn known<'a>(
    state: &State,
    noun: &str,
    id: Option<&'a str>,
    param: &str,
) -> Result<Option<&'a str>, Problem> {
    match id {
        Some(id) if state.find(id).is_none_or(|object| object["object"] != noun) => {
            Err(Problem::no_such(400, noun, id, param))
        }
        _ => Ok(id),
    }
}

/// `POST /v1/payment_intents`, on the spot with `confirm=true`.
pub(super) fn payment_intent(state: &mut State, given: &Value) -> Result<Value, Problem> {
    let minor = params::amount(given, "/amount")?.ok_or_else(|| Problem::missing("amount"))?;
    let currency = params::required(given, "/currency")?;
    let customer = known(state, "customer", params::text(given, "/customer"), "customer")?;
    let method = params::text(given, "/payment_method");
    let method = known(state, "payment_method", method, "payment_method")?;
    let owner = method.and_then(|method| state.text(method, "customer"));
    if owner.as_deref().is_some_and(|owner| Some(owner) != customer) {
        let message = "The provided PaymentMethod does not belong to the Customer you supplied.";
        return Err(Problem::contradiction(message));
    }
    let confirm = params::flag(given, "/confirm");
    if params::flag(given, "/off_session") && !confirm {
        let message = "`off_session` may only be used with `confirm=true`.";
        return Err(Problem::invalid("off_session", "parameter_invalid", message));
    }
    if confirm && method.is_none() {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(Problem::invalid("payment_method", "payment_intent_unexpected_state", message));
    }
    let intent = state.open_intent(IntentTerms {
        minor,
        currency,
        customer,
        description: params::text(given, "/description"),
        metadata: params::metadata(given, "/metadata")?,
        method,
        methods: given.get("payment_method_types").cloned().unwrap_or_else(|| json!(["card"])),
        future_usage: params::text(given, "/setup_future_usage"),
    });
    if let (true, Some(method)) = (confirm, method) {
        if customer.is_some_and(|customer| state.declining.contains(customer)) {
            state.decline(&intent, method);
            return Err(Problem::declined(state.object(&intent)));
        }
        state.succeed(&intent, method);
    }
    Ok(state.object(&intent).clone())
}

/// `POST /v1/refunds`
pub(super) fn refund(state: &mut State, given: &Value) -> Result<Value, Problem> {
    let (charge, intent) = (params::text(given, "/charge"), params::text(given, "/payment_intent"));
    let (noun, id) = match (charge, intent) {
        (Some(id), _) => ("charge", id),
        (None, Some(id)) => ("payment_intent", id),
        (None, None) => {
            let message = "One of the following params should be provided for this request: payment_intent \
                           or charge.";
            return Err(Problem::contradiction(message));
        }
    };
    known(state, noun, Some(id), noun)?;
    let Some(charge) = state.charge_of(id) else {
        let message = "This PaymentIntent does not have a successful charge to refund.";
        return Err(Problem::contradiction(message));
    };
    let minor = params::amount(given, "/amount")?;
    let metadata = params::metadata(given, "/metadata")?;
    let refund = state.refund(&charge, minor, params::text(given, "/reason"), &metadata)?;
    Ok(state.object(&refund).clone())
}

/// `POST /v1/billing_portal/sessions`
pub(super) fn portal_session(state: &mut State, given: &Value) -> Result<Value, Problem> {
    let customer = params::required(given, "/customer")?;
    known(state, "customer", Some(customer), "customer")?;
    let at = state.now();
    let id = state.put(objects::portal_session(at, customer, params::text(given, "/return_url")));
    Ok(state.object(&id).clone())
}

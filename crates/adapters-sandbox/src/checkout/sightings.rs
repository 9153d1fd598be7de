//! What the sandbox remembers, in the words of the port.

use domain::billing::facts::{Evidence, Paid, Refunded};
use domain::billing::offer::PayMode;
use domain::billing::purchase::{Names, Progress};
use domain::clock::Timestamp;
use domain::money::Currency;
use domain::ports::payments::{Fact, InvoiceSighting, ObjectName, Sighting};

use super::objects::{has_ended, price};
use super::state::{Charge, Intent, IntentState, Invoice, Session, Stage, State, Subscription, Terms};

/// An object as it is now.
pub fn look_up(state: &State, name: &ObjectName, now: Timestamp) -> Option<Sighting> {
    let (names, terms, fact) = match name {
        ObjectName::Session(id) => session(state.sessions.get(id)?),
        ObjectName::SessionOfIntent(id) => {
            let own =
                |session: &&Session| session.mode == PayMode::Payment && session.intent.as_ref() == Some(id);
            session(state.sessions.values().find(own)?)
        }
        ObjectName::Intent(id) => intent(state.intents.get(id)?),
        ObjectName::Charge(id) => charge(state.charges.get(id)?, now),
        ObjectName::ChargeOfIntent(id) => charge(state.charge_of(id)?, now),
        ObjectName::Invoice(id) => invoice(state, state.invoices.get(id)?),
        ObjectName::InvoiceOfIntent(id) => {
            let own = |invoice: &&Invoice| invoice.intent.as_ref() == Some(id);
            invoice(state, state.invoices.values().find(own)?)
        }
        ObjectName::Subscription(id) => subscription(state.subscriptions.get(id)?),
        ObjectName::IntentOfPurchase { customer, purchase } => {
            let own = |intent: &&Intent| {
                let named = intent.terms.as_ref().is_some_and(|terms| terms.purchase == *purchase);
                named && intent.customer == *customer
            };
            intent(state.intents.values().find(own)?)
        }
    };
    Some(Sighting { purchase: terms.map(|terms| terms.purchase), names, fact, as_of: now })
}

type Seen<'a> = (Names, Option<&'a Terms>, Fact);

fn paid(minor: i64, mode: PayMode) -> Evidence {
    Evidence::Paid(Paid { minor, currency: Currency::Brl.as_str().to_owned(), mode })
}

fn session(session: &Session) -> Seen<'_> {
    let evidence = match session.stage {
        Stage::Open | Stage::Declined => None,
        Stage::Failed | Stage::Expired => Some(Evidence::Unpaid(Progress::Expired)),
        Stage::PaidByCard | Stage::BoletoPaid => Some(paid(session.terms.minor(), session.mode)),
        Stage::BoletoTaken => Some(Evidence::Unpaid(Progress::Processing)),
        Stage::BoletoMissed => Some(Evidence::Unpaid(Progress::Failed)),
    };
    let completed = !session.stage.is_open() && !session.stage.is_expired();
    let names = Names {
        session: Some(session.id.clone()),
        customer: (session.customer_known || completed).then(|| session.customer.clone()),
        intent: session.intent.clone().filter(|_| session.mode == PayMode::Payment),
        invoice: session.invoice.clone(),
        subscription: session.subscription.clone(),
        charge: None,
    };
    (names, Some(&session.terms), Fact::Session { mode: session.mode, evidence })
}

fn intent(intent: &Intent) -> Seen<'_> {
    let evidence = match intent.state {
        IntentState::Succeeded => Some(paid(intent.minor, PayMode::Payment)),
        IntentState::Declined | IntentState::BoletoMissed => Some(Evidence::Unpaid(Progress::Failed)),
        IntentState::AwaitsBoleto => None,
    };
    let names = Names {
        intent: Some(intent.id.clone()),
        customer: Some(intent.customer.clone()),
        charge: intent.charge.clone(),
        ..Names::default()
    };
    (names, intent.terms.as_ref(), Fact::Intent { evidence })
}

fn charge(charge: &Charge, now: Timestamp) -> Seen<'_> {
    let names = Names {
        charge: Some(charge.id.clone()),
        intent: Some(charge.intent.clone()),
        customer: Some(charge.customer.clone()),
        ..Names::default()
    };
    let refunded = Refunded { minor: charge.refunded, as_of: now };
    (names, charge.terms.as_ref(), Fact::Charge { refunded, method: Some(charge.method.to_owned()) })
}

fn invoice<'a>(state: &State, invoice: &'a Invoice) -> Seen<'a> {
    let intent = invoice.intent.clone();
    let names = Names {
        invoice: Some(invoice.id.clone()),
        customer: Some(invoice.customer.clone()),
        subscription: Some(invoice.subscription.clone()),
        charge: intent.as_ref().and_then(|intent| state.intents.get(intent)?.charge.clone()),
        intent,
        session: None,
    };
    let terms = &invoice.terms;
    let fact = Fact::Invoice(InvoiceSighting {
        reason: invoice.reason,
        paid: invoice.paid_at.map(|_| Paid {
            minor: terms.minor(),
            currency: Currency::Brl.as_str().to_owned(),
            mode: PayMode::Subscription,
        }),
        // That is what an event says; an invoice that is looked up is paid or not.
        whole: true,
        collecting_failed: false,
        period_end: Some(invoice.period.1),
        price: Some(price(terms)),
        plan: Some(terms.offer.plan.as_str().to_owned()),
    });
    (names, Some(terms), fact)
}

fn subscription(subscription: &Subscription) -> Seen<'_> {
    let names = Names {
        subscription: Some(subscription.id.clone()),
        customer: Some(subscription.customer.clone()),
        ..Names::default()
    };
    let fact = Fact::Subscription {
        status: subscription.state.as_str().to_owned(),
        cancel_at_period_end: subscription.cancel_at_period_end,
        ended: has_ended(subscription),
    };
    (names, Some(&subscription.terms), fact)
}

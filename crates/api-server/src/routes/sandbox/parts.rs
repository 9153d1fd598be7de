//! What pages are made of: rows of figures, and forms with one button.

use adapters_sandbox::{Act, PaymentView, SubscriptionView};
use domain::billing::offer::PayMode;

use super::texts;
use super::visit::Visit;

/// A label and its value.
pub struct Row {
    pub label: &'static str,
    pub value: String,
}

/// A form with one button.
pub struct Button {
    pub action: String,
    pub label: &'static str,
    pub event: &'static str,
    pub class: &'static str,
}

/// Buttons under a heading.
pub struct Group {
    pub heading: &'static str,
    pub buttons: Vec<Button>,
}

/// A sentence that stands out.
pub struct Notice {
    pub class: &'static str,
    pub text: &'static str,
}

/// Forms that post to a path and an act.
pub struct Forms<'a> {
    pub visit: &'a Visit,
    pub path: &'a str,
    pub mode: PayMode,
}

impl Forms<'_> {
    pub fn buttons(&self, acts: &[Act]) -> Vec<Button> {
        let button = |act: &Act| Button {
            action: format!("{}/{}{}", self.path, act.as_str(), self.visit.language_only()),
            label: texts::label(*act, self.visit.language),
            event: texts::main_event(*act, self.mode),
            class: class(*act),
        };
        acts.iter().map(button).collect()
    }

    pub fn groups(&self, acts: &[Act]) -> Vec<Group> {
        let headings = [
            (About::Checkout, self.visit.say("Outros desfechos", "Other outcomes")),
            (About::Subscription, self.visit.say("Assinatura", "Subscription")),
            (About::Money, self.visit.say("Dinheiro de volta", "Money back")),
        ];
        let group = |(about, heading)| {
            let own: Vec<Act> = acts.iter().copied().filter(|act| subject(*act) == about).collect();
            (!own.is_empty()).then(|| Group { heading, buttons: self.buttons(&own) })
        };
        headings.into_iter().filter_map(group).collect()
    }
}

/// What an act is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Checkout,
    Subscription,
    Money,
}

const fn subject(act: Act) -> About {
    match act {
        Act::PayByCard
        | Act::TakeBoleto
        | Act::PayBoleto
        | Act::MissBoleto
        | Act::Decline
        | Act::Fail
        | Act::Expire => About::Checkout,
        Act::Renew | Act::FailRenewal | Act::CancelAtPeriodEnd | Act::Keep | Act::CancelNow => {
            About::Subscription
        }
        Act::RefundAll | Act::RefundHalf | Act::Dispute | Act::WinDispute | Act::LoseDispute => About::Money,
    }
}

const fn class(act: Act) -> &'static str {
    match act {
        Act::PayByCard | Act::PayBoleto => "main",
        Act::Fail | Act::MissBoleto | Act::LoseDispute | Act::FailRenewal | Act::CancelNow => "bad",
        _ => "plain",
    }
}

pub fn credits(amount: i64, visit: &Visit) -> String {
    format!("{} {}", visit.language.grouped(amount), visit.say("créditos de IA", "AI credits"))
}

pub fn price(minor: i64, mode: PayMode, visit: &Visit) -> String {
    let amount = visit.language.reais(minor);
    match mode {
        PayMode::Payment => amount,
        PayMode::Subscription => format!("{amount} {}", visit.say("por mês", "a month")),
    }
}

pub fn payment_rows(payment: &PaymentView, visit: &Visit) -> Vec<Row> {
    let reais = |minor| visit.language.reais(minor);
    let method = match payment.method {
        "card" => visit.say("cartão", "card"),
        other => other,
    };
    let mut rows =
        vec![Row { label: visit.say("Pago", "Paid"), value: format!("{} ({method})", reais(payment.minor)) }];
    if payment.refunded > 0 {
        rows.push(Row { label: visit.say("Reembolsado", "Refunded"), value: reais(payment.refunded) });
    }
    if let Some(dispute) = payment.dispute {
        let state = texts::dispute(dispute.state, visit.language);
        let value = format!("{} ({state})", reais(dispute.minor));
        rows.push(Row { label: visit.say("Contestado", "Disputed"), value });
    }
    rows
}

pub fn subscription_rows(subscription: &SubscriptionView, visit: &Visit) -> Vec<Row> {
    let mut status = texts::status(subscription.status, visit.language).to_owned();
    if subscription.cancel_at_period_end && subscription.status != "canceled" {
        status.push_str(visit.say(", termina no fim do período", ", ends with its period"));
    }
    let mut rows = vec![
        Row { label: visit.say("Assinatura", "Subscription"), value: status },
        Row { label: visit.say("Pago até", "Paid until"), value: visit.date(subscription.paid_until) },
    ];
    if let Some(payment) = &subscription.payment {
        rows.extend(payment_rows(payment, visit));
    }
    rows
}

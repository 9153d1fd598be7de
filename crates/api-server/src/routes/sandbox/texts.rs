//! What the pages say, in Portuguese and English.

use adapters_sandbox::{Act, Stage};
use domain::billing::offer::PayMode;
use domain::billing::purchase::ReturnState;

use crate::http::texts::Language;
pub use crate::pages::figures::pick;

/// What a button says.
pub fn label(act: Act, language: Language) -> &'static str {
    let (portuguese, english) = match act {
        Act::PayByCard => ("Pagar com cartão", "Pay by card"),
        Act::TakeBoleto => ("Gerar boleto e pagar depois", "Take a boleto, pay later"),
        Act::PayBoleto => ("Boleto pago", "Boleto paid"),
        Act::MissBoleto => ("Boleto não pago (vence)", "Boleto not paid (runs out)"),
        Act::Decline => ("Cartão recusado (pode tentar de novo)", "Card declined (may try again)"),
        Act::Fail => ("Falhar o pagamento", "Fail the payment"),
        Act::Expire => ("Deixar o prazo passar", "Let the time run out"),
        Act::RefundAll => ("Reembolsar tudo", "Refund in full"),
        Act::RefundHalf => ("Reembolsar metade", "Refund half"),
        Act::Dispute => ("Contestar o pagamento", "Dispute the payment"),
        Act::WinDispute => ("Contestação ganha", "Dispute won"),
        Act::LoseDispute => ("Contestação perdida", "Dispute lost"),
        Act::Renew => ("Renovar agora", "Renew now"),
        Act::FailRenewal => ("Falhar a renovação", "Fail the renewal"),
        Act::CancelAtPeriodEnd => ("Cancelar no fim do período", "Cancel at period end"),
        Act::Keep => ("Desfazer o cancelamento", "Do not cancel after all"),
        Act::CancelNow => ("Cancelar agora", "Cancel now"),
    };
    pick(language, portuguese, english)
}

/// The event that matters among those that an act sends.
pub const fn main_event(act: Act, mode: PayMode) -> &'static str {
    match (act, mode) {
        (Act::PayByCard, PayMode::Payment) => "checkout.session.completed: paid",
        (Act::PayByCard, PayMode::Subscription) | (Act::Renew, _) => "invoice.paid",
        (Act::TakeBoleto, _) => "checkout.session.completed: unpaid",
        (Act::PayBoleto, _) => "checkout.session.async_payment_succeeded",
        (Act::MissBoleto, _) => "checkout.session.async_payment_failed",
        (Act::Decline, _) => "payment_intent.payment_failed",
        (Act::Fail | Act::Expire, _) => "checkout.session.expired",
        (Act::RefundAll | Act::RefundHalf, _) => "charge.refunded",
        (Act::Dispute, _) => "charge.dispute.created",
        (Act::WinDispute, _) => "charge.dispute.closed: won",
        (Act::LoseDispute, _) => "charge.dispute.closed: lost",
        (Act::FailRenewal, _) => "invoice.payment_failed",
        (Act::CancelAtPeriodEnd | Act::Keep, _) => "customer.subscription.updated",
        (Act::CancelNow, _) => "customer.subscription.deleted",
    }
}

/// What a checkout has come to, in a sentence; nothing while the customer is choosing.
pub fn stage(stage: Stage, language: Language) -> Option<&'static str> {
    let (portuguese, english) = match stage {
        Stage::Open => return None,
        Stage::Declined => (
            "O cartão foi recusado. Tente de novo ou escolha outra forma.",
            "The card was declined. Try again, or choose another way.",
        ),
        Stage::Failed => {
            ("O pagamento falhou. Nada foi comprado.", "The payment failed. Nothing was bought.")
        }
        Stage::Expired => (
            "O prazo passou e o checkout foi encerrado. Nada foi comprado.",
            "Time ran out and the checkout was closed. Nothing was bought.",
        ),
        Stage::PaidByCard => ("Pagamento concluído com cartão.", "Paid by card."),
        Stage::BoletoTaken => (
            "Boleto emitido. O pedido aguarda o pagamento: o que acontece agora?",
            "The boleto is issued and the order waits for its payment: what happens now?",
        ),
        Stage::BoletoPaid => ("Boleto pago.", "The boleto was paid."),
        Stage::BoletoMissed => (
            "O boleto venceu sem pagamento. Nada foi comprado.",
            "The boleto was not paid in time. Nothing was bought.",
        ),
    };
    Some(pick(language, portuguese, english))
}

/// Where a dispute stands.
pub fn dispute(state: ReturnState, language: Language) -> &'static str {
    match state {
        ReturnState::Open => pick(language, "aberta", "open"),
        ReturnState::Won => pick(language, "ganha", "won"),
        ReturnState::Lost => pick(language, "perdida", "lost"),
    }
}

/// A subscription's state.
pub fn status(word: &'static str, language: Language) -> &'static str {
    match word {
        "active" => pick(language, "ativa", "active"),
        "past_due" => pick(language, "pagamento pendente", "past due"),
        "canceled" => pick(language, "cancelada", "cancelled"),
        other => other,
    }
}

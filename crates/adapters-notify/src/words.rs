//! What letters say, in Portuguese and English.

use domain::billing::notice::{Audience, NoticeKind};
use domain::language::Language;

/// A subject line, and what stands above the figures.
pub struct Words {
    pub subject: &'static str,
    pub body: &'static str,
}

/// The words for a kind of notice.
pub fn of(kind: NoticeKind, language: Language) -> Words {
    let words = |subject: (&'static str, &'static str), body: (&'static str, &'static str)| Words {
        subject: language.pick(subject.0, subject.1),
        body: language.pick(body.0, body.1),
    };
    match kind {
        NoticeKind::LowBalance => words(
            ("Seus créditos de IA estão acabando", "Your AI credits are running low"),
            (
                "O saldo de créditos da sua conta chegou ao limite em que você quer ser avisado.",
                "The credits of your account have fallen to where you want to be told.",
            ),
        ),
        NoticeKind::PurchasePaid => words(
            ("Pagamento confirmado", "Payment received"),
            (
                "Recebemos o seu pagamento. Os créditos já estão na sua conta.",
                "Your payment has arrived. The credits are in your account.",
            ),
        ),
        NoticeKind::PaymentFailed => words(
            ("Pagamento não concluído", "Payment failed"),
            (
                "O pagamento não foi concluído e nenhum crédito foi adicionado. Você pode tentar de novo.",
                "The payment did not go through, and no credits were added. You can try again.",
            ),
        ),
        NoticeKind::CheckoutExpired => words(
            ("Compra não concluída", "Purchase not finished"),
            (
                "A compra não foi concluída a tempo e foi encerrada. Nada foi cobrado.",
                "The purchase was not finished in time and is closed. Nothing was charged.",
            ),
        ),
        NoticeKind::RenewalPaid => words(
            ("Plano renovado", "Plan renewed"),
            (
                "O seu plano foi renovado. Os créditos do novo período já estão na sua conta.",
                "Your plan was renewed. The new period's credits are in your account.",
            ),
        ),
        NoticeKind::RenewalFailed => words(
            ("Não foi possível renovar o seu plano", "Your plan could not be renewed"),
            (
                "A cobrança da renovação falhou. Verifique a forma de pagamento para não perder o plano.",
                "The renewal could not be collected. Check how you pay, so that you keep the plan.",
            ),
        ),
        NoticeKind::DisputeOpened => words(
            ("Pagamento contestado", "Payment disputed"),
            (
                "Um pagamento da sua conta foi contestado. O uso de créditos fica suspenso até a decisão.",
                "A payment of your account is disputed. Spending is suspended until that is decided.",
            ),
        ),
        NoticeKind::TopUpDisabled => words(
            ("Recarga automática desligada", "Automatic top-up is off"),
            (
                "A recarga automática da sua conta foi desligada. Você pode ligá-la de novo quando quiser.",
                "Automatic top-up of your account was switched off. You can switch it on again at any time.",
            ),
        ),
        NoticeKind::PaymentMismatch => words(
            ("[Saldo] Pagamento diferente do pedido", "[Saldo] A payment is not what was asked for"),
            (
                "Chegou um pagamento diferente do que foi pedido. Nenhum crédito foi concedido.",
                "A payment arrived that is not what was asked for. Nothing was granted.",
            ),
        ),
        NoticeKind::FraudWarning => words(
            ("[Saldo] Aviso de fraude", "[Saldo] Fraud warning"),
            (
                "O provedor de pagamentos avisa que um pagamento pode ser fraude.",
                "The payment provider warns that a payment may be fraud.",
            ),
        ),
        NoticeKind::PaidAfterClosing => words(
            ("[Saldo] Pagamento para uma conta encerrada", "[Saldo] A payment for a closed account"),
            (
                "Chegou um pagamento para uma conta que o usuário encerrou. Os créditos foram lançados, mas ninguém \
                 pode usá-los: devolva o dinheiro.",
                "A payment arrived for an account that its user has closed. The credits are booked, but nobody can \
                 spend them: pay the money back.",
            ),
        ),
        NoticeKind::WebhookDisabled => words(
            ("[Saldo] Webhook de avisos desativado", "[Saldo] The webhook of notices is off"),
            (
                "O endereço de ALERT_WEBHOOK_URL deixou de receber os avisos e foi desativado. Depois de corrigi-lo, \
                 reative-o com `api-server alerts enable`.",
                "The address of ALERT_WEBHOOK_URL takes no notices any more, and was switched off. When it is mended, \
                 switch it on with `api-server alerts enable`.",
            ),
        ),
    }
}

/// Why somebody gets the letter.
pub const fn footer(audience: Audience, language: Language) -> &'static str {
    match (audience, language) {
        (Audience::User, Language::Portuguese) => {
            "Você recebe este e-mail porque pôs este endereço nos avisos da sua conta. Para não receber mais, retire-o de lá."
        }
        (Audience::User, Language::English) => {
            "You get this letter because you set this address in the alerts of your account. Remove it there to get no more."
        }
        (Audience::Admin, Language::Portuguese) => {
            "Você recebe este e-mail porque ADMIN_EMAIL é este endereço."
        }
        (Audience::Admin, Language::English) => "You get this letter because ADMIN_EMAIL is this address.",
    }
}

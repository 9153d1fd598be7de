//! Words for what the books call states and kinds, and how they stand out.

use crate::pages::look::Look;

/// A word with the look of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pill {
    pub text: String,
    /// `good`, `bad`, `warn` or nothing.
    pub class: &'static str,
}

impl Pill {
    fn new(text: impl Into<String>, class: &'static str) -> Self {
        Self { text: text.into(), class }
    }
}

/// How a request ended.
pub fn outcome(word: &str, look: Look) -> Pill {
    let (text, class) = match word {
        "settled" => (look.say("respondida", "answered"), "good"),
        "upstream_failed" => (look.say("provedor falhou", "provider failed"), "bad"),
        "no_output" => (look.say("sem resposta", "no output"), "bad"),
        "unusable" => (look.say("resposta ilegível", "unusable answer"), "bad"),
        "unknown" => (look.say("sem resposta a tempo", "no answer in time"), "warn"),
        "broken_off" => (look.say("interrompida", "broken off"), "warn"),
        "abandoned" => (look.say("abandonada", "abandoned"), ""),
        other => return Pill::new(other, ""),
    };
    Pill::new(text, class)
}

/// What kind of request.
pub fn request_kind(word: &str, look: Look) -> String {
    match word {
        "assistant" => look.say("assistente", "assistant").to_owned(),
        "insights" => "insights".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What a journal entry records.
pub fn entry(word: &str, look: Look) -> Pill {
    let (text, class) = match word {
        "grant" => (look.say("concessão", "grant"), "good"),
        "use" => (look.say("uso", "use"), ""),
        "expire" => (look.say("expiração", "expiry"), "warn"),
        "claw_back" => (look.say("estorno", "claw-back"), "bad"),
        "restore" => (look.say("devolução do estorno", "restore"), "good"),
        "adjust" => (look.say("ajuste", "adjustment"), "warn"),
        other => return Pill::new(other, ""),
    };
    Pill::new(text, class)
}

/// Where a purchase stands.
pub fn standing(word: &str, look: Look) -> Pill {
    let (text, class) = match word {
        "created" => (look.say("aguardando pagamento", "waiting for payment"), ""),
        "processing" => (look.say("em processamento", "processing"), "warn"),
        "expired" => (look.say("abandonada", "left"), ""),
        "failed" => (look.say("falhou", "failed"), "bad"),
        "paid" => (look.say("paga", "paid"), "good"),
        "disputed" => (look.say("contestada", "disputed"), "bad"),
        "partly_refunded" => (look.say("devolvida em parte", "partly refunded"), "warn"),
        "refunded" => (look.say("devolvida", "refunded"), "warn"),
        other => return Pill::new(other, ""),
    };
    Pill::new(text, class)
}

/// What a purchase is for.
pub fn purchase_kind(word: &str, look: Look) -> String {
    match word {
        "pack" => look.say("pacote", "pack").to_owned(),
        "subscription" => look.say("assinatura", "subscription").to_owned(),
        "renewal" => look.say("renovação", "renewal").to_owned(),
        "top_up" => look.say("recarga automática", "automatic top-up").to_owned(),
        other => other.to_owned(),
    }
}

/// How something was paid.
pub fn method(word: Option<&str>, look: Look) -> String {
    match word {
        None => "—".to_owned(),
        Some("card") => look.say("cartão", "card").to_owned(),
        Some("pix") => "Pix".to_owned(),
        Some(other) => other.to_owned(),
    }
}

/// What a notice is about.
pub fn notice(word: &str, look: Look) -> Pill {
    let (text, class) = match word {
        "low_balance" => (look.say("saldo baixo", "low balance"), "warn"),
        "purchase_paid" => (look.say("compra paga", "purchase paid"), "good"),
        "payment_failed" => (look.say("pagamento falhou", "payment failed"), "bad"),
        "checkout_expired" => (look.say("checkout abandonado", "checkout left"), ""),
        "renewal_paid" => (look.say("renovação paga", "renewal paid"), "good"),
        "renewal_failed" => (look.say("renovação falhou", "renewal failed"), "bad"),
        "dispute_opened" => (look.say("contestação aberta", "dispute opened"), "bad"),
        "top_up_disabled" => (look.say("recarga desligada", "top-up switched off"), "warn"),
        "payment_mismatch" => (look.say("pagamento não confere", "payment mismatch"), "bad"),
        "paid_after_closing" => (look.say("pagou conta encerrada", "paid after closing"), "warn"),
        "webhook_disabled" => (look.say("webhook desativado", "webhook disabled"), "bad"),
        "fraud_warning" => (look.say("alerta de fraude", "fraud warning"), "bad"),
        other => return Pill::new(other.replace('_', " "), ""),
    };
    Pill::new(text, class)
}

/// What an entry of the audit log is about.
pub fn action(word: &str, look: Look) -> String {
    match word {
        "credits.grant" => look.say("concedeu créditos", "gave credits").to_owned(),
        "credits.adjust" => look.say("retirou créditos", "took credits").to_owned(),
        "account.suspend" => look.say("suspendeu a conta", "suspended the account").to_owned(),
        "account.resume" => look.say("retirou a suspensão", "lifted the suspension").to_owned(),
        "purchase.refund" => look.say("pediu devolução", "asked for a refund").to_owned(),
        "purchase.refunded" => look.say("devolução feita", "refunded").to_owned(),
        "api_key.create" => look.say("criou uma chave de API", "made an API key").to_owned(),
        "api_key.revoke" => look.say("revogou uma chave de API", "revoked an API key").to_owned(),
        "alerts.set" => look.say("mudou os avisos", "changed the alerts").to_owned(),
        "auto_top_up.set" => {
            look.say("mudou a recarga automática", "changed the automatic top-up").to_owned()
        }
        "account.close" => look.say("encerrou a conta", "closed the account").to_owned(),
        "webhook.enable" => look.say("reativou o webhook", "switched the webhook on again").to_owned(),
        "catalogue.change" => look.say("catálogo em vigor", "catalogue in force").to_owned(),
        other => other.to_owned(),
    }
}

/// What a fact of the audit log is called.
pub fn fact(name: &str, look: Look) -> String {
    match name {
        "total_credits" => look.say("créditos no total", "credits in total").to_owned(),
        "used_credits" => look.say("usados", "used").to_owned(),
        "available_credits" => look.say("disponíveis", "available").to_owned(),
        "owed_credits" => look.say("devidos", "owed").to_owned(),
        "plan_type" => look.say("plano", "plan").to_owned(),
        "suspensions" => look.say("suspensões", "suspensions").to_owned(),
        "status" => look.say("situação", "status").to_owned(),
        "returned_minor" => look.say("devolvido", "paid back").to_owned(),
        "asked_minor" => look.say("a devolver", "to be paid back").to_owned(),
        "scopes" => look.say("permissões", "scopes").to_owned(),
        "spend_cap" => look.say("limite de gasto", "spend cap").to_owned(),
        "expires" => look.say("expira", "expires").to_owned(),
        "revoked" => look.say("revogada", "revoked").to_owned(),
        "low_balance_threshold" => look.say("aviso abaixo de", "notice below").to_owned(),
        "email" => "e-mail".to_owned(),
        "language" => look.say("idioma", "language").to_owned(),
        "enabled" => look.say("ligada", "on").to_owned(),
        "threshold" => look.say("abaixo de", "below").to_owned(),
        "monthly_cap_minor" => look.say("limite por mês", "cap for a month").to_owned(),
        "closed" => look.say("encerrada", "closed").to_owned(),
        "plans" => look.say("planos", "plans").to_owned(),
        "charges" => look.say("cobranças", "charges").to_owned(),
        "usd_per_million_tokens" => {
            look.say("dólares por milhão de tokens", "dollars for a million tokens").to_owned()
        }
        "default_model" => look.say("modelo padrão", "default model").to_owned(),
        "usd_brl_e4" => look.say("reais por 10.000 dólares", "reais for 10,000 dollars").to_owned(),
        other => other.replace('_', " "),
    }
}

/// Where a lot came from.
pub fn lot(word: &str, look: Look) -> String {
    match word {
        "purchase" => look.say("compra", "purchase").to_owned(),
        "plan" => look.say("assinatura", "subscription").to_owned(),
        "bonus" => look.say("bônus", "bonus").to_owned(),
        "manual" => look.say("concedido por admin", "given by an admin").to_owned(),
        "restore" => look.say("devolução do estorno", "restored").to_owned(),
        other => other.to_owned(),
    }
}

/// A plan.
pub fn plan(name: &str, look: Look) -> String {
    match name {
        "free" => look.say("grátis", "free").to_owned(),
        "unknown" => look.say("desconhecido", "unknown").to_owned(),
        other => other.to_owned(),
    }
}

/// A long id's beginning and end.
pub fn short(id: &str) -> String {
    let count = id.chars().count();
    if count <= 16 {
        return id.to_owned();
    }
    let start: String = id.chars().take(8).collect();
    let end: String = id.chars().skip(count - 4).collect();
    format!("{start}…{end}")
}

/// The same of a name with a word before it: `user:0193d2a1…4e5f`.
pub fn short_name(name: &str) -> String {
    match name.split_once(':') {
        Some((word, id)) => format!("{word}:{}", short(id)),
        None => short(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ids_are_shortened_wherever_their_letters_end() {
        assert_eq!(short("demo-user"), "demo-user");
        assert_eq!(short("0193d2a1-7b1c-7e1d-8a6f-0a1b2c3d4e5f"), "0193d2a1…4e5f");
        assert_eq!(short_name("user:0193d2a1-7b1c-7e1d-8a6f-0a1b2c3d4e5f"), "user:0193d2a1…4e5f");
        assert_eq!(short("áááááááááááááááááááá"), "áááááááá…áááá");
    }
}

//! What problems say, in Portuguese and English.

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};
pub use domain::language::Language;
use domain::ledger::api_keys::MOST_LIVE;
use domain::services::assistant::question::FieldRule;

use super::problem::Kind;

/// The language of ours that `Accept-Language` wants most; without a wish, Portuguese.
pub fn language_of(headers: &HeaderMap) -> Language {
    let wish = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best = (0, Language::Portuguese);
    for part in wish.split(',') {
        let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
        let language = match tag.trim().to_ascii_lowercase().split('-').next() {
            Some("pt" | "*") => Language::Portuguese,
            Some("en") => Language::English,
            _ => continue,
        };
        let weight = thousandths(parameters.trim().strip_prefix("q=").unwrap_or("1"));
        if weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

/// A quality value (`0`, `0.8`, `1.000`) in thousandths.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    format!("{whole}{fraction}").parse().unwrap_or(0)
}

/// A short title, and a sentence that can be shown to a person.
pub fn say(kind: &Kind, language: Language) -> (&'static str, String) {
    let texts = |title: (&'static str, &'static str), message: (&str, &str)| {
        (language.pick(title.0, title.1), language.pick(message.0, message.1).to_owned())
    };
    match kind {
        Kind::MalformedJson => texts(
            ("JSON inválido", "Malformed JSON"),
            ("O corpo da requisição não é um JSON válido.", "The request body is not valid JSON."),
        ),
        Kind::BadRequest => texts(
            ("Requisição inválida", "Bad request"),
            ("A requisição não pôde ser entendida.", "The request could not be understood."),
        ),
        Kind::Invalid(_) => texts(
            ("Requisição inválida", "Invalid request"),
            ("Há campos inválidos na requisição.", "Some fields of the request are not valid."),
        ),
        Kind::BodyTooLarge => texts(
            ("Requisição grande demais", "Body too large"),
            ("O corpo da requisição passa de 256 KiB.", "The request body is larger than 256 KiB."),
        ),
        Kind::BodyTimeout => texts(
            ("Tempo esgotado", "Timed out"),
            ("O corpo da requisição não chegou a tempo.", "The request body did not arrive in time."),
        ),
        Kind::Unauthorized => texts(
            ("Não autenticado", "Unauthorized"),
            (
                "Entre novamente: o acesso é inválido ou expirou.",
                "Sign in again: the token is missing, invalid or expired.",
            ),
        ),
        Kind::Forbidden => texts(
            ("Acesso negado", "Forbidden"),
            ("Você não tem permissão para isso.", "You are not allowed to do this."),
        ),
        Kind::Suspended => texts(
            ("Conta suspensa", "Account suspended"),
            ("Sua conta está suspensa. Fale com o suporte.", "Your account is suspended. Contact support."),
        ),
        Kind::AccountClosed => texts(
            ("Conta encerrada", "Account closed"),
            ("Esta conta foi encerrada pelo usuário.", "This account was closed by its user."),
        ),
        Kind::RequestsRunning => texts(
            ("Requisições em andamento", "Requests are running"),
            (
                "Ainda há requisições em andamento. Tente encerrar a conta de novo em instantes.",
                "Requests are still running. Try to close the account again in a moment.",
            ),
        ),
        Kind::SubscriptionRenews => texts(
            ("Assinatura ativa", "Subscription renews"),
            (
                "Cancele a renovação da assinatura antes de encerrar a conta.",
                "Cancel the subscription's renewal before you close the account.",
            ),
        ),
        Kind::SubscriptionPaid => texts(
            ("Assinatura paga", "Subscription is paid"),
            (
                "O período pago da assinatura ainda não acabou. Para abrir mão dele, confirme com forfeit=true.",
                "The subscription's paid period is not over. To give it up, confirm with forfeit=true.",
            ),
        ),
        Kind::CreditsRemain { available } => (
            language.pick("Ainda há créditos", "Credits are left"),
            language.pick(
                format!(
                    "A conta ainda tem {available} créditos. Para abrir mão deles, confirme com forfeit=true."
                ),
                format!(
                    "The account still has {available} credits. To give them up, confirm with forfeit=true."
                ),
            ),
        ),
        Kind::InsufficientCredits { available, .. } => (
            language.pick("Créditos insuficientes", "Insufficient credits"),
            language.pick(
                format!("Você tem apenas {available} créditos."),
                format!("You have only {available} credits."),
            ),
        ),
        Kind::ApiKeyCapReached { available, .. } => (
            language.pick("Limite da chave de API atingido", "API key cap reached"),
            language.pick(
                format!("Esta chave de API só pode gastar mais {available} créditos."),
                format!("This API key may spend only {available} more credits."),
            ),
        ),
        Kind::TooManyApiKeys => (
            language.pick("Chaves de API demais", "Too many API keys"),
            language.pick(
                format!("Você já tem {MOST_LIVE} chaves de API ativas. Revogue uma para criar outra."),
                format!("You have {MOST_LIVE} live API keys already. Revoke one to make another."),
            ),
        ),
        Kind::NoCredits { .. } => texts(
            ("Sem créditos", "No credits"),
            ("Você não tem créditos de IA. Adquira um plano.", "You have no AI credits. Buy a plan."),
        ),
        Kind::KeyInProgress => texts(
            ("Requisição em andamento", "Request in progress"),
            (
                "Uma requisição com esta Idempotency-Key ainda está em andamento.",
                "A request with this Idempotency-Key is still running.",
            ),
        ),
        Kind::KeyMismatch => texts(
            ("Idempotency-Key já usada", "Idempotency-Key already used"),
            (
                "Esta Idempotency-Key já foi usada com outra requisição.",
                "This Idempotency-Key was used with another request.",
            ),
        ),
        Kind::AnswerNotKept => texts(
            ("Resposta não guardada", "Answer not kept"),
            (
                "A requisição com esta Idempotency-Key já foi respondida e a resposta não foi guardada. Nada foi cobrado agora.",
                "The request with this Idempotency-Key was answered and the answer was not kept. Nothing was charged now.",
            ),
        ),
        Kind::NotEnough { available } => (
            language.pick("Créditos insuficientes", "Not enough credits"),
            language.pick(
                format!("A conta tem apenas {available} créditos disponíveis."),
                format!("Only {available} credits are available on the account."),
            ),
        ),
        // What the provider says is passed on where the client speaks its language; it is not for people.
        Kind::Rejected(_) => texts(
            ("Requisição recusada pelo provedor", "Request rejected by the provider"),
            ("O provedor do modelo recusou a requisição.", "The model's provider rejected the request."),
        ),
        Kind::RateLimited { retry_after, .. } => (
            language.pick("Limite atingido", "Limit reached"),
            language.pick(
                format!("Muitas requisições. Tente de novo em {} s.", retry_after.as_secs_up()),
                format!("Too many requests. Try again in {} s.", retry_after.as_secs_up()),
            ),
        ),
        Kind::ModelNotAvailable => texts(
            ("Modelo indisponível", "Model not available"),
            (
                "O modelo pedido não existe ou não está à venda.",
                "The model does not exist or is not for sale.",
            ),
        ),
        Kind::AiUnavailable | Kind::AiBusy { .. } => texts(
            ("Conexão com OpenAI falhou", "Connection to OpenAI failed"),
            (
                "A IA não respondeu. Nada foi cobrado. Tente novamente em instantes.",
                "The AI did not answer. Nothing was charged. Try again in a moment.",
            ),
        ),
        Kind::AiTimeout => texts(
            ("A IA demorou demais", "The AI took too long"),
            (
                "A IA não respondeu a tempo. Nada foi cobrado. Tente novamente.",
                "The AI did not answer in time. Nothing was charged. Try again.",
            ),
        ),
        Kind::BillingNotConfigured => texts(
            ("Pagamentos não configurados", "Billing not configured"),
            ("A venda de créditos não está disponível.", "Credits are not for sale here."),
        ),
        Kind::PaymentUnavailable => texts(
            ("Pagamento indisponível", "Payment unavailable"),
            (
                "O serviço de pagamento não respondeu. Nada foi cobrado. Tente novamente em instantes.",
                "The payment service did not answer. Nothing was charged. Try again in a moment.",
            ),
        ),
        Kind::PaymentRefused => texts(
            ("Pagamento recusado", "Payment refused"),
            ("O serviço de pagamento recusou o pedido.", "The payment service refused the request."),
        ),
        Kind::NoCustomer => texts(
            ("Sem compras", "No purchases"),
            ("Você ainda não fez nenhuma compra.", "You have not bought anything yet."),
        ),
        Kind::NotPaid => texts(
            ("Compra não paga", "Purchase not paid"),
            ("Esta compra não foi paga.", "This purchase was not paid."),
        ),
        Kind::RefundByHand => texts(
            ("Reembolso manual", "Refund by hand"),
            (
                "Boleto não tem reembolso pelo Stripe. Devolva por transferência e registre com `manual: true`.",
                "Stripe cannot refund a boleto. Pay it back by transfer and record that with `manual: true`.",
            ),
        ),
        Kind::AlreadyRefunded => texts(
            ("Já devolvido", "Already refunded"),
            ("Nada mais há para devolver desta compra.", "Nothing is left to pay back of this purchase."),
        ),
        Kind::BadSignature => texts(
            ("Assinatura inválida", "Bad signature"),
            ("A assinatura do webhook não confere.", "The webhook's signature does not match."),
        ),
        Kind::TemporarilyUnavailable => texts(
            ("Temporariamente indisponível", "Temporarily unavailable"),
            (
                "O serviço está temporariamente indisponível. Tente novamente em instantes.",
                "The service is temporarily unavailable. Try again in a moment.",
            ),
        ),
        Kind::NotReady(_) => texts(
            ("Não está pronto", "Not ready"),
            ("O servidor não pode atender agora.", "The server cannot work now."),
        ),
        Kind::NotFound => texts(
            ("Não encontrado", "Not found"),
            ("Não há nada neste endereço.", "There is nothing at this address."),
        ),
        Kind::MethodNotAllowed => texts(
            ("Método não permitido", "Method not allowed"),
            ("Este endereço não aceita esse método.", "This address does not take that method."),
        ),
        Kind::Internal => texts(
            ("Erro interno", "Internal error"),
            ("Algo deu errado do nosso lado.", "Something went wrong on our side."),
        ),
    }
}

/// What a field must be, as a sentence.
pub fn rule(rule: &FieldRule, language: Language) -> String {
    let texts = |portuguese: &str, english: &str| language.pick(portuguese, english).to_owned();
    match rule {
        FieldRule::Required => texts("é obrigatório", "is required"),
        FieldRule::Type(name) => {
            language.pick(format!("deve ser {}", type_name(name)), format!("must be {name}"))
        }
        FieldRule::NotBlank => texts("não pode estar vazio", "must not be blank"),
        FieldRule::AtMostChars(most) => language.pick(
            format!("deve ter no máximo {most} caracteres"),
            format!("must have at most {most} characters"),
        ),
        FieldRule::OneOf(words) => {
            let list = words.join(", ");
            language.pick(format!("deve ser um de: {list}"), format!("must be one of: {list}"))
        }
        FieldRule::KnownPlan => texts("não é um plano à venda", "is no plan that is for sale"),
        FieldRule::AmountWithin(most) => language.pick(
            format!("deve ser um inteiro diferente de zero, de -{most} a {most}"),
            format!("must be a whole number other than zero, from -{most} to {most}"),
        ),
        FieldRule::FutureTime => {
            texts("deve ser um momento futuro em RFC 3339", "must be a future time in RFC 3339")
        }
        FieldRule::DateOrTime => {
            texts("deve ser AAAA-MM-DD ou um momento em RFC 3339", "must be YYYY-MM-DD or a time in RFC 3339")
        }
        FieldRule::BeforeTo => texts("deve vir antes de `to`", "must come before `to`"),
        FieldRule::NotBeside(name) => language
            .pick(format!("não pode acompanhar `{name}`"), format!("must not come together with `{name}`")),
        FieldRule::WholeWithin(least, most) => language.pick(
            format!("deve ser um inteiro de {least} a {most}"),
            format!("must be a whole number from {least} to {most}"),
        ),
        FieldRule::Cursor => texts("não é um cursor desta lista", "is not a cursor of this list"),
        FieldRule::IdempotencyKey => texts(
            "deve ter de 1 a 255 caracteres ASCII visíveis",
            "must be 1 to 255 visible ASCII characters",
        ),
        FieldRule::RoomToAnswer => texts(
            "é longo demais: não sobra espaço para a resposta do modelo",
            "is too long: it leaves the model no room to answer",
        ),
        FieldRule::WithinLimit => texts(
            "é maior que um limite da conta: nunca poderá ser atendido",
            "is larger than a limit of the account: it can never be served",
        ),
        FieldRule::OnlyWithGrants => texts(
            "só vale para créditos concedidos (amount positivo)",
            "goes with granted credits only (a positive amount)",
        ),
        FieldRule::EmailAddress => texts(
            "deve ser um endereço de e-mail, como maria@example.com",
            "must be an e-mail address such as maria@example.com",
        ),
        FieldRule::NoImages => {
            texts("tem imagens, que este modelo não aceita", "has images, which this model does not take")
        }
        FieldRule::Printable => {
            texts("não pode ter caracteres de controle", "must not have control characters")
        }
        FieldRule::Scopes(scopes) => {
            let list = scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
            language.pick(
                format!("deve ser uma das permissões que você pode dar a uma chave: {list}"),
                format!("must be one of the scopes that you can give to a key: {list}"),
            )
        }
        FieldRule::Unsupported => {
            texts("ainda não é suportado nesta versão", "is not supported by this version yet")
        }
        FieldRule::CostUnbounded => texts(
            "não é aceito: o custo não pode ser limitado de antemão",
            "is not accepted: what it costs cannot be bounded beforehand",
        ),
        FieldRule::AtLeastItems(least) => language.pick(
            format!("deve ter no mínimo {least} elemento(s)"),
            format!("must have at least {least} element(s)"),
        ),
        FieldRule::AtMostItems(most) => language.pick(
            format!("deve ter no máximo {most} elementos"),
            format!("must have at most {most} elements"),
        ),
        FieldRule::AtMostBuckets(most) => language.pick(
            format!("o período tem mais de {most} intervalos assim: encurte-o ou use intervalos maiores"),
            format!("the range has more than {most} such buckets: make it shorter, or the buckets longer"),
        ),
    }
}

fn type_name(english: &str) -> &'static str {
    match english {
        "a string" => "um texto",
        "a number" => "um número",
        "a whole number" => "um número inteiro",
        "an object" => "um objeto",
        "a list" => "uma lista",
        "a string or a list" => "um texto ou uma lista",
        "a string, or a list of strings, of tokens, or of lists of tokens" => {
            "um texto, ou uma lista de textos, de tokens ou de listas de tokens"
        }
        "true or false" => "verdadeiro ou falso",
        _ => "de outro tipo",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn the_language_most_wanted_is_spoken_and_portuguese_otherwise() {
        for (wish, expected) in [
            ("en", Language::English),
            ("en-GB,pt;q=0.9", Language::English),
            ("en;q=0.3, pt-BR;q=0.8", Language::Portuguese),
            ("fr, de", Language::Portuguese),
            ("", Language::Portuguese),
            ("en;q=0", Language::Portuguese),
            ("en;q=banana", Language::Portuguese),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(wish).unwrap());
            assert_eq!(language_of(&headers), expected, "{wish}");
        }
    }
}

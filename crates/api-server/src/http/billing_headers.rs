//! What an AI answer says of credits and limits in its headers.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::clock::Span;
use domain::ledger::command::{Allowance, Allowances};
use domain::services::metering::{Bill, Terms};

use super::headers::{IDEMPOTENCY_REPLAYED, X_CREDITS_CHARGED, X_CREDITS_REMAINING};

/// The output limit that was sent to the model, where it was lowered to what the held credits pay.
pub const X_MAX_OUTPUT_TOKENS: HeaderName = HeaderName::from_static("x-max-output-tokens");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The parts of a limit, in the headers that OpenAI's clients know.
const PARTS: [&str; 3] = ["limit", "remaining", "reset"];
/// What is limited.
const LIMITED: [&str; 2] = ["requests", "tokens"];

fn de_facto(part: &str, name: &str) -> Option<HeaderName> {
    HeaderName::try_from(format!("x-ratelimit-{part}-{name}")).ok()
}

/// What a program in a browser may read of an AI answer's head, beside what every answer has.
pub fn exposed() -> Vec<HeaderName> {
    let own = [
        X_CREDITS_CHARGED,
        X_CREDITS_REMAINING,
        X_MAX_OUTPUT_TOKENS,
        IDEMPOTENCY_REPLAYED,
        RATE_LIMIT,
        RATE_LIMIT_POLICY,
    ];
    let limits =
        LIMITED.into_iter().flat_map(|name| PARTS.into_iter().filter_map(move |part| de_facto(part, name)));
    own.into_iter().chain(limits).collect()
}

/// Of an answer that is whole: what it cost, too. (A stream says that in its last event.)
pub fn of_answer(bill: &Bill, terms: Option<&Terms>) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((X_CREDITS_CHARGED, bill.charged_now().get()));
    response.insert_header((X_CREDITS_REMAINING, bill.remaining.get()));
    if bill.replayed {
        response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
    }
    if let Some(terms) = terms {
        of_terms(&mut response, terms);
    }
    response
}

/// What is known before there is an answer.
pub fn of_terms(response: &mut HttpResponseBuilder, terms: &Terms) {
    if let Some(lowered) = terms.lowered_output {
        response.insert_header((X_MAX_OUTPUT_TOKENS, lowered.get()));
    }
    let Allowances { requests, tokens } = terms.allowances;
    let known: Vec<(&str, Allowance)> = LIMITED
        .into_iter()
        .zip([requests, tokens])
        .filter_map(|(name, allowance)| Some((name, allowance?)))
        .collect();
    if known.is_empty() {
        return;
    }
    let list = |item: fn(&(&str, Allowance)) -> String| known.iter().map(item).collect::<Vec<_>>().join(", ");
    let policy = list(|(name, it)| format!("\"{name}\";q={};w=60", it.limit));
    let state = list(|(name, it)| format!("\"{name}\";r={};t={}", it.remaining, it.reset.as_secs_up()));
    let mut put = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.insert_header((name, value));
        }
    };
    put(RATE_LIMIT_POLICY, policy);
    put(RATE_LIMIT, state);
    for (name, allowance) in known {
        let values =
            [allowance.limit.to_string(), allowance.remaining.to_string(), duration(allowance.reset)];
        for (part, value) in PARTS.into_iter().zip(values) {
            if let Some(name) = de_facto(part, name) {
                put(name, value);
            }
        }
    }
}

/// As OpenAI writes lengths of time: `1s`, `6m0s`, `120ms`.
fn duration(span: Span) -> String {
    let millis = span.as_millis();
    match (millis / 60_000, millis % 60_000) {
        (0, millis) if millis < 1000 => format!("{millis}ms"),
        (0, millis) => format!("{}s", thousandths(millis)),
        (minutes, millis) => format!("{minutes}m{}s", thousandths(millis)),
    }
}

fn thousandths(millis: i64) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_written_as_clients_of_openai_read_them() {
        for (millis, text) in
            [(0, "0ms"), (120, "120ms"), (1000, "1s"), (1500, "1.5s"), (60_000, "1m0s"), (61_250, "1m1.25s")]
        {
            assert_eq!(duration(Span::from_millis(millis)), text);
        }
    }
}

//! From a request to its answer: faults, the key, idempotency, and then the work.

use serde_json::Value;

use super::event::Cause;
use super::form::{self, params};
use super::problem::Problem;
use super::state::{State, new_id};
use super::{endpoints, lists};

/// A request that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// `GET` or `POST`.
    pub method: String,
    /// `/v1/refunds`, without the query.
    pub path: String,
    /// Query or form, nested; every leaf is text.
    pub params: Value,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// `Stripe-Version`.
    pub stripe_version: Option<String>,
    /// Status of the answer; `None` while there is none.
    pub status: Option<u16>,
    /// Whether the answer was lost on its way.
    pub lost: bool,
    pub(super) bearer: Option<String>,
    /// The query or form as it came.
    pub(super) form: String,
}

impl Received {
    fn is_like(&self, other: &Self) -> bool {
        self.method == other.method && self.path == other.path && self.params == other.params
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
    /// Whether it is the answer of an earlier request with the same key.
    pub replayed: bool,
    pub request: String,
}

impl State {
    /// Writes a request down; answers its number.
    pub fn log(&mut self, mut received: Received) -> usize {
        received.params = form::parse(&received.form).unwrap_or_default();
        self.requests.push(received);
        self.requests.len() - 1
    }

    /// Does what a request asks for. `None`: it was done, and the answer is lost.
    pub fn answer(&mut self, number: usize, secret_key: &str) -> Option<Answer> {
        let received = self.requests[number].clone();
        let answer = self.answer_with_faults(&received, secret_key);
        let lost = self.losing > 0;
        self.losing = self.losing.saturating_sub(1);
        let log = &mut self.requests[number];
        (log.status, log.lost) = (Some(answer.status), lost);
        (!lost).then_some(answer)
    }

    fn answer_with_faults(&mut self, received: &Received, secret_key: &str) -> Answer {
        let request = new_id("req");
        let refusal = |problem: Problem| Answer {
            status: problem.status,
            body: problem.body(),
            replayed: false,
            request: request.clone(),
        };
        if self.failing.0 > 0 {
            self.failing.0 -= 1;
            return refusal(Problem::simulated(self.failing.1));
        }
        if received.bearer.as_deref() != Some(secret_key) {
            return refusal(Problem::unauthorized());
        }
        let key = received.idempotency_key.clone().filter(|_| received.method == "POST");
        if let Some((first, answer)) = key.as_ref().and_then(|key| self.kept.get(key)) {
            if !first.is_like(received) {
                return refusal(Problem::key_reused(key.as_deref().unwrap_or_default()));
            }
            return Answer { replayed: true, request, ..answer.clone() };
        }
        self.cause = Cause { request: Some(request.clone()), key: key.clone() };
        let answer = match self.work(received) {
            Ok(body) => Answer { status: 200, body, replayed: false, request },
            Err(problem) => refusal(problem),
        };
        self.cause = Cause::default();
        // As Stripe has it: parameters that were never accepted do not use a key up.
        if let Some(key) = key.filter(|_| matches!(answer.status, 200 | 402)) {
            self.kept.insert(key, (received.clone(), answer.clone()));
        }
        answer
    }

    fn work(&mut self, received: &Received) -> Result<Value, Problem> {
        form::parse(&received.form).map_err(|name| Problem::unknown(&name))?;
        let (path, given) = (received.path.as_str(), &received.params);
        let mut body = match (received.method.as_str(), path) {
            ("POST", "/v1/checkout/sessions") => endpoints::checkout_session(self, given),
            ("POST", "/v1/customers") => endpoints::customer(self, given),
            ("POST", "/v1/payment_intents") => endpoints::payment_intent(self, given),
            ("POST", "/v1/refunds") => endpoints::refund(self, given),
            ("POST", "/v1/billing_portal/sessions") => endpoints::portal_session(self, given),
            ("GET", _) => lists::read(self, path, given),
            (method, _) => Err(Problem::unrecognized(method, path)),
        }?;
        for index in 0..given["expand"].as_array().map_or(0, Vec::len) {
            let wanted = params::required(given, &format!("/expand/{index}"))?;
            lists::expand(self, &mut body, wanted)?;
        }
        Ok(body)
    }
}

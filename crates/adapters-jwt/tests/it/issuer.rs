//! An issuer that publishes whatever a test wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use adapters_jwt::{FetchError, Fetched, JwksConfig, JwksVerifier};
use domain::ports::identity::{BadToken, Caller, TokenVerifier};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::mint::{base64url, claims, now_plus};

/// What the issuer's server answers now.
#[derive(Clone)]
struct Answer(Arc<Mutex<ResponseTemplate>>);

impl Respond for Answer {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.0.lock().expect("no test panics with it").clone()
    }
}

pub struct Issuer {
    server: MockServer,
    answer: Answer,
}

impl Issuer {
    /// With these keys.
    pub async fn with(keys: Value) -> Self {
        let answer = Answer(Arc::new(Mutex::new(ResponseTemplate::new(404))));
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer.clone()).mount(&server).await;
        let issuer = Self { server, answer };
        issuer.publish(keys);
        issuer
    }

    pub fn publish(&self, keys: Value) {
        self.answer(ResponseTemplate::new(200).set_body_json(json!({ "keys": keys })));
    }

    pub fn answer(&self, answer: ResponseTemplate) {
        *self.answer.0.lock().expect("no test panics with it") = answer;
    }

    /// How often it was asked.
    pub async fn asked(&self) -> usize {
        self.server.received_requests().await.expect("recorded").len()
    }

    pub fn config(&self) -> JwksConfig {
        JwksConfig::new(format!("{}/keys", self.server.uri()).parse().expect("an address"))
    }

    pub fn verifier(&self) -> JwksVerifier {
        JwksVerifier::new(self.config()).expect("a usable address")
    }

    /// A verifier that has asked once.
    pub async fn fresh(&self) -> JwksVerifier {
        let verifier = self.verifier();
        verifier.refresh().await.expect("a good set");
        verifier
    }
}

/// What comes of these keys.
pub async fn fetched(keys: Value) -> Result<Fetched, FetchError> {
    Issuer::with(keys).await.verifier().refresh().await
}

/// A verifier with these keys.
pub async fn verifier(keys: Value) -> JwksVerifier {
    Issuer::with(keys).await.fresh().await
}

/// A public key of `tests/keys`, under its own name, with these members laid over it; `null` takes one away.
pub fn key_with(name: &str, changes: &Value) -> Value {
    let keys: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../keys/public.json")).expect("JSON");
    let mut key = keys[name].clone();
    key["kid"] = name.into();
    for (member, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            key.as_object_mut().expect("an object").remove(member);
        } else {
            key[member] = value.clone();
        }
    }
    key
}

pub fn key(name: &str) -> Value {
    key_with(name, &json!({}))
}

/// All keys that can be used.
pub fn all() -> Value {
    json!([key("rsa-1"), key("rsa-2"), key("p256"), key("p384"), key("ed25519")])
}

/// A token of `tests/keys`.
pub fn pinned(name: &str) -> String {
    let tokens: BTreeMap<String, String> =
        serde_json::from_str(include_str!("../keys/tokens.json")).expect("JSON");
    tokens[name].clone()
}

/// Good claims, signed by `rsa-1` with RS256 under this header.
pub fn signed(header: &Value) -> String {
    let key = EncodingKey::from_rsa_pem(include_bytes!("../keys/rsa-1.pem")).expect("a key");
    let payload = claims(&json!({})).to_string();
    let message = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(payload.as_bytes()));
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::RS256).expect("a signature");
    format!("{message}.{signature}")
}

pub fn check(verifier: &JwksVerifier, token: &str) -> Result<Caller, BadToken> {
    verifier.verify(token, now_plus(0))
}

/// Why the token is refused.
pub fn reason(verifier: &JwksVerifier, token: &str) -> String {
    check(verifier, token).expect_err("must be refused").0
}

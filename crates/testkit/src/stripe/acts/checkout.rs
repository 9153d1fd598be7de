//! At a checkout, and with cards.

use serde_json::{Value, json};

use crate::stripe::objects::{self, IntentTerms};
use crate::stripe::state::State;
use crate::stripe::{Event, FakeStripe};

impl FakeStripe {
    /// The customer pays by card: the session is completed and paid. The card is kept where the session says so.
    pub async fn pay_by_card(&self, session: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let customer = state.begin(session, "payment");
            let keeps = state.drafts[session].keeps_card;
            let card = state.new_card(customer.as_deref().filter(|_| keeps));
            let intent = state.intent_of_session(session, customer.as_deref(), &card);
            state.succeed(&intent, &card);
            state.complete(session, "paid");
            state.announce("checkout.session.completed", session);
        };
        self.act(act).await.1
    }

    /// The customer tries a card that is declined: the session stays open, for another try.
    pub async fn card_declined(&self, session: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let customer = state.begin(session, "payment");
            let card = state.new_card(None);
            let intent = state.intent_of_session(session, customer.as_deref(), &card);
            state.decline(&intent, &card);
        };
        self.act(act).await.1
    }

    /// The customer takes a boleto: the session is completed and unpaid.
    pub async fn pay_by_boleto(&self, session: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let customer = state.begin(session, "payment");
            let at = state.now();
            let boleto = state.put(objects::boleto(at));
            let intent = state.intent_of_session(session, customer.as_deref(), &boleto);
            state.edit(&intent, |intent| {
                intent["status"] = json!("requires_action");
                intent["next_action"] = json!({
                    "boleto_display_details": {
                        "expires_at": at + 3 * 86_400, "hosted_voucher_url": null, "number": null, "pdf": null,
                    },
                    "type": "boleto_display_details",
                });
            });
            state.announce("payment_intent.requires_action", &intent);
            state.complete(session, "unpaid");
            state.announce("checkout.session.completed", session);
        };
        self.act(act).await.1
    }

    /// The money of a boleto arrives.
    pub async fn boleto_paid(&self, session: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let (intent, boleto) = state.open_boleto(session);
            state.succeed(&intent, &boleto);
            state.edit(session, |session| session["payment_status"] = json!("paid"));
            state.announce("checkout.session.async_payment_succeeded", session);
        };
        self.act(act).await.1
    }

    /// A boleto expires without having been paid.
    pub async fn boleto_failed(&self, session: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let (intent, boleto) = state.open_boleto(session);
            let method = state.object(&boleto).clone();
            state.edit(&intent, |intent| {
                intent["status"] = json!("requires_payment_method");
                intent["payment_method"] = Value::Null;
                intent["next_action"] = Value::Null;
                intent["last_payment_error"] = json!({
                    "code": "payment_intent_payment_attempt_expired",
                    "message": "The boleto has expired.",
                    "payment_method": method,
                    "type": "invalid_request_error",
                });
            });
            state.announce("payment_intent.payment_failed", &intent);
            state.announce("checkout.session.async_payment_failed", session);
        };
        self.act(act).await.1
    }

    /// A session that nobody completed closes.
    pub async fn expire(&self, session: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            assert_eq!(state.object(session)["status"], "open", "'{session}' is not open");
            state.edit(session, |session| {
                session["status"] = json!("expired");
                session["url"] = Value::Null;
            });
            state.announce("checkout.session.expired", session);
        };
        self.act(act).await.1
    }

    /// A customer without a checkout; answers the id.
    pub async fn customer(&self) -> (String, Vec<Event>) {
        self.act(|state| state.new_customer(None, None, &json!({}))).await
    }

    /// A customer keeps a card, to be charged when they are not there; answers its id.
    pub async fn keep_card(&self, customer: &str) -> (String, Vec<Event>) {
        let act = |state: &mut State| {
            let card = state.new_card(Some(customer));
            let before = state.edit(customer, |customer| {
                customer["invoice_settings"]["default_payment_method"] = json!(card);
            });
            state.announce_change("customer.updated", customer, before);
            card
        };
        self.act(act).await
    }

    /// From now on the cards of a customer are declined where a server charges them, or are good again.
    pub async fn decline_cards(&self, customer: &str, declined: bool) {
        let mut state = self.state().await;
        if declined {
            state.declining.insert(customer.to_owned());
        } else {
            state.declining.remove(customer);
        }
    }

    /// A price of the catalogue at Stripe, under an id of the test's choice. An interval, `month` or `year`,
    /// makes it recurring.
    pub async fn add_price(&self, id: &str, minor: i64, interval: Option<&str>) {
        let mut state = self.state().await;
        let at = state.now();
        state.put(objects::price(at, Some(id), minor, "brl", interval));
    }

    /// Appends any event: of a kind that nobody knows, or about an object that never was.
    pub async fn announce(&self, kind: &str, object: Value) -> Event {
        let ((), events) = self.act(|state| state.announce_of(kind, object)).await;
        events.into_iter().next_back().expect("an event was announced")
    }
}

impl State {
    /// The customer begins to pay; answers who it is, if that is kept.
    pub fn begin(&mut self, session: &str, mode: &str) -> Option<String> {
        let object = self.object(session);
        assert_eq!(object["object"], "checkout.session", "'{session}' is no session");
        assert_eq!((&object["status"], &object["mode"]), (&json!("open"), &json!(mode)), "of '{session}'");
        let keeps = object["customer_creation"] == "always" || mode == "subscription";
        let keeps = keeps || self.drafts[session].keeps_card;
        let email = self.text(session, "customer_email").unwrap_or_else(|| "cliente@example.com".to_owned());
        let known = self.text(session, "customer");
        let customer = known.or_else(|| keeps.then(|| self.new_customer(Some(&email), None, &json!({}))));
        self.edit(session, |session| {
            session["customer"] = json!(customer);
            session["customer_details"] = json!({
                "address": null, "email": email, "name": "Cliente de Teste", "phone": null,
                "tax_exempt": "none", "tax_ids": [],
            });
        });
        customer
    }

    /// The session is done.
    pub fn complete(&mut self, session: &str, payment_status: &str) {
        self.edit(session, |session| {
            session["status"] = json!("complete");
            session["payment_status"] = json!(payment_status);
            session["url"] = Value::Null;
        });
    }

    /// The intent of a session, made with the first try.
    fn intent_of_session(&mut self, session: &str, customer: Option<&str>, method: &str) -> String {
        if let Some(intent) = self.text(session, "payment_intent") {
            self.edit(&intent, |intent| intent["payment_method"] = json!(method));
            return intent;
        }
        let draft = self.drafts[session].clone();
        let object = self.object(session).clone();
        let intent = self.open_intent(IntentTerms {
            minor: object["amount_total"].as_i64().unwrap_or_default(),
            currency: object["currency"].as_str().unwrap_or_default(),
            customer,
            description: None,
            metadata: draft.metadata,
            method: Some(method),
            methods: object["payment_method_types"].clone(),
            future_usage: draft.future_usage.as_deref(),
        });
        self.edit(session, |session| session["payment_intent"] = json!(intent));
        intent
    }

    /// Intent and boleto of a session that waits for its money.
    fn open_boleto(&self, session: &str) -> (String, String) {
        let intent = self.text(session, "payment_intent").expect("the session has an intent");
        assert_eq!(self.object(&intent)["status"], "requires_action", "'{session}' waits for no boleto");
        let boleto = self.text(&intent, "payment_method").expect("the intent has a boleto");
        (intent, boleto)
    }
}

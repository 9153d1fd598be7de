//! How to unit-test a credit rule: plain data for the rules, generated mocks for the services.

use std::sync::Arc;

use domain::catalog::{Catalogue, CatalogueParts, LiveCatalogue, Model, Price, Purpose};
use domain::clock::{Day, MockClock, Moment, Timestamp};
use domain::credits::Credits;
use domain::ids::{InstanceId, MockIdSource, UserId};
use domain::ledger::command::{PaymentPolicy, Refusal};
use domain::ledger::limits::LimitBook;
use domain::money::NanoUsd;
use domain::ports::language_model::{MockLanguageModel, MockTokenCounter};
use domain::ports::ledger::{LedgerError, MockLedger};
use domain::ports::statements::MockStatements;
use domain::ports::timer::MockTimer;
use domain::pricing::ChargeRule;
use domain::services::assistant::question::{Question, RawQuestion};
use domain::services::assistant::{AskError, Asking, Assistant};
use domain::services::metering::{Drains, Meter};
use domain::tokens::Tokens;

#[tokio::test]
async fn a_refused_hold_never_reaches_the_model() {
    let refusal = Refusal::InsufficientCredits { available: Credits::whole(3), required: Credits::whole(10) };
    let refused = LedgerError::Refused(refusal.clone());
    let mut ledger = MockLedger::new();
    ledger.expect_hold().times(1).return_once(move |_| Err(refused));
    let mut model = MockLanguageModel::new();
    model.expect_complete().never();

    let answer = assistant(ledger, model).ask(asking(), question("Como economizar?")).await;

    assert_eq!(answer, Err(AskError::Refused(refusal)));
}

#[test]
fn ten_credits_for_each_thousand_tokens_and_never_less_than_ten() {
    let rule = seed_rule();
    assert_eq!(rule.charge(Tokens::new(120)), Credits::whole(10));
    assert_eq!(rule.charge(Tokens::new(2_001)), Credits::whole(21));
}

/// An assistant with your mocks, a tokenizer that counts 100 for every text, and a clock that stands.
pub fn assistant(ledger: MockLedger, model: MockLanguageModel) -> Assistant {
    let mut counter = MockTokenCounter::new();
    counter.expect_count().returning(|_, _| Tokens::new(100));
    let mut clock = MockClock::new();
    clock.expect_now().return_const(noon());
    let mut ids = MockIdSource::new();
    ids.expect_unique().return_const([7; 16]);
    Assistant {
        meter: Meter {
            ledger: Arc::new(ledger),
            statements: Arc::new(MockStatements::new()),
            model: Arc::new(model),
            counter: Arc::new(counter),
            catalogue: Arc::new(LiveCatalogue::new(catalogue())),
            clock: Arc::new(clock),
            timer: Arc::new(MockTimer::new()),
            ids: Arc::new(ids),
            instance: InstanceId::from_bytes([1; 16]),
            keep_texts: true,
            drains: Drains::default(),
        },
    }
}

pub fn asking() -> Asking {
    let user = UserId::from_bytes([9; 16]);
    Asking { user, api_key: None, key: None, request_id: "req-1".to_owned() }
}

pub fn question(message: &str) -> Question {
    Question::parse(RawQuestion { message: Some(message.to_owned()), ..RawQuestion::default() }).unwrap()
}

fn noon() -> Moment {
    let at = |secs: i64| Timestamp::from_micros(secs * 1_000_000);
    Moment { at: at(1_800_000_000), day: Day::from_days(20_833), day_ends: at(1_800_040_000) }
}

fn seed_rule() -> ChargeRule {
    ChargeRule { credits_per_1000_tokens: 10, minimum: Credits::whole(10), max_output: Tokens::new(1_000) }
}

fn catalogue() -> Catalogue {
    let usd = |text| NanoUsd::parse_usd(text).unwrap();
    let price = Price {
        version: "2024-07-18".to_owned(),
        valid_from: Timestamp::default(),
        input: usd("0.15"),
        cached_input: usd("0.075"),
        output: usd("0.60"),
        reasoning: None,
    };
    let model = Model {
        id: "gpt-4o-mini".to_owned(),
        purpose: Purpose::Chat,
        tokenizer: "o200k_base".to_owned(),
        context_window: Tokens::new(128_000),
        max_output: Tokens::new(16_384),
        reasoning: false,
        aliases: vec![],
        pinned: None,
        snapshots: vec![],
        upstreams: vec![],
        images: None,
        prices: vec![price],
    };
    Catalogue::new(CatalogueParts {
        plans: vec![],
        models: vec![Model { id: "thinker".to_owned(), reasoning: true, ..model.clone() }, model],
        upstreams: vec![],
        default_model: "gpt-4o-mini".to_owned(),
        assistant: seed_rule(),
        insights: ChargeRule { minimum: Credits::whole(50), ..seed_rule() },
        limits: Arc::new(LimitBook::unlimited()),
        payment_policy: PaymentPolicy::default(),
        usd_brl_e4: 55_000,
        credits_per_usd: 5_000,
    })
    .unwrap()
}

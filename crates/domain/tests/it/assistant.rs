//! What the assistant does with its ports when things go well and when they do not.

use std::sync::{Arc, Mutex};

use domain::credits::Credits;
use domain::ids::IdempotencyKey;
use domain::ledger::account::Balances;
use domain::ledger::command::{Allowances, AnswerBody, Held, Refusal, Settled, StoredAnswer};
use domain::ledger::usage::Outcome;
use domain::ports::Unavailable;
use domain::ports::language_model::{
    Ask, Completion, Finish, MockLanguageModel, MockTokenCounter, ModelError, Role,
};
use domain::ports::ledger::{HoldOutcome, LedgerError, MockLedger};
use domain::services::assistant::{AnswerKind, AskError, Asking};
use domain::tokens::{TokenUsage, Tokens};

use crate::example::{asking, assistant, question};

/// A ledger that holds what is asked for, but no more than `available`.
pub fn ledger_with(available: u32) -> MockLedger {
    let mut ledger = MockLedger::new();
    ledger.expect_hold().returning(move |request| {
        let amount = request.at_most.min(Credits::whole(available));
        let rest = Credits::whole(available).minus(amount).unwrap();
        let balances = Balances { available: rest, held: amount, ..Balances::default() };
        Ok(HoldOutcome::Held(Held { hold: request.id, amount, balances, allowances: Allowances::default() }))
    });
    ledger
}

pub fn settled(charged: u32, available: u32) -> Settled {
    let balances = Balances { available: Credits::whole(available), ..Balances::default() };
    Settled { charged: Credits::whole(charged), absorbed: Credits::ZERO, balances, repeated: false }
}

fn completion(text: &str, usage: Option<(u64, u64)>) -> Completion {
    let usage = usage.map(|(input, output)| TokenUsage {
        input: Tokens::new(input),
        output: Tokens::new(output),
        ..TokenUsage::default()
    });
    Completion { text: text.to_owned(), body: Vec::new(), usage, finish: Finish::Stop }
}

fn answering(completion: Completion) -> MockLanguageModel {
    let mut model = MockLanguageModel::new();
    model.expect_complete().times(1).return_once(move |_| Ok(completion));
    model
}

#[tokio::test]
async fn the_measured_tokens_are_charged_and_the_settling_write_says_what_is_left() {
    let mut ledger = ledger_with(5000);
    ledger
        .expect_settle()
        .times(1)
        .withf(|settle| {
            settle.charge == Credits::whole(12)
                && settle.facts.cost.get() == 1100 * 150 + 100 * 600
                && !settle.facts.estimated
                && settle.content.as_ref().is_some_and(|content| content.request == "Oi")
        })
        .return_once(|_| Ok(settled(12, 4321)));
    let model = answering(completion("Sugiro guardar 10%.", Some((1100, 100))));

    let answer = assistant(ledger, model).ask(asking(), question("Oi")).await.unwrap();

    assert_eq!(
        (answer.bill.charged.get(), answer.bill.remaining.get(), answer.bill.tokens.get()),
        (12, 4321, 1200)
    );
    assert_eq!((answer.kind, answer.bill.replayed), (AnswerKind::Suggestion, false));
}

#[tokio::test]
async fn the_model_is_asked_for_no_more_output_than_the_held_credits_pay() {
    let mut ledger = ledger_with(12);
    ledger.expect_settle().return_once(|_| Ok(settled(12, 0)));
    let mut model = MockLanguageModel::new();
    // Two messages of 100 tokens, 4 for each, 3 for the conversation: 211 of the 1,200 that 12 credits pay.
    model
        .expect_complete()
        .withf(|request| request.max_output == Tokens::new(1200 - 211))
        .return_once(|_| Ok(completion("ok", Some((211, 5)))));

    assistant(ledger, model).ask(asking(), question("Oi")).await.unwrap();
}

#[tokio::test]
async fn every_failure_of_the_model_voids_the_hold_and_names_the_outcome() {
    let failures: [(Result<Completion, ModelError>, Outcome); 7] = [
        (Err(ModelError::Unreachable("x".into())), Outcome::UpstreamFailed),
        (Err(ModelError::KeyRefused("x".into())), Outcome::UpstreamFailed),
        (Err(ModelError::TimedOut), Outcome::Unknown),
        (Err(ModelError::Interrupted("x".into())), Outcome::Unknown),
        (Err(ModelError::Unusable("x".into())), Outcome::Unusable),
        (Ok(completion("  ", Some((10, 0)))), Outcome::NoOutput),
        (Ok(Completion { finish: Finish::Error, ..completion("half", None) }), Outcome::NoOutput),
    ];
    for (result, outcome) in failures {
        let mut ledger = ledger_with(100);
        ledger.expect_settle().never();
        ledger.expect_release().never();
        ledger.expect_void().times(1).withf(move |void| void.outcome == outcome).return_once(|_| Ok(true));
        let mut model = MockLanguageModel::new();
        model.expect_complete().return_once(move |_| result);
        assert!(assistant(ledger, model).ask(asking(), question("Oi")).await.is_err());
    }
}

#[tokio::test]
async fn a_void_that_does_not_get_through_is_left_to_be_done_later() {
    let mut ledger = ledger_with(100);
    ledger.expect_void().return_once(|_| Err(Unavailable("away".into()).into()));
    ledger.expect_release().times(1).return_const(());
    let mut model = MockLanguageModel::new();
    model.expect_complete().return_once(|_| Err(ModelError::TimedOut));
    let answer = assistant(ledger, model).ask(asking(), question("Oi")).await;
    assert_eq!(answer, Err(AskError::Model(ModelError::TimedOut)));
}

#[tokio::test]
async fn a_hold_whose_answer_was_lost_is_released() {
    let mut ledger = MockLedger::new();
    ledger.expect_hold().return_once(|_| Err(Unavailable("lost".into()).into()));
    ledger.expect_release().times(1).return_const(());
    let mut model = MockLanguageModel::new();
    model.expect_complete().never();
    let answer = assistant(ledger, model).ask(asking(), question("Oi")).await;
    assert_eq!(answer, Err(AskError::Unavailable(Unavailable("lost".into()))));
}

#[tokio::test]
async fn a_request_that_is_dropped_half_way_releases_its_hold() {
    let mut ledger = ledger_with(100);
    let released = Arc::new(Mutex::new(0));
    let count = Arc::clone(&released);
    ledger.expect_release().returning(move |void| {
        assert_eq!(void.outcome, Outcome::Abandoned);
        *count.lock().unwrap() += 1;
    });
    let mut model = MockLanguageModel::new();
    model.expect_complete().return_once(|_| panic!("the adapter broke"));
    let assistant = assistant(ledger, model);
    let task = tokio::spawn(async move { assistant.ask(asking(), question("Oi")).await });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(*released.lock().unwrap(), 1);
}

#[tokio::test]
async fn with_the_store_away_at_settling_the_answer_is_delivered_and_settled_later() {
    let mut ledger = ledger_with(100);
    ledger.expect_settle().return_once(|_| Err(Unavailable("away".into()).into()));
    ledger
        .expect_settle_later()
        .times(1)
        .withf(|settle| settle.charge == Credits::whole(10))
        .return_const(());
    ledger.expect_release().never();
    let model = answering(completion("oi", Some((211, 5))));
    let answer = assistant(ledger, model).ask(asking(), question("Oi")).await.unwrap();
    // 13 were held of 100; 10 are charged.
    assert_eq!((answer.bill.charged.get(), answer.bill.remaining.get()), (10, 90));
}

#[tokio::test]
async fn without_usage_or_with_an_absurd_one_our_own_count_is_charged_and_labelled() {
    for usage in [None, Some((0, 5)), (Some((10, 0))), Some((900_000, 1))] {
        let mut ledger = ledger_with(100);
        ledger
            .expect_settle()
            .withf(|settle| {
                settle.facts.estimated
                    && settle.facts.tokens.total() == Tokens::new(311)
                    && settle.charge == Credits::whole(10)
            })
            .return_once(|_| Ok(settled(10, 90)));
        let model = answering(completion("oi", usage));
        assistant(ledger, model).ask(asking(), question("Oi")).await.unwrap();
    }
}

#[tokio::test]
async fn a_replay_does_not_ask_the_model() {
    let answer = AnswerBody {
        body: "Análise pronta.".as_bytes().to_vec(),
        model: "gpt-4o-mini".into(),
        tokens: Tokens::new(40),
        request_id: "first".into(),
    };
    let stored = StoredAnswer { answer, charged: Credits::whole(10), remaining: Credits::whole(90) };
    let mut ledger = MockLedger::new();
    ledger
        .expect_hold()
        .withf(|request| request.key.as_ref().is_some_and(|keyed| keyed.key.as_str() == "k"))
        .return_once(|_| Ok(HoldOutcome::Replay(stored)));
    ledger.expect_release().never();
    let mut model = MockLanguageModel::new();
    model.expect_complete().never();
    let asking = Asking { key: IdempotencyKey::parse("k").ok(), ..asking() };
    let answer = assistant(ledger, model).ask(asking, question("Oi")).await.unwrap();
    assert!(answer.bill.replayed);
    assert_eq!((answer.text.as_str(), answer.kind), ("Análise pronta.", AnswerKind::Insight));
    assert_eq!((answer.bill.request_id.as_str(), answer.bill.charged.get()), ("first", 10));
}

#[tokio::test]
async fn the_fingerprint_of_a_key_follows_the_question() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    for message in ["Oi", "Oi", "Tchau"] {
        let mut ledger = MockLedger::new();
        let seen = Arc::clone(&seen);
        ledger.expect_hold().return_once(move |request| {
            seen.lock().unwrap().push(request.key.unwrap().fingerprint);
            Err(LedgerError::Refused(Refusal::KeyInProgress))
        });
        let asking = Asking { key: IdempotencyKey::parse("k").ok(), ..asking() };
        let _ = assistant(ledger, MockLanguageModel::new()).ask(asking, question(message)).await;
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}

#[tokio::test]
async fn without_retention_nothing_of_the_texts_is_stored() {
    let mut ledger = ledger_with(100);
    ledger
        .expect_settle()
        .withf(|settle| settle.answer.is_none() && settle.content.is_none())
        .return_once(|_| Ok(settled(10, 90)));
    let model = answering(completion("oi", Some((211, 5))));
    let mut assistant = assistant(ledger, model);
    assistant.meter.keep_texts = false;
    assistant.ask(asking(), question("Oi")).await.unwrap();
}

#[tokio::test]
async fn a_model_without_a_price_and_a_conversation_without_room_are_refused_before_the_hold() {
    let mut ledger = MockLedger::new();
    ledger.expect_hold().never();
    let unknown = domain::services::assistant::question::RawQuestion {
        message: Some("Oi".into()),
        model: Some("gpt-9".into()),
        ..Default::default()
    };
    let unknown = domain::services::assistant::question::Question::parse(unknown).unwrap();
    let mut assistant = assistant(ledger, MockLanguageModel::new());
    let answer = assistant.ask(asking(), unknown).await;
    assert_eq!(answer, Err(AskError::ModelNotAvailable("gpt-9".into())));

    let mut counter = MockTokenCounter::new();
    counter.expect_count().return_const(Tokens::new(70_000));
    assistant.meter.counter = Arc::new(counter);
    assert_eq!(assistant.ask(asking(), question("Oi")).await, Err(AskError::TooLong));
}

#[tokio::test]
async fn the_provider_sees_a_pseudonym_and_one_system_message() {
    let mut ledger = ledger_with(100);
    ledger.expect_settle().return_once(|_| Ok(settled(10, 90)));
    let mut model = MockLanguageModel::new();
    model
        .expect_complete()
        .withf(|request| {
            let Ask::Conversation(messages) = &request.ask else { return false };
            let systems = messages.iter().filter(|message| message.role == Role::System).count();
            systems == 1
                && request.user_pseudonym.len() == 32
                && !request.user_pseudonym.contains("0909")
                && messages.last().is_some_and(|message| message.text == "Oi")
        })
        .return_once(|_| Ok(completion("oi", Some((211, 5)))));
    assistant(ledger, model).ask(asking(), question("Oi")).await.unwrap();
}

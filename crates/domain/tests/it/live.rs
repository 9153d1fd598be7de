//! Streamed answers: what is sent, when it is settled, and what each way to end costs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::clock::Span;
use domain::credits::Credits;
use domain::ids::IdempotencyKey;
use domain::ledger::command::SettleRequest;
use domain::ledger::usage::Outcome;
use domain::ports::client::{AnswerSink, ClientGone};
use domain::ports::language_model::{AnswerStream, Finish, Interface, MockLanguageModel, ModelError, Piece};
use domain::ports::statements::MockStatements;
use domain::ports::timer::Timer;
use domain::services::gateway::Gateway;
use domain::services::gateway::passed::{PassedRequest, Weight};
use domain::services::metering::{AskError, Asking, Drains, Ended, MOST_DRAINS, Opened};
use domain::tokens::{TokenUsage, Tokens};

use crate::assistant::{ledger_with, settled};
use crate::example::{asking, assistant};

type Next = Result<Option<Piece>, ModelError>;
/// What a provider does.
enum Step {
    /// Says something.
    Says(Next),
    /// Says nothing to one who asks; whoever asks again hears more.
    Silent,
}

/// Says what it is told to, then nothing more.
struct Scripted {
    steps: VecDeque<Step>,
    dropped: Arc<AtomicBool>,
}

#[async_trait]
impl AnswerStream for Scripted {
    async fn next(&mut self) -> Next {
        match self.steps.pop_front() {
            Some(Step::Says(next)) => next,
            Some(Step::Silent) | None => std::future::pending().await,
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

/// Takes so many pieces, then leaves.
struct Client {
    takes: usize,
    taken: Vec<String>,
}

#[async_trait]
impl AnswerSink for Client {
    async fn piece(&mut self, piece: &Piece) -> Result<(), ClientGone> {
        if self.taken.len() == self.takes {
            return Err(ClientGone);
        }
        self.taken.push(String::from_utf8(piece.frame.clone()).unwrap());
        Ok(())
    }

    async fn gone(&mut self) {
        if self.taken.len() < self.takes {
            std::future::pending::<()>().await;
        }
    }
}

/// Never over, but for waits that were named.
struct Waits(Vec<Span>);

#[async_trait]
impl Timer for Waits {
    async fn after(&self, span: Span) {
        if !self.0.contains(&span) {
            std::future::pending::<()>().await;
        }
    }
}

const SILENCE: Step = Step::Silent;
const END: Step = Step::Says(Ok(None));
/// How long the first event, output behind it, and a drain are waited for.
const WAITS: [Span; 3] = [Span::from_secs(5), Span::from_millis(200), Span::from_secs(60)];

fn piece(piece: Piece) -> Step {
    Step::Says(Ok(Some(piece)))
}

fn text(text: &str) -> Step {
    piece(Piece { frame: text.as_bytes().to_vec(), text: text.to_owned(), ..Piece::default() })
}

fn role() -> Step {
    piece(Piece { frame: b"role".to_vec(), ..Piece::default() })
}

fn finish(finish: Finish) -> Step {
    piece(Piece { frame: b"finish".to_vec(), finish: Some(finish), ..Piece::default() })
}

fn usage(input: u64, output: u64, reasoning: u64) -> Step {
    let usage = TokenUsage {
        input: Tokens::new(input),
        output: Tokens::new(output),
        reasoning: Tokens::new(reasoning),
        ..TokenUsage::default()
    };
    piece(Piece { frame: b"usage".to_vec(), usage: Some(usage), is_end: true, ..Piece::default() })
}

fn broken() -> Step {
    Step::Says(Err(ModelError::Interrupted("x".into())))
}

/// What came of a request.
struct Seen {
    opened: Result<Ended, AskError>,
    frames: Vec<String>,
    settles: Vec<SettleRequest>,
    voids: Vec<Outcome>,
    aborted: bool,
}

struct Case {
    steps: Vec<Step>,
    takes: usize,
    waits: Vec<Span>,
    faults: u32,
    model: &'static str,
    asking: Asking,
    drains: Drains,
}

fn case(steps: Vec<Step>) -> Case {
    let (takes, drains) = (usize::MAX, Drains::default());
    Case { steps, takes, waits: vec![], faults: 0, model: "gpt-4o-mini", asking: asking(), drains }
}

impl Case {
    fn takes(self, takes: usize) -> Self {
        Self { takes, ..self }
    }

    async fn run(self) -> Seen {
        let (settles, voids) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let mut ledger = ledger_with(5000);
        let (seen_settles, seen_voids) = (Arc::clone(&settles), Arc::clone(&voids));
        ledger.expect_settle().returning(move |request| {
            let charged = u32::try_from(request.charge.get()).unwrap();
            seen_settles.lock().unwrap().push(request);
            Ok(settled(charged, 4000))
        });
        ledger.expect_void().returning(move |request| {
            seen_voids.lock().unwrap().push(request.outcome);
            Ok(true)
        });
        let dropped = Arc::new(AtomicBool::new(false));
        let stream = Scripted { steps: self.steps.into(), dropped: Arc::clone(&dropped) };
        let mut model = MockLanguageModel::new();
        model.expect_stream().return_once(move |_| Ok(Box::new(stream)));
        let mut meter = assistant(ledger, model).meter;
        let mut statements = MockStatements::new();
        let faults = self.faults;
        statements.expect_broken_off_since().returning(move |_, _| Ok(faults));
        meter.statements = Arc::new(statements);
        meter.timer = Arc::new(Waits(self.waits));
        meter.drains = self.drains;
        let request = PassedRequest {
            interface: Interface::ChatCompletions,
            model: self.model.to_owned(),
            body: "{}".into(),
            stream: true,
            weight: Weight { texts: vec!["Oi".into()], choices: 1, parts: 1, ..Weight::default() },
        };
        let mut client = Client { takes: self.takes, taken: Vec::new() };
        let opened = match (Gateway { meter }).open(self.asking, request).await {
            Ok(Opened::Live(live)) => Ok(live.run(&mut client).await),
            Ok(Opened::Replay(_)) => panic!("nothing was answered before"),
            Err(error) => Err(error),
        };
        let (settles, voids) = (settles.lock().unwrap().clone(), voids.lock().unwrap().clone());
        let aborted = dropped.load(Ordering::Relaxed);
        Seen { opened, frames: client.taken, settles, voids, aborted }
    }
}

fn charged(seen: &Seen) -> (u64, bool) {
    let [settle] = seen.settles.as_slice() else { panic!("{:?}", seen.settles) };
    assert!(seen.voids.is_empty());
    (settle.facts.tokens.output.get(), settle.facts.estimated)
}

#[tokio::test]
async fn what_tells_of_the_end_is_held_back_until_the_request_is_settled() {
    let steps = vec![role(), text("a"), text("b"), finish(Finish::Stop), usage(120, 7, 0), END];
    let seen = case(steps).run().await;
    assert_eq!(seen.frames, ["role", "a", "b", "finish"]);
    let Ok(Ended::Done { bill, text, last }) = &seen.opened else { panic!("{:?}", seen.opened) };
    assert_eq!((text.as_str(), last.len(), bill.remaining.get()), ("ab", 1, 4000));
    assert_eq!(charged(&seen), (7, false));
    // 120 and 7 tokens at 0.15 and 0.60 dollars for a million are less than a credit.
    assert_eq!(bill.charged, Credits::whole(1));
}

#[tokio::test]
async fn a_failure_before_the_first_output_is_an_ordinary_error_and_free() {
    let broken_early = case(vec![role(), broken()]).run().await;
    assert!(matches!(broken_early.opened, Err(AskError::Model(ModelError::Interrupted(_)))));
    assert_eq!((broken_early.voids, broken_early.frames.len()), (vec![Outcome::Unknown], 0));
    for steps in [vec![END], vec![role(), finish(Finish::Stop), usage(9, 0, 0), END]] {
        let seen = case(steps).run().await;
        assert!(matches!(seen.opened, Err(AskError::NoOutput)));
        assert_eq!(seen.voids, [Outcome::NoOutput]);
    }
    let seen = case(vec![finish(Finish::Error), END]).run().await;
    assert!(matches!(seen.opened, Err(AskError::NoOutput)));
}

#[tokio::test]
async fn thoughts_that_used_up_the_output_are_paid_for() {
    let seen = case(vec![role(), finish(Finish::Length), usage(9, 64, 64), END]).run().await;
    assert!(matches!(seen.opened, Ok(Ended::Done { .. })));
    assert_eq!(charged(&seen), (64, false));
}

#[tokio::test]
async fn without_usage_our_own_count_is_charged_and_labelled() {
    for said in [None, Some(usage(0, 0, 0)), Some(usage(10, 900_000, 0))] {
        let steps = [text("a"), finish(Finish::Stop)].into_iter().chain(said).chain([END]);
        let seen = case(steps.collect()).run().await;
        assert!(matches!(seen.opened, Ok(Ended::Done { .. })));
        assert_eq!(charged(&seen), (100, true));
    }
}

#[tokio::test]
async fn a_provider_that_fails_half_way_is_free_until_it_happens_too_often() {
    let steps = || vec![text("a"), text("b"), broken()];
    let seen = case(steps()).run().await;
    assert!(matches!(&seen.opened, Ok(Ended::Failed { bill: None, .. })));
    assert_eq!((seen.frames.len(), seen.voids, seen.settles.len()), (2, vec![Outcome::BrokenOff], 0));

    let seen = Case { faults: 4, ..case(steps()) }.run().await;
    assert_eq!(seen.voids, [Outcome::BrokenOff]);

    let seen = Case { faults: 5, ..case(steps()) }.run().await;
    let Ok(Ended::Failed { bill: Some(bill), .. }) = &seen.opened else { panic!("{:?}", seen.opened) };
    assert_eq!(bill.charged, seen.settles[0].charge);
    assert_eq!(charged(&seen), (100, true));

    let error = case(vec![text("a"), finish(Finish::Error), END]).run().await;
    assert!(matches!(&error.opened, Ok(Ended::Failed { bill: None, .. })));
    assert_eq!(error.voids, [Outcome::BrokenOff]);
}

#[tokio::test]
async fn a_client_that_leaves_mid_stream_pays_for_what_came_and_the_provider_is_left_alone() {
    let seen = case(vec![text("a"), text("b"), text("c")]).takes(1).run().await;
    assert!(matches!(seen.opened, Ok(Ended::Left)));
    assert!(seen.aborted);
    assert_eq!(charged(&seen), (100, true));
    assert!(seen.settles[0].answer.is_none());
}

/// Silent until the client is answered, and again until it has left.
async fn left_before(steps: Vec<Step>) -> Seen {
    let steps = [SILENCE, SILENCE].into_iter().chain(steps).collect();
    Case { waits: WAITS.to_vec(), takes: 0, ..case(steps) }.run().await
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_token_is_charged_what_is_measured() {
    let seen = left_before(vec![role(), text("a"), finish(Finish::Stop), usage(120, 7, 0), END]).await;
    assert!(matches!(seen.opened, Ok(Ended::Left)));
    assert_eq!(charged(&seen), (7, false));
}

#[tokio::test]
async fn a_drain_that_takes_too_long_ends_as_if_output_had_flowed() {
    let seen = left_before(vec![role(), SILENCE]).await;
    assert!(matches!(seen.opened, Ok(Ended::Left)) && seen.aborted);
    let (_, estimated) = charged(&seen);
    assert!(estimated);
}

#[tokio::test]
async fn a_drain_that_fails_is_free() {
    let seen = left_before(vec![role(), broken()]).await;
    assert!(matches!(seen.opened, Ok(Ended::Left)));
    assert_eq!((seen.voids, seen.settles.len()), (vec![Outcome::Unknown], 0));
}

#[tokio::test]
async fn without_a_place_to_drain_in_nothing_is_drained() {
    let drains = Drains::default();
    let taken: Vec<_> = (0..MOST_DRAINS).map(|_| drains.place()).collect();
    let steps = vec![SILENCE, SILENCE, text("a"), finish(Finish::Stop), usage(120, 7, 0), END];
    let seen = Case { waits: WAITS.to_vec(), takes: 0, drains, ..case(steps) }.run().await;
    assert!(matches!(seen.opened, Ok(Ended::Left)) && seen.aborted);
    let (_, estimated) = charged(&seen);
    assert!(estimated);
    drop(taken);
}

#[tokio::test]
async fn a_reasoning_model_is_drained_although_output_flows() {
    let steps = vec![text("a"), text("b"), finish(Finish::Stop), usage(120, 70, 60), END];
    let seen = Case { model: "thinker", ..case(steps).takes(1) }.run().await;
    assert!(matches!(seen.opened, Ok(Ended::Left)));
    assert_eq!(charged(&seen), (70, false));
}

#[tokio::test]
async fn a_keyed_stream_is_kept_whole_for_replays() {
    let asking = Asking { key: IdempotencyKey::parse("k").ok(), ..asking() };
    let steps = vec![text("a"), finish(Finish::Stop), usage(120, 7, 0), END];
    let seen = Case { asking, ..case(steps) }.run().await;
    let answer = seen.settles[0].answer.as_ref().unwrap();
    assert_eq!(String::from_utf8(answer.body.clone()).unwrap(), "afinishusage");
    assert_eq!(seen.settles[0].content.as_ref().unwrap().response, "a");
}

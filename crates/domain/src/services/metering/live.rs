//! Answers that come piece by piece.

use super::order::Subject;
use super::race::{First, first_of};
use super::run::{Admission, Given, Run, outcome_of};
use super::{AskError, Asking, Bill, Meter, Metered, Terms};
use crate::clock::Span;
use crate::ledger::usage::Outcome;
use crate::ports::client::{AnswerSink, ClientGone};
use crate::ports::language_model::{AnswerStream, Ask, Finish, ModelError, Piece};
use crate::tokens::{TokenUsage, Tokens};

/// How long the first event waits for output behind it, so that a failure right after it is an ordinary error.
const FIRST_OUTPUT_PATIENCE: Span = Span::from_millis(200);
/// How long the client waits for the first event before it is told that the answer has begun.
const FIRST_EVENT_PATIENCE: Span = Span::from_secs(5);
/// How long an answer is read on after its client left.
const DRAIN_PATIENCE: Span = Span::from_secs(60);
/// The longest stream that is kept for replays, in bytes.
const MOST_KEPT: usize = 4 * 1024 * 1024;

/// A stream that began, or was answered before.
pub enum Opened {
    /// It began: whoever has it must run it.
    Live(Box<Live>),
    /// The kept answer of an earlier request.
    Replay(Box<Metered>),
}

/// A streamed answer on its way. Dropped, it aborts the request at the provider and gives the credits back.
pub struct Live {
    run: Run,
    stream: Box<dyn AnswerStream>,
    tally: Tally,
    /// Pieces that came before there was output.
    early: Vec<Piece>,
    /// Whether the provider is done.
    ended: bool,
}

/// How a streamed answer ended.
#[derive(Debug)]
pub enum Ended {
    /// Complete, and settled. What tells of the end was held back until now, and is to be sent.
    Done {
        /// What it came to.
        bill: Bill,
        /// All of its text.
        text: String,
        /// The last events.
        last: Vec<Piece>,
    },
    /// The provider failed. The client is to be told.
    Failed {
        /// How.
        error: AskError,
        /// What was charged all the same, where something was.
        bill: Option<Bill>,
    },
    /// The client left. There is nobody to tell.
    Left,
}

/// What came so far.
#[derive(Default)]
struct Tally {
    text: String,
    /// All frames, for replays; `None` once they are too many, or nobody will ask for them.
    frames: Option<Vec<u8>>,
    usage: Option<TokenUsage>,
    finish: Option<Finish>,
    last: Vec<Piece>,
}

impl Tally {
    fn add(&mut self, piece: &Piece) {
        self.text.push_str(&piece.text);
        self.usage = piece.usage.or(self.usage);
        self.finish = piece.finish.or(self.finish);
        if let Some(frames) = &mut self.frames {
            frames.extend_from_slice(&piece.frame);
            if frames.len() > MOST_KEPT {
                self.frames = None;
            }
        }
    }

    fn has_output(&self) -> bool {
        !self.text.trim().is_empty()
    }

    /// Whether there is anything to pay for at a normal end.
    fn gave_output(&self, passed: bool) -> bool {
        let thought = self.usage.is_some_and(|usage| usage.reasoning > Tokens::ZERO);
        self.has_output() || (passed && thought)
    }
}

impl Meter {
    /// Begins a streamed answer. Returns when there is output, or the provider has had some time for it; what fails
    /// before that is an ordinary error.
    pub(in crate::services) async fn open(
        &self,
        asking: Asking,
        subject: Subject,
    ) -> Result<Opened, AskError> {
        let keyed = asking.key.is_some();
        let run = match self.admit(asking, subject).await? {
            Admission::Admitted(run) => *run,
            Admission::Replay(metered) => return Ok(Opened::Replay(metered)),
        };
        let stream = match self.model.stream(run.request()).await {
            Ok(stream) => stream,
            Err(error) => {
                run.void(outcome_of(&error)).await;
                return Err(error.into());
            }
        };
        let keeps_frames = keyed && self.keep_texts && matches!(run.order.ask, Ask::Passed { .. });
        let tally = Tally { frames: keeps_frames.then(Vec::new), ..Tally::default() };
        let mut live = Live { run, stream, tally, early: Vec::new(), ended: false };
        match live.first_output().await {
            Ok(()) => Ok(Opened::Live(Box::new(live))),
            Err(error) => {
                let outcome = match &error {
                    AskError::Model(error) => outcome_of(error),
                    _ => Outcome::NoOutput,
                };
                let Live { run, stream, .. } = live;
                drop(stream);
                run.void(outcome).await;
                Err(error)
            }
        }
    }
}

impl Live {
    /// What was known beforehand.
    pub fn terms(&self) -> Terms {
        self.run.terms()
    }

    fn is_passed(&self) -> bool {
        matches!(self.run.order.ask, Ask::Passed { .. })
    }

    async fn first_output(&mut self) -> Result<(), AskError> {
        let timer = self.run.meter.timer.clone();
        while !self.tally.has_output() {
            let patience = if self.early.is_empty() { FIRST_EVENT_PATIENCE } else { FIRST_OUTPUT_PATIENCE };
            match first_of(self.stream.next(), timer.after(patience)).await {
                First::A(Ok(Some(piece))) => {
                    self.tally.add(&piece);
                    self.early.push(piece);
                }
                First::A(Ok(None)) => {
                    self.ended = true;
                    // Row 3.
                    let empty = !self.tally.gave_output(self.is_passed());
                    if empty || self.tally.finish == Some(Finish::Error) {
                        return Err(AskError::NoOutput);
                    }
                    return Ok(());
                }
                First::A(Err(error)) => return Err(error.into()),
                First::B(()) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Sends the answer on as it comes, and settles it before its end is told.
    pub async fn run(mut self, sink: &mut dyn AnswerSink) -> Ended {
        for piece in std::mem::take(&mut self.early) {
            if self.forward(piece, sink).await.is_err() {
                return self.client_left().await;
            }
        }
        while !self.ended {
            match first_of(self.stream.next(), sink.gone()).await {
                First::A(Ok(Some(piece))) => {
                    self.tally.add(&piece);
                    if self.forward(piece, sink).await.is_err() {
                        return self.client_left().await;
                    }
                }
                First::A(Ok(None)) => self.ended = true,
                First::A(Err(error)) => return self.failed(error).await,
                First::B(()) => return self.client_left().await,
            }
        }
        self.complete().await
    }

    async fn forward(&mut self, piece: Piece, sink: &mut dyn AnswerSink) -> Result<(), ClientGone> {
        if piece.is_end {
            self.tally.last.push(piece);
            return Ok(());
        }
        sink.piece(&piece).await
    }

    /// Rows 3, 4 and 5.
    async fn complete(self) -> Ended {
        if self.tally.finish == Some(Finish::Error) {
            let detail = "the answer ended with an error".to_owned();
            return self.failed(ModelError::Failed { status: 200, detail }).await;
        }
        if !self.tally.gave_output(self.is_passed()) {
            self.run.void(Outcome::NoOutput).await;
            return Ended::Failed { error: AskError::NoOutput, bill: None };
        }
        let measured = self.run.meter.measure(&self.run.order, self.tally.usage, &self.tally.text);
        let Tally { text, frames, last, .. } = self.tally;
        let answer = match self.run.order.ask {
            Ask::Conversation(_) => Some(text.clone().into_bytes()),
            Ask::Passed { .. } => frames,
        };
        match self.run.settle(Given { measured, text: text.clone(), answer }).await {
            Ok(bill) => Ended::Done { bill, text, last },
            Err(error) => Ended::Failed { error, bill: None },
        }
    }

    /// Rows 7 and, where nothing was delivered, 2 and 11.
    async fn failed(self, error: ModelError) -> Ended {
        let Self { run, stream, tally, .. } = self;
        drop(stream);
        let bill = if tally.has_output() {
            run.broke_off(&tally.text).await
        } else {
            run.void(outcome_of(&error)).await;
            None
        };
        Ended::Failed { error: error.into(), bill }
    }

    /// Rows 8 and 9.
    async fn client_left(mut self) -> Ended {
        let unknown = !self.tally.has_output() || self.run.order.model.reasoning;
        let place = self.run.meter.drains.place();
        if let Some(_place) = place.filter(|_| unknown && self.tally.usage.is_none()) {
            match self.drain().await {
                Some(Ok(())) => {
                    self.complete().await;
                    return Ended::Left;
                }
                Some(Err(error)) => {
                    self.failed(error).await;
                    return Ended::Left;
                }
                None => {}
            }
        }
        // Nothing more is wanted of the provider.
        drop(self.stream);
        let measured = self.run.meter.measure(&self.run.order, self.tally.usage, &self.tally.text);
        let given = Given { measured, text: self.tally.text, answer: None };
        // Settled or not, there is nobody to tell; the guard sees to the hold.
        drop(self.run.settle(given).await);
        Ended::Left
    }

    /// Reads to the end; `None` when that takes too long.
    async fn drain(&mut self) -> Option<Result<(), ModelError>> {
        let timer = self.run.meter.timer.clone();
        let (stream, tally) = (&mut self.stream, &mut self.tally);
        let reading = async {
            loop {
                match stream.next().await {
                    Ok(Some(piece)) => tally.add(&piece),
                    Ok(None) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
        };
        match first_of(reading, timer.after(DRAIN_PATIENCE)).await {
            First::A(result) => Some(result),
            First::B(()) => None,
        }
    }
}

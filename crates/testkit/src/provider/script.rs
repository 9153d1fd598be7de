//! What is said in answer to a request, step by step.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A part of the body.
    Body(Vec<u8>),
    /// Bytes outside of HTTP's rules.
    Wire(Vec<u8>),
    /// Nothing until the test releases it.
    Pause,
    /// Nothing for a while.
    Wait(Duration),
    /// Nothing more, and the connection stays.
    Hang,
    /// The connection breaks (RST).
    Reset,
    /// The connection ends (FIN), whether the body is complete or not.
    Close,
}

/// How the end of the body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By chunks: each step is one, and what the script ends with is the last.
    Chunked,
    /// By its length, announced.
    Length,
    /// There is no head: the steps are everything.
    None,
}

/// What is said in answer to a request, step by step. A script that is over leaves the connection open for the next
/// request, unless it ended with [`Script::close`], [`Script::reset`] or [`Script::hang`].
#[derive(Clone, Debug)]
pub struct Script {
    status: u16,
    headers: Vec<(String, String)>,
    framing: Framing,
    slices: Option<(usize, Duration)>,
    pub(super) steps: Vec<Step>,
}

impl Script {
    /// A body of parts, each sent as soon as it is said (a chunk of its own).
    pub fn chunks(status: u16, content_type: &str) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, framing: Framing::Chunked, slices: None, steps: Vec::new() }
    }

    /// A stream of events, status 200, so far empty.
    pub fn sse() -> Self {
        Self::chunks(200, "text/event-stream; charset=utf-8")
    }

    /// A whole JSON body of announced length.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string())
    }

    /// A whole body of announced length.
    pub fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let script = Self { framing: Framing::Length, ..Self::chunks(status, content_type) };
        script.header("content-length", &body.len().to_string()).bytes(body)
    }

    /// No head: just the steps, of which only [`Script::wire`] and those without bytes make sense.
    pub fn raw() -> Self {
        Self { framing: Framing::None, ..Self::chunks(200, "") }
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// An event with this JSON: `data: {...}` and a blank line.
    #[must_use]
    pub fn event(self, data: &Value) -> Self {
        self.bytes(format!("data: {data}\n\n"))
    }

    /// An event with a name: `event: name`, `data: {...}` and a blank line.
    #[must_use]
    pub fn named(self, name: &str, data: &Value) -> Self {
        self.bytes(format!("event: {name}\ndata: {data}\n\n"))
    }

    /// `data: [DONE]` and a blank line.
    #[must_use]
    pub fn done(self) -> Self {
        self.bytes("data: [DONE]\n\n")
    }

    /// A comment, as providers send them to keep a connection alive.
    #[must_use]
    pub fn comment(self, text: &str) -> Self {
        self.bytes(format!(": {text}\n\n"))
    }

    /// A part of the body.
    #[must_use]
    pub fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Body(bytes.into()))
    }

    /// Bytes as they are, whatever HTTP says of them.
    #[must_use]
    pub fn wire(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Wire(bytes.into()))
    }

    /// Says nothing until [`Provider::release`](super::Provider::release).
    #[must_use]
    pub fn pause(self) -> Self {
        self.step(Step::Pause)
    }

    /// Says nothing for so long.
    #[must_use]
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Says nothing any more; the connection stays until the client leaves.
    #[must_use]
    pub fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    /// Breaks the connection (RST). What was said just before may get lost.
    #[must_use]
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Ends the connection (FIN), whether the body is complete or not.
    #[must_use]
    pub fn close(self) -> Self {
        self.step(Step::Close)
    }

    /// Hangs before a word is said, the status included.
    pub fn silent() -> Self {
        Self::raw().hang()
    }

    /// Sends bodies in slices of so many bytes, with so much time between them.
    #[must_use]
    pub fn sliced(mut self, bytes: usize, gap: Duration) -> Self {
        self.slices = Some((bytes.max(1), gap));
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Everything that goes over the wire, in order.
    pub(super) fn play(self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.framing != Framing::None {
            steps.push(Step::Wire(self.head().into_bytes()));
        }
        let ends = self.framing == Framing::Chunked
            && !matches!(self.steps.last(), Some(Step::Hang | Step::Reset | Step::Close));
        for step in self.steps {
            let Step::Body(bytes) = step else {
                steps.push(step);
                continue;
            };
            let (size, gap) = self.slices.unwrap_or((bytes.len().max(1), Duration::ZERO));
            for slice in bytes.chunks(size) {
                steps.push(Step::Wire(match self.framing {
                    Framing::Chunked => {
                        [format!("{:x}\r\n", slice.len()).as_bytes(), slice, b"\r\n"].concat()
                    }
                    Framing::Length | Framing::None => slice.to_vec(),
                }));
                if !gap.is_zero() {
                    steps.push(Step::Wait(gap));
                }
            }
        }
        if ends {
            steps.push(Step::Wire(b"0\r\n\r\n".to_vec()));
        }
        steps
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Status\r\n", self.status);
        if self.framing == Framing::Chunked {
            head.push_str("transfer-encoding: chunked\r\n");
        }
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("text can be written to");
        }
        head + "\r\n"
    }
}

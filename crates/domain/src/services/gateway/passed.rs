//! A client's own request in OpenAI's wire format, with what the rules must know of it.
//!
//! Who reads the wire format makes one of these; that is also where a request is refused that could cost what nobody
//! can bound.

use std::sync::Arc;

use crate::ports::language_model::Interface;
use crate::tokens::Tokens;

/// A request to be passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedRequest {
    /// Which interface it is for.
    pub interface: Interface,
    /// The model, as the client names it.
    pub model: String,
    /// The whole request: a JSON object.
    pub body: Arc<str>,
    /// Whether the answer is wanted piece by piece.
    pub stream: bool,
    /// What of it may cost how much.
    pub weight: Weight,
}

/// What decides how much a request may cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Everything that is read as text: messages, and the JSON of tools, schemas and whatever else is not known to be
    /// free.
    pub texts: Vec<String>,
    /// Messages, items, tools: each takes some tokens beside its text.
    pub parts: u64,
    /// Input that came as tokens already.
    pub tokens: Tokens,
    /// Images at any detail but low.
    pub images: u64,
    /// Images at low detail.
    pub small_images: u64,
    /// Predicted output: what of it does not come true is billed as output.
    pub predicted: String,
    /// How many answers are wanted at once; at least 1.
    pub choices: u64,
    /// The most output for each of them, where the client said so.
    pub max_output: Option<Tokens>,
    /// What brings input that is not in the request, if anything does: a file, an earlier response. Holds the model's
    /// whole context window.
    pub brings: Vec<Brought>,
}

/// What a request may bring in from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Brought {
    /// A file, or an image by the id of a file.
    File,
    /// An earlier response, a conversation or a prompt that the provider keeps, or a part of one.
    Kept,
    /// Content of a kind that is not known here.
    Unknown,
}

//! The adapter against servers that behave, misbehave and vanish.

mod answers;
mod ask;
mod broken;
mod raw;
mod refusals;
mod requests;
mod setup;

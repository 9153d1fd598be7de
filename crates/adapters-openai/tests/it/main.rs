//! The adapter against servers that behave, misbehave and vanish.

mod answers;
mod ask;
mod azure;
mod broken;
mod faults;
mod inbound;
mod passed;
mod refusals;
mod rejections;
mod requests;
mod setup;
mod streams;
mod upstreams;
mod whole;

//! The adapter against servers that behave, misbehave and vanish, and the events that they send.

mod card;
mod charges;
mod checkout;
mod disputes;
mod envelope;
mod event_list;
mod fixtures;
mod intents;
mod invoices;
mod look_up;
mod oddities;
mod refund;
mod retries;
mod sessions;
mod setup;
mod signature;
mod subscriptions;

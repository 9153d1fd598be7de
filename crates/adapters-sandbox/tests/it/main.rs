//! The simulated payment provider, seen from outside.

mod boleto;
mod card;
mod desk;
mod port;
mod returns;
mod signature;
mod subscriptions;

//! The simulated payment provider and the simulated model, seen from outside.

mod boleto;
mod card;
mod desk;
mod model;
mod port;
mod returns;
mod signature;
mod subscriptions;

//! Buying: purchases, subscriptions, what a payment provider says of them, and what the user is told.
//!
//! Plain data. The rules that move credits for them stand with the other rules of credits, in
//! [`crate::ledger::payments`].
//!
//! | To find | Look in |
//! |---|---|
//! | what is sold, frozen at the moment of buying | [`offer`] |
//! | our record of a payment, and how far it has come | [`purchase`] |
//! | a subscription and its paid period | [`subscription`] |
//! | what the provider says, in our words | [`facts`] |
//! | the customer there, and automatic top-up | [`profile`] |
//! | what came in and went back, and when | [`revenue`] |
//! | what users and admins are told | [`notice`] |

pub mod facts;
pub mod notice;
pub mod offer;
pub mod profile;
pub mod purchase;
pub mod revenue;
pub mod subscription;

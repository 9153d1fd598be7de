//! In-memory adapters, contract suites and a throw-away Postgres, for tests only.
//!
//! A store proves itself with [`ledger_contract!`], [`billing_contract!`] and [`admin_contract!`]: it supplies a [`Fixture`] over
//! empty books and gets one test for each sentence of the ports' documentation.
//!
//! | To find | Look in |
//! |---|---|
//! | requests with defaults, `hold(user).at_most(300).at(5)` | [`requests`] |
//! | requests of buying, `news(user, id).paid().at(5)` | [`requests::billing`] |
//! | requests about API keys, `api_key(user).capped(100)` | [`requests::api_keys`] |
//! | the tests' clock | [`time`] |
//! | verbs that must succeed or be refused; verification | [`acts`] |
//! | the cases | [`contract`] |
//! | the ledger that the races must catch | [`control`] |
//! | books in memory | [`memory`] |
//! | a provider of models that says and breaks what it is told to | [`provider`] |
//! | a PostgreSQL server for a test process | [`postgres`] |
//! | a fake Stripe | [`stripe`] |
//! | a fake mail server, a fake receiver of webhooks | [`post`] |

pub mod acts;
pub mod contract;
pub mod control;
pub mod dice;
pub mod fixture;
pub mod memory;
pub mod post;
pub mod postgres;
pub mod provider;
pub mod requests;
pub mod stripe;
pub mod time;

pub use fixture::Fixture;

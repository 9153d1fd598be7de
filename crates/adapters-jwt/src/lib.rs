//! Bearer tokens behind the [token verifier port](domain::ports::identity::TokenVerifier).
//!
//! - [`Hs256Verifier`] checks tokens that were signed with a shared secret; [`issue`] mints them.
//! - [`JwksVerifier`] checks tokens that an issuer signs with keys it publishes (RFC 7517), and keeps these
//!   keys fresh.
//! - [`user_id`] says which user a token's `sub` names.
//!
//! A server has one of the two: whoever may choose between a secret and a public key can sign with the public
//! key as if it were the secret.
//!
//! The library checks signatures and nothing else. Every rule about claims is in `claims.rs`, where it
//! can be read: the library's own defaults accept a token without `iss` or `aud`, leave `nbf` alone and
//! ask the system clock. What a token must be before anybody looks at its claims is in `token.rs`.
//!
//! A reason for refusal never repeats any part of the token: reasons are logged.

mod claims;
mod hs256;
mod jwks;
mod token;

pub use claims::user_id;
pub use hs256::{Hs256Config, Hs256Verifier, IssueError, WeakSecret, issue};
pub use jwks::{FetchError, Fetched, JwksConfig, JwksVerifier, Pace, SetupError};

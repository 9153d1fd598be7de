//! Bearer tokens behind the [token verifier port](domain::ports::identity::TokenVerifier).
//!
//! - [`Hs256Verifier`] checks tokens that were signed with a shared secret; [`issue`] mints them.
//! - [`user_id`] says which user a token's `sub` names.
//!
//! The library checks signatures and nothing else. Every rule about claims is in `claims.rs`, where it
//! can be read: the library's own defaults accept a token without `iss` or `aud`, leave `nbf` alone and
//! ask the system clock.
//!
//! A reason for refusal never repeats any part of the token: reasons are logged.

mod claims;
mod hs256;

pub use claims::user_id;
pub use hs256::{Hs256Config, Hs256Verifier, IssueError, WeakSecret, issue};

//! Tokens signed by an issuer that publishes its keys (RFC 7517): RSA, ECDSA and Ed25519.

mod fetch;
mod keys;
mod schedule;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use domain::clock::Timestamp;
use domain::ports::identity::{BadToken, Caller, TokenVerifier};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use url::Url;
use uuid::Uuid;

use crate::claims::{Rules, refused};
use crate::token::{self, Unsigned};
use fetch::Source;
use keys::{KeySet, NoKey};
use schedule::Schedule;

pub use fetch::{FetchError, SetupError};
pub use schedule::Pace;

/// Where the keys are, and what tokens must say.
#[derive(Clone, Debug)]
pub struct JwksConfig {
    /// The address of the set: https, or http at a loopback address.
    pub url: Url,
    /// Where set, `iss` must be there and be this.
    pub issuer: Option<String>,
    /// Where set, `aud` must be there and be, or contain, this.
    pub audience: Option<String>,
    /// How far the issuer's clock and ours may be apart, in seconds.
    pub leeway_secs: u64,
    /// How often the issuer is asked.
    pub pace: Pace,
}

impl JwksConfig {
    /// With keys from this address, any issuer, any audience, 30 seconds of leeway and the usual pace.
    pub fn new(url: Url) -> Self {
        Self { url, issuer: None, audience: None, leeway_secs: 30, pace: Pace::default() }
    }
}

/// What the issuer published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// How many keys are used from now on.
    pub keys: usize,
    /// How many were left out: not for signatures, or not of a kind that we take.
    pub skipped: usize,
}

/// Checks tokens against the last good set of keys.
///
/// Checking never waits and asks nobody. Whoever owns the verifier keeps the keys fresh, with a loop of
/// [`due`](Self::due) and [`refresh`](Self::refresh). A set that came stays in use until another good one comes,
/// however long that takes: an issuer that is away, or answers with something else, locks nobody out.
pub struct JwksVerifier {
    source: Source,
    keys: RwLock<Option<Arc<KeySet>>>,
    schedule: Mutex<Schedule>,
    /// A token named a key that is not there, since the issuer was last asked.
    wished: AtomicBool,
    woken: Notify,
    rules: Rules,
}

impl JwksVerifier {
    /// A verifier without keys; asks nobody yet.
    pub fn new(config: JwksConfig) -> Result<Self, SetupError> {
        Ok(Self {
            source: Source::new(config.url)?,
            keys: RwLock::default(),
            schedule: Mutex::new(Schedule::new(config.pace, Instant::now())),
            wished: AtomicBool::new(false),
            woken: Notify::new(),
            rules: Rules::new(config.issuer, config.audience, config.leeway_secs),
        })
    }

    /// Waits until the issuer is to be asked: from time to time, sooner after a failure, and soon when a token names
    /// an unknown key, but for that reason once in 30 seconds at the most, whatever strangers send.
    pub async fn due(&self) {
        loop {
            let at = self.schedule().next(self.wished.load(Ordering::Acquire));
            tokio::select! {
                () = sleep_until(at) => return,
                () = self.woken.notified() => {}
            }
        }
    }

    /// Asks the issuer once, for 5 seconds at the most; with another good set, all keys are exchanged at once.
    pub async fn refresh(&self) -> Result<Fetched, FetchError> {
        let wished = self.wished.swap(false, Ordering::AcqRel);
        self.schedule().begin(Instant::now(), wished);
        let outcome = self.source.fetch().await.and_then(|document| KeySet::parse(&document));
        let [chance, ..] = Uuid::new_v4().into_bytes();
        self.schedule().end(Instant::now(), outcome.is_ok(), chance);
        let set = outcome?;
        let fetched = Fetched { keys: set.len(), skipped: set.skipped() };
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(set));
        Ok(fetched)
    }

    fn keys(&self) -> Option<Arc<KeySet>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for fresh keys; of many at once, one wakes the owner.
    fn wish(&self) {
        if !self.wished.swap(true, Ordering::AcqRel) {
            self.woken.notify_one();
        }
    }
}

impl TokenVerifier for JwksVerifier {
    fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, BadToken> {
        let header = token::header(token)?;
        if !keys::is_taken(header.alg) {
            return Err(refused("an algorithm without a public key"));
        }
        token::check_form(&header)?;
        let id = header.kid.as_deref();
        let set = self.keys().ok_or_else(|| refused("the issuer's keys are not here yet"))?;
        let key = set.find(header.alg, id).map_err(|missing| match missing {
            NoKey::Unknown => {
                self.wish();
                refused("no key of the issuer fits")
            }
            NoKey::Ambiguous => refused("more than one key of the issuer fits"),
        })?;
        // One algorithm, which is the key's too: the library refuses a mixture even for good tokens.
        let claims =
            token::signed_claims(token, key, &token::signature_only(header.alg)).inspect_err(|why| {
                // Where keys have no names, this is what another key looks like.
                if *why == Unsigned::Signature && id.is_none() {
                    self.wish();
                }
            })?;
        self.rules.caller(&claims, now)
    }

    fn is_ready(&self) -> bool {
        self.keys().is_some()
    }
}

impl fmt::Debug for JwksVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksVerifier").field("rules", &self.rules).finish_non_exhaustive()
    }
}

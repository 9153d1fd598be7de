//! How the server stops.

use std::time::Duration;

use super::{Env, whole};

/// How long balancers need to see that a server in production is going.
const USUAL_DRAIN: u32 = 5;

/// How long stopping may take.
#[derive(Clone, Copy, Debug)]
pub struct Stopping {
    /// `DRAIN_SECONDS`: how long requests are still taken while `/readyz` already says that it is over.
    pub drain: Duration,
    /// `SHUTDOWN_GRACE_SECONDS`: how long running requests may take to end after that.
    pub grace: Duration,
}

pub(super) fn read(env: &mut Env, production: bool) -> Stopping {
    let mut seconds = |name, usual, most| Duration::from_secs(u64::from(whole(env, name, usual, most)));
    Stopping {
        drain: seconds("DRAIN_SECONDS", if production { USUAL_DRAIN } else { 0 }, 300),
        grace: seconds("SHUTDOWN_GRACE_SECONDS", 300, 3600),
    }
}

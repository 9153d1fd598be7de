//! The ledger: every change to credits, and to the keys that may spend them.

use async_trait::async_trait;

use super::Unavailable;
use crate::api_keys::ApiKey;
use crate::credits::Credits;
use crate::ledger::command::{
    AdjustRequest, ClawBackRequest, ClawedBack, CloseRequest, Closed, Command, CreateApiKeyRequest,
    ExpireRequest, GrantRequest, Held, HoldRequest, Posted, Receipt, Refusal, ResumeRequest,
    RevokeApiKeyRequest, SetAlertsRequest, SettleRequest, Settled, StoredAnswer, SuspendRequest, VoidRequest,
};

/// Why an act did not happen, or is not known to have happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A business no: nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store is away, too busy, or its answer was lost. The act may have happened; asking again
    /// with the same ids is safe.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What holding came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldOutcome {
    /// Credits are set aside.
    Held(Held),
    /// The same request was answered before, under the same idempotency key.
    Replay(StoredAnswer),
}

/// Every change to credits, and to the keys that may spend them. Each verb is one atomic, durable act: when it answers `Ok`, the books say
/// so after a crash. Verbs on one account happen one after the other; verbs that were asked for at the
/// same time may share a transaction, and a refused one never holds back the others.
///
/// Every verb first expires what is due on the account.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Sets aside as much as is available between `at_least` and `at_most`; under an API key with a cap, no
    /// more than it may still spend: its cap less what it has spent and what is held under it. The same id again
    /// answers the first hold. Refused, in this order: account closed; API key revoked, expired or not the user's;
    /// suspended; idempotency key running or used; too few credits; too little left to the API key; a limit.
    async fn hold(&self, request: HoldRequest) -> Result<HoldOutcome, LedgerError>;

    /// Charges `min(charge, held)` and returns the rest, with journal entry, usage row and stored
    /// answer in the same commit, and adds the charge to what the hold's API key has spent. Settled already:
    /// answers the first receipt. Of an expired hold, once, charges no more than is available and the API key may
    /// still spend. An API key that has ended settles its holds. Refused: hold unknown, made under another API
    /// key than is named, or voided.
    async fn settle(&self, request: SettleRequest) -> Result<Settled, LedgerError>;

    /// Returns all of a hold and writes a usage row of zero credits; answers whether there was
    /// something to return. Refused: hold unknown or settled.
    async fn void(&self, request: VoidRequest) -> Result<bool, LedgerError>;

    /// Adds a dated lot, once for its source. Refused: an amount out of range.
    async fn grant(&self, request: GrantRequest) -> Result<Posted, LedgerError>;

    /// Posts a signed correction, once for its source. Refused: more than what is available.
    async fn adjust(&self, request: AdjustRequest) -> Result<Posted, LedgerError>;

    /// Makes the claw-back for a payment what its returned part says, up or down. Refused: nothing was
    /// granted for that source.
    async fn claw_back(&self, request: ClawBackRequest) -> Result<ClawedBack, LedgerError>;

    /// Suspends spending for one source, once; answers how many suspensions are in force.
    async fn suspend(&self, request: SuspendRequest) -> Result<u32, LedgerError>;

    /// Lifts the suspension of one source, if it is there; answers how many are in force.
    async fn resume(&self, request: ResumeRequest) -> Result<u32, LedgerError>;

    /// Makes an API key, once for its id: the same id again answers the first. Refused: a cap that is not more
    /// than nothing; [`MOST_LIVE`](crate::ledger::api_keys::MOST_LIVE) live keys, neither revoked nor expired.
    async fn create_api_key(&self, request: CreateApiKeyRequest) -> Result<ApiKey, LedgerError>;

    /// Ends an API key at once, for good; answers it with the time when it was first revoked. Its open holds
    /// stand. Refused: the user has no such key.
    async fn revoke_api_key(&self, request: RevokeApiKeyRequest) -> Result<ApiKey, LedgerError>;

    /// Expires what is due on the account and the named holds of a dead server; answers how many of
    /// those expired.
    async fn expire(&self, request: ExpireRequest) -> Result<u32, LedgerError>;

    /// Keeps when and where the user wants to be told; answers the threshold in force. Another threshold than
    /// before is armed where the balance lies above it, and else waits as after a notice; the same again leaves
    /// the alert as it is. Refused: closed.
    async fn set_alerts(&self, request: SetAlertsRequest) -> Result<Credits, LedgerError>;

    /// Closes the account for good, in one act: credits that are left are forfeited by a journal entry, automatic
    /// top-up is off, and what [`super::personal`] says is erased. Closed already: answers when. Afterwards holds,
    /// purchases, settings and gifts are refused; a payment is still granted, and admins are told. Refused: open
    /// holds; a subscription that renews; and, unless `forfeit`, credits that are left or a period that is paid.
    async fn close_account(&self, request: CloseRequest) -> Result<Closed, LedgerError>;

    /// Voids later, without waiting: only enqueues. Kept and retried in memory until the store takes it
    /// or the hold's time is over. For guards that must not leak a hold and cannot wait.
    fn release(&self, request: VoidRequest);

    /// Settles later, without waiting: only enqueues. Kept and retried like [`Ledger::release`]. For an
    /// answer that is delivered although the store is away.
    fn settle_later(&self, request: SettleRequest);
}

/// A place that takes commands: what a store implements to be a [`Ledger`].
#[async_trait]
pub trait Submit: Send + Sync {
    /// Does one command, durably.
    async fn submit(&self, command: Command) -> Result<Receipt, LedgerError>;

    /// Enqueues a command to be done in the background, retried while the store is away.
    fn defer(&self, command: Command);
}

/// That a store answered one act with the receipt of another.
pub(crate) fn mixed_up(receipt: &Receipt) -> LedgerError {
    Unavailable(format!("the store answered with the receipt of another act: {receipt:?}")).into()
}

#[async_trait]
impl<S: Submit> Ledger for S {
    async fn hold(&self, request: HoldRequest) -> Result<HoldOutcome, LedgerError> {
        match self.submit(Command::Hold(request)).await? {
            Receipt::Held(held) => Ok(HoldOutcome::Held(held)),
            Receipt::Replay(answer) => Ok(HoldOutcome::Replay(answer)),
            other => Err(mixed_up(&other)),
        }
    }

    async fn settle(&self, request: SettleRequest) -> Result<Settled, LedgerError> {
        match self.submit(Command::Settle(request)).await? {
            Receipt::Settled(settled) => Ok(settled),
            other => Err(mixed_up(&other)),
        }
    }

    async fn void(&self, request: VoidRequest) -> Result<bool, LedgerError> {
        match self.submit(Command::Void(request)).await? {
            Receipt::Voided(returned) => Ok(returned),
            other => Err(mixed_up(&other)),
        }
    }

    async fn grant(&self, request: GrantRequest) -> Result<Posted, LedgerError> {
        match self.submit(Command::Grant(request)).await? {
            Receipt::Posted(posted) => Ok(posted),
            other => Err(mixed_up(&other)),
        }
    }

    async fn adjust(&self, request: AdjustRequest) -> Result<Posted, LedgerError> {
        match self.submit(Command::Adjust(request)).await? {
            Receipt::Posted(posted) => Ok(posted),
            other => Err(mixed_up(&other)),
        }
    }

    async fn claw_back(&self, request: ClawBackRequest) -> Result<ClawedBack, LedgerError> {
        match self.submit(Command::ClawBack(request)).await? {
            Receipt::ClawedBack(clawed) => Ok(clawed),
            other => Err(mixed_up(&other)),
        }
    }

    async fn suspend(&self, request: SuspendRequest) -> Result<u32, LedgerError> {
        match self.submit(Command::Suspend(request)).await? {
            Receipt::Standing(count) => Ok(count),
            other => Err(mixed_up(&other)),
        }
    }

    async fn resume(&self, request: ResumeRequest) -> Result<u32, LedgerError> {
        match self.submit(Command::Resume(request)).await? {
            Receipt::Standing(count) => Ok(count),
            other => Err(mixed_up(&other)),
        }
    }

    async fn create_api_key(&self, request: CreateApiKeyRequest) -> Result<ApiKey, LedgerError> {
        match self.submit(Command::CreateApiKey(Box::new(request))).await? {
            Receipt::ApiKey(key) => Ok(*key),
            other => Err(mixed_up(&other)),
        }
    }

    async fn revoke_api_key(&self, request: RevokeApiKeyRequest) -> Result<ApiKey, LedgerError> {
        match self.submit(Command::RevokeApiKey(request)).await? {
            Receipt::ApiKey(key) => Ok(*key),
            other => Err(mixed_up(&other)),
        }
    }

    async fn expire(&self, request: ExpireRequest) -> Result<u32, LedgerError> {
        match self.submit(Command::Expire(request)).await? {
            Receipt::Expired(count) => Ok(count),
            other => Err(mixed_up(&other)),
        }
    }

    async fn set_alerts(&self, request: SetAlertsRequest) -> Result<Credits, LedgerError> {
        match self.submit(Command::SetAlerts(request)).await? {
            Receipt::AlertsSet(threshold) => Ok(threshold),
            other => Err(mixed_up(&other)),
        }
    }

    async fn close_account(&self, request: CloseRequest) -> Result<Closed, LedgerError> {
        match self.submit(Command::Close(request)).await? {
            Receipt::Closed(closed) => Ok(closed),
            other => Err(mixed_up(&other)),
        }
    }

    fn release(&self, request: VoidRequest) {
        self.defer(Command::Void(request));
    }

    fn settle_later(&self, request: SettleRequest) {
        self.defer(Command::Settle(request));
    }
}

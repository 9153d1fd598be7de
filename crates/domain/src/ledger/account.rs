//! What an account is: the cached sums of its journal, its limits and its standing.

use crate::clock::{Day, Timestamp};
use crate::credits::{Credits, Overflow};
use crate::ids::UserId;

/// The name of a plan in the catalogue; `free` without one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanName(String);

impl PlanName {
    /// The plan of those who bought none.
    pub fn free() -> Self {
        Self("free".to_owned())
    }

    /// A plan's name, as the catalogue spells it.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One row of `user_ai_credits`: a cache of the account's journal, open holds and limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub user: UserId,
    /// Granted, less expired, less clawed back.
    pub total: Credits,
    /// Charged for AI requests.
    pub used: Credits,
    /// Sum of the open holds.
    pub held: Credits,
    /// Clawed back so far, less restored: how far `total - used - held` may lie below zero.
    pub clawed: Credits,
    /// The last grant's amount, for the default alert threshold; zero when there never was one.
    pub last_grant: Credits,
    /// The plan, and when it renews or ends.
    pub plan: PlanName,
    /// Period end of an active subscription.
    pub renewal: Option<Timestamp>,
    /// When the subscription's plan lapses; `None` without one.
    pub plan_until: Option<Timestamp>,
    /// The plan of the last pack paid for: in force without a subscription.
    pub pack_plan: PlanName,
    /// State of the rate limits.
    pub limits: LimitState,
    /// The user's own low-balance threshold; `None` follows the last grant.
    pub alert_threshold: Option<Credits>,
    /// Whether the next fall to the threshold gives notice.
    pub alert_armed: bool,
    /// How many suspensions are in force; any one suspends.
    pub suspensions: u32,
    /// Number of the last journal entry; 0 before the first.
    pub seq: u64,
    /// Hash of the last journal entry; zeros before the first.
    pub journal_hash: [u8; 32],
    /// When the account appeared.
    pub created_at: Timestamp,
    /// When its user closed it for good.
    pub closed_at: Option<Timestamp>,
}

/// What the rate limits remember of an account, in microseconds and credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitState {
    /// Theoretical arrival time (GCRA) of requests.
    pub requests_tat: Timestamp,
    /// Theoretical arrival time (GCRA) of tokens.
    pub tokens_tat: Timestamp,
    /// The day that the next two count.
    pub day: Day,
    /// Credits charged on `day`.
    pub day_used: Credits,
    /// Credits held on `day` and not settled yet.
    pub day_held: Credits,
}

impl Account {
    /// An account that has nothing yet.
    pub fn new(user: UserId, created_at: Timestamp) -> Self {
        Self {
            user,
            total: Credits::ZERO,
            used: Credits::ZERO,
            held: Credits::ZERO,
            clawed: Credits::ZERO,
            last_grant: Credits::ZERO,
            plan: PlanName::free(),
            renewal: None,
            plan_until: None,
            pack_plan: PlanName::free(),
            limits: LimitState::default(),
            alert_threshold: None,
            alert_armed: true,
            suspensions: 0,
            seq: 0,
            journal_hash: [0; 32],
            created_at,
            closed_at: None,
        }
    }

    /// What seldom changes: no hold and no settlement does it.
    pub(super) fn standing(&self) -> impl PartialEq + '_ {
        let plans = (&self.plan, self.renewal, self.plan_until, &self.pack_plan);
        (plans, self.last_grant, self.alert_threshold, self.suspensions, self.closed_at)
    }

    /// `total - used`: what the journal's `balance_after` says. Below zero only after a claw-back
    /// of spent credits.
    pub fn balance(&self) -> Result<Credits, Overflow> {
        self.total.minus(self.used)
    }

    /// The sums that a client is shown.
    ///
    /// Right only once due holds and lots are expired; every act and read does that first.
    pub fn balances(&self) -> Result<Balances, Overflow> {
        let free = self.balance()?.minus(self.held)?;
        Ok(Balances {
            total: self.total,
            used: self.used,
            held: self.held,
            available: free.or_zero(),
            owed: free.negated().or_zero(),
        })
    }
}

/// The sums of an account at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// Granted, less expired, less clawed back.
    pub total: Credits,
    /// Charged.
    pub used: Credits,
    /// Set aside by open holds.
    pub held: Credits,
    /// What can be held now: `max(0, total - used - held)`.
    pub available: Credits,
    /// Clawed back but already spent: `max(0, used + held - total)`.
    pub owed: Credits,
}

/// An account as a reader sees it: up to date at the moment of reading, whoever swept last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its sums.
    pub balances: Balances,
    /// The plan in force at that moment.
    pub plan: PlanName,
    /// When it renews or ends.
    pub renewal: Option<Timestamp>,
    /// Balance at or below which a notice goes out.
    pub low_balance_threshold: Credits,
    /// The user's own threshold; `None` follows the last grant.
    pub alert_threshold: Option<Credits>,
    /// Whether spending is suspended.
    pub suspended: bool,
    /// When its user closed it for good.
    pub closed_at: Option<Timestamp>,
}

impl AccountView {
    /// What a user who was never seen has: nothing, on the free plan.
    pub fn unseen() -> Self {
        Self {
            balances: Balances::default(),
            plan: PlanName::free(),
            renewal: None,
            low_balance_threshold: Credits::ZERO,
            alert_threshold: None,
            suspended: false,
            closed_at: None,
        }
    }
}

/// Who asked for an act: a user, an admin, or the system itself. Stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// The system: sweepers, the sandbox, start-up.
    pub fn system() -> Self {
        Self("system".to_owned())
    }

    /// The account's own user.
    pub fn user(user: &UserId) -> Self {
        Self(format!("user:{user}"))
    }

    /// An admin, named by the token's user.
    pub fn admin(admin: &UserId) -> Self {
        Self(format!("admin:{admin}"))
    }

    /// The payment provider, by its news.
    pub fn provider() -> Self {
        Self("stripe".to_owned())
    }

    /// An operator at the command line.
    pub fn operator() -> Self {
        Self("operator".to_owned())
    }

    /// As a store kept it.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// Its text: `system`, `stripe`, `user:...`, `admin:...`, `operator`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What suspends an account: an admin, or a dispute by its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SuspensionSource(String);

impl SuspensionSource {
    /// Suspended by an admin.
    pub fn admin() -> Self {
        Self("admin".to_owned())
    }

    /// Suspended by the provider's early warning of fraud.
    pub fn fraud_warning(id: &str) -> Self {
        Self(format!("fraud_warning:{id}"))
    }

    /// Suspended while this dispute is open.
    pub fn dispute(id: &str) -> Self {
        Self(format!("dispute:{id}"))
    }

    /// Whether nothing but an admin's judgement will lift it.
    pub fn is_left_to_admins(&self) -> bool {
        self.0.starts_with("fraud_warning:")
    }

    /// As a store kept it.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// Its text: `admin`, `dispute:...` or `fraud_warning:...`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One reason why an account may not spend; lifting one leaves the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// Whose account.
    pub user: UserId,
    /// What suspends it; at most one row for each source.
    pub source: SuspensionSource,
    /// Who did it.
    pub actor: Actor,
    /// Why, in free text.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

//! What users and admins are told. A notice is written in the commit that caused it, once for its subject, and
//! goes to the outbox for delivery.

use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::ids::UserId;
use crate::ledger::account::PlanName;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// The balance fell to the threshold.
    LowBalance,
    /// A pack or a subscription's first period was paid, and its credits granted.
    PurchasePaid,
    /// A payment failed, or a boleto was not paid.
    PaymentFailed,
    /// A checkout was left and is closed.
    CheckoutExpired,
    /// A subscription renewed, and the period's credits were granted.
    RenewalPaid,
    /// A subscription's renewal could not be collected.
    RenewalFailed,
    /// A payment is disputed; spending is suspended.
    DisputeOpened,
    /// Automatic top-up was switched off after too many declines.
    TopUpDisabled,
    /// A payment arrived that is not what was asked for; nothing was granted.
    PaymentMismatch,
    /// The provider warns of fraud.
    FraudWarning,
    /// A payment arrived for an account that its user has closed: granted, but nobody can spend it.
    PaidAfterClosing,
    /// The endpoint of the outbound webhook failed for too long, or asked to be left alone: it is off.
    WebhookDisabled,
}

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The account's user.
    User,
    /// The admins.
    Admin,
}

impl Audience {
    /// The word that stores see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

impl NoticeKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::LowBalance,
        Self::PurchasePaid,
        Self::PaymentFailed,
        Self::CheckoutExpired,
        Self::RenewalPaid,
        Self::RenewalFailed,
        Self::DisputeOpened,
        Self::TopUpDisabled,
        Self::PaymentMismatch,
        Self::FraudWarning,
        Self::PaidAfterClosing,
        Self::WebhookDisabled,
    ];

    /// The word that stores and clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LowBalance => "low_balance",
            Self::PurchasePaid => "purchase_paid",
            Self::PaymentFailed => "payment_failed",
            Self::CheckoutExpired => "checkout_expired",
            Self::RenewalPaid => "renewal_paid",
            Self::RenewalFailed => "renewal_failed",
            Self::DisputeOpened => "dispute_opened",
            Self::TopUpDisabled => "top_up_disabled",
            Self::PaymentMismatch => "payment_mismatch",
            Self::FraudWarning => "fraud_warning",
            Self::PaidAfterClosing => "paid_after_closing",
            Self::WebhookDisabled => "webhook_disabled",
        }
    }

    /// The kind that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Who is told.
    pub const fn audience(self) -> Audience {
        match self {
            Self::PaymentMismatch | Self::FraudWarning | Self::PaidAfterClosing | Self::WebhookDisabled => {
                Audience::Admin
            }
            Self::LowBalance
            | Self::PurchasePaid
            | Self::PaymentFailed
            | Self::CheckoutExpired
            | Self::RenewalPaid
            | Self::RenewalFailed
            | Self::DisputeOpened
            | Self::TopUpDisabled => Audience::User,
        }
    }
}

/// The user of a notice that is about no account.
pub const NOBODY: UserId = UserId::from_bytes([0; 16]);

/// One row of `notices`, and its rows in the outbox. Unique by user, kind and subject: the same again is not
/// written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whose account it is about; [`NOBODY`] for what is about none.
    pub user: UserId,
    /// What about.
    pub kind: NoticeKind,
    /// What it is about: a purchase, an invoice, a dispute, a journal entry.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// Its figures.
    pub details: NoticeDetails,
}

/// The figures of a notice, as far as its kind has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeDetails {
    /// The plan.
    pub plan: Option<PlanName>,
    /// Credits granted.
    pub credits: Option<Credits>,
    /// An amount of money in minor units.
    pub minor: Option<i64>,
    /// The balance after it.
    pub balance: Option<Credits>,
    /// The threshold that the balance fell to.
    pub threshold: Option<Credits>,
    /// What is wrong; for admins.
    pub text: Option<String>,
}

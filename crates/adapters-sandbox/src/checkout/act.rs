//! What somebody may do on the pages.

/// Something to do with a checkout, the money that was paid, or a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Pay by card, at once.
    PayByCard,
    /// Take a boleto to be paid later; the checkout is done, the money is not there.
    TakeBoleto,
    /// The boleto is paid.
    PayBoleto,
    /// The boleto is not paid in time.
    MissBoleto,
    /// The card is declined; the customer may try again.
    Decline,
    /// The card is declined, and the customer gives up.
    Fail,
    /// The checkout is left until its time is over.
    Expire,
    /// All that is left is refunded.
    RefundAll,
    /// Half of what was paid is refunded.
    RefundHalf,
    /// The payer disputes the payment.
    Dispute,
    /// The dispute is won: the money comes back.
    WinDispute,
    /// The dispute is lost: the money is gone.
    LoseDispute,
    /// The next period is paid.
    Renew,
    /// The next period cannot be collected.
    FailRenewal,
    /// The subscription is to end with its period.
    CancelAtPeriodEnd,
    /// It is not to end after all.
    Keep,
    /// The subscription ends now.
    CancelNow,
}

/// Why an act was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// No such checkout or subscription; it may have been forgotten in a restart.
    #[error("the sandbox knows nothing of it")]
    Unknown,
    /// It has come to a point where this cannot be done.
    #[error("that cannot be done now")]
    NotNow,
}

impl Act {
    /// All acts.
    pub const ALL: [Self; 17] = [
        Self::PayByCard,
        Self::TakeBoleto,
        Self::PayBoleto,
        Self::MissBoleto,
        Self::Decline,
        Self::Fail,
        Self::Expire,
        Self::RefundAll,
        Self::RefundHalf,
        Self::Dispute,
        Self::WinDispute,
        Self::LoseDispute,
        Self::Renew,
        Self::FailRenewal,
        Self::CancelAtPeriodEnd,
        Self::Keep,
        Self::CancelNow,
    ];

    /// The word that addresses use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PayByCard => "pay-by-card",
            Self::TakeBoleto => "take-boleto",
            Self::PayBoleto => "pay-boleto",
            Self::MissBoleto => "miss-boleto",
            Self::Decline => "decline",
            Self::Fail => "fail",
            Self::Expire => "expire",
            Self::RefundAll => "refund-all",
            Self::RefundHalf => "refund-half",
            Self::Dispute => "dispute",
            Self::WinDispute => "win-dispute",
            Self::LoseDispute => "lose-dispute",
            Self::Renew => "renew",
            Self::FailRenewal => "fail-renewal",
            Self::CancelAtPeriodEnd => "cancel-at-period-end",
            Self::Keep => "keep",
            Self::CancelNow => "cancel-now",
        }
    }

    /// The act that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == word)
    }
}

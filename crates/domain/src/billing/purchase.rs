//! A purchase: our record of one payment. Written before the provider is asked, so that no payment can
//! arrive for something that we do not know.

use super::offer::{Offer, PayMode};
use crate::clock::Timestamp;
use crate::ids::{PurchaseId, UserId};
use crate::ledger::command::KeyedRequest;
use crate::ledger::lots::{Source, SourceKind};

/// What a purchase is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PurchaseKind {
    /// A pack of credits, bought at the provider's checkout.
    Pack,
    /// A subscription's first period, begun at the provider's checkout and paid by its first invoice.
    Subscription,
    /// A later period of a subscription: one invoice.
    Renewal,
    /// A pack that was bought by itself when credits ran low.
    TopUp,
}

impl PurchaseKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Pack, Self::Subscription, Self::Renewal, Self::TopUp];

    /// The word that stores and clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Subscription => "subscription",
            Self::Renewal => "renewal",
            Self::TopUp => "top_up",
        }
    }

    /// The kind that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How it is paid.
    pub const fn mode(self) -> PayMode {
        match self {
            Self::Pack | Self::TopUp => PayMode::Payment,
            Self::Subscription | Self::Renewal => PayMode::Subscription,
        }
    }
}

/// How far a payment has come. Only ever moves up this list, whatever order the news arrives in: money
/// that arrived outweighs everything else that was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Progress {
    /// Written down; the provider may or may not know of it.
    Created,
    /// The customer is done, the money is on its way (boleto, Pix).
    Processing,
    /// The checkout was left and is closed.
    Expired,
    /// The payment failed for good.
    Failed,
    /// The money is there, and the credits are granted.
    Paid,
}

impl Progress {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Created, Self::Processing, Self::Expired, Self::Failed, Self::Paid];

    /// The word that stores and clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Processing => "processing",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Paid => "paid",
        }
    }

    /// The state that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|progress| progress.as_str() == word)
    }

    /// Whether news is still to be expected.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Processing)
    }
}

/// The names that the provider gave to the parts of a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The checkout session.
    pub session: Option<String>,
    /// The customer.
    pub customer: Option<String>,
    /// The payment intent.
    pub intent: Option<String>,
    /// The charge.
    pub charge: Option<String>,
    /// The invoice.
    pub invoice: Option<String>,
    /// The subscription.
    pub subscription: Option<String>,
}

impl Names {
    /// Takes over the names that are not known yet; those that are known stay.
    pub(crate) fn learn(&mut self, others: &Self) -> bool {
        let mut learned = false;
        let pairs = [
            (&mut self.session, &others.session),
            (&mut self.customer, &others.customer),
            (&mut self.intent, &others.intent),
            (&mut self.charge, &others.charge),
            (&mut self.invoice, &others.invoice),
            (&mut self.subscription, &others.subscription),
        ];
        for (known, new) in pairs {
            if known.is_none() && new.is_some() {
                known.clone_from(new);
                learned = true;
            }
        }
        learned
    }
}

/// What became of money that was paid: a dispute, or a refund that an admin made by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// The dispute's id at the provider, or the key of the admin's act.
    pub reference: String,
    /// Which of the two.
    pub kind: ReturnKind,
    /// How much of the payment, in minor units.
    pub minor: i64,
    /// Where it stands.
    pub state: ReturnState,
    /// When this was so.
    pub as_of: Timestamp,
}

/// How money went back beside the provider's refunds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReturnKind {
    /// The payer's bank disputes the payment.
    Dispute,
    /// An admin paid it back by hand, and recorded it.
    Manual,
}

impl ReturnKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Dispute, Self::Manual];

    /// The word that stores see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dispute => "dispute",
            Self::Manual => "manual",
        }
    }

    /// The kind that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Where a return stands. An end outweighs being open, whatever is heard last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReturnState {
    /// The money is away; it may come back.
    Open,
    /// It came back: the dispute was won or withdrawn.
    Won,
    /// It is gone for good.
    Lost,
}

impl ReturnState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Open, Self::Won, Self::Lost];

    /// The word that stores and clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// The state that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One row of `purchases`, with its rows of `purchase_returns`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Its id; carries the user's lane.
    pub id: PurchaseId,
    /// Whose.
    pub user: UserId,
    /// What for.
    pub kind: PurchaseKind,
    /// The terms, frozen. Credits, price and owner always come from here, never from an event.
    pub offer: Offer,
    /// Whether real money moves.
    pub livemode: bool,
    /// How far it has come.
    pub progress: Progress,
    /// The provider's names for its parts.
    pub names: Names,
    /// Where the customer pays, while the checkout is open.
    pub url: Option<String>,
    /// How it was paid: `card`, `boleto`, `pix`; `None` until that is known.
    pub method: Option<String>,
    /// End of the period that it pays for; subscriptions only.
    pub period_end: Option<Timestamp>,
    /// What the provider paid back, in minor units: its own absolute figure.
    pub refunded_minor: i64,
    /// When that figure was so.
    pub refunded_as_of: Timestamp,
    /// Disputes, and refunds by hand.
    pub returns: Vec<Return>,
    /// Why a payment that arrived for it was not accepted (a wrong amount, say).
    pub fault: Option<String>,
    /// The client's name for the request that made it.
    pub key: Option<KeyedRequest>,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When its checkout closes.
    pub expires_at: Option<Timestamp>,
    /// When its credits were granted.
    pub paid_at: Option<Timestamp>,
    /// How often it was looked up at the provider because no news came.
    pub lookups: u32,
    /// When to look it up next; `None` when no news is to be expected.
    pub next_lookup: Option<Timestamp>,
}

/// What a client is shown of a purchase's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As far as the payment has come.
    Payment(Progress),
    /// Paid, and in dispute.
    Disputed,
    /// Paid, and some of it paid back.
    PartlyRefunded,
    /// Paid, and all of it paid back.
    Refunded,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Payment(Progress::Created),
        Self::Payment(Progress::Processing),
        Self::Payment(Progress::Expired),
        Self::Payment(Progress::Failed),
        Self::Payment(Progress::Paid),
        Self::Disputed,
        Self::PartlyRefunded,
        Self::Refunded,
    ];

    /// The word that clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment(progress) => progress.as_str(),
            Self::Disputed => "disputed",
            Self::PartlyRefunded => "partly_refunded",
            Self::Refunded => "refunded",
        }
    }
}

impl Purchase {
    /// What its lot is granted for: the purchase; of a subscription, the invoice. `None` while the invoice
    /// is not known.
    pub fn source(&self) -> Option<Source> {
        match self.kind {
            PurchaseKind::Pack | PurchaseKind::TopUp => {
                Some(Source::new(SourceKind::Purchase, self.id.to_string()))
            }
            PurchaseKind::Subscription | PurchaseKind::Renewal => {
                self.names.invoice.as_ref().map(|invoice| Source::new(SourceKind::Plan, invoice))
            }
        }
    }

    /// How much of the payment is away now, in minor units: refunds, refunds by hand, disputes that are open
    /// or lost. May exceed what was paid.
    pub fn returned_minor(&self) -> i64 {
        let returns = self.returns.iter().filter(|each| each.state != ReturnState::Won);
        returns.fold(self.refunded_minor, |sum, each| sum.saturating_add(each.minor))
    }

    /// What is left to pay back, in minor units.
    pub fn left_minor(&self) -> i64 {
        self.offer.price.minor().saturating_sub(self.returned_minor()).max(0)
    }

    /// How much of the payment is away by disputes that are open or lost, in minor units.
    pub fn disputed_minor(&self) -> i64 {
        let away = |each: &&Return| each.kind == ReturnKind::Dispute && each.state != ReturnState::Won;
        self.returns.iter().filter(away).fold(0, |sum, each| sum.saturating_add(each.minor))
    }

    /// Its state as clients are shown it.
    pub fn standing(&self) -> Standing {
        let disputed = |each: &Return| each.kind == ReturnKind::Dispute && each.state == ReturnState::Open;
        let returned = self.returned_minor();
        if self.progress != Progress::Paid {
            Standing::Payment(self.progress)
        } else if self.returns.iter().any(disputed) {
            Standing::Disputed
        } else if returned >= self.offer.price.minor() {
            Standing::Refunded
        } else if returned > 0 {
            Standing::PartlyRefunded
        } else {
            Standing::Payment(Progress::Paid)
        }
    }
}

//! The simulated payment provider.
//!
//! | To find | Look in |
//! |---|---|
//! | what somebody may do on its pages | [`act`] |
//! | what each of these acts changes | [`desk`], [`payments`], [`subscriptions`], [`returns`] |
//! | everything it remembers | [`state`] |
//! | the port, answered from that | [`provider`], [`sightings`] |
//! | Stripe's JSON of an object, events and their signature | [`objects`], [`events`] |
//! | what its pages show | [`view`] |

pub mod act;
mod desk;
pub mod events;
mod objects;
mod payments;
mod provider;
mod returns;
mod sightings;
mod state;
mod subscriptions;
pub mod view;

use std::sync::{Arc, Mutex, PoisonError};

use domain::clock::Clock;
use domain::ids::IdSource;

use act::{Act, ActError};
use desk::Desk;
use events::{SandboxEvent, signed};
pub use state::Stage;
use state::State;
use view::{CheckoutView, PortalView};

/// What the simulated payment provider needs.
#[derive(Clone)]
pub struct SandboxOptions {
    /// Where its pages are served, such as `http://127.0.0.1:3001`; see [`SandboxCheckout::set_page_base`].
    pub page_base: String,
    /// The secret that its events are signed with; the one that the webhook checks.
    pub webhook_secret: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn IdSource>,
}

/// A payment provider that moves no money. For development only.
///
/// Everything it knows is in memory and shared by its clones: after a restart it has forgotten all checkouts,
/// customers and cards, and its look-ups answer that there is nothing of that name.
///
/// What happens through the port (a refund by an admin, an automatic top-up) makes events too; nobody delivers
/// them, they are found in the list of events, as a lost webhook of Stripe's would be.
#[derive(Clone)]
pub struct SandboxCheckout {
    inner: Arc<Inner>,
}

struct Inner {
    page_base: Mutex<String>,
    webhook_secret: String,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    state: Mutex<State>,
}

impl SandboxCheckout {
    /// One that knows of nothing yet.
    pub fn new(options: SandboxOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                page_base: Mutex::new(trimmed(&options.page_base)),
                webhook_secret: options.webhook_secret,
                clock: options.clock,
                ids: options.ids,
                state: Mutex::default(),
            }),
        }
    }

    /// Says where its pages are served, once the port is known. Concerns pages that are opened from now on.
    pub fn set_page_base(&self, base: &str) {
        *self.inner.page_base.lock().unwrap_or_else(PoisonError::into_inner) = trimmed(base);
    }

    /// What the page of a checkout shows; `None` when it is unknown, or forgotten.
    pub fn checkout(&self, session: &str) -> Option<CheckoutView> {
        self.at_desk(|desk| view::checkout(desk.state, session))
    }

    /// What the portal of a customer shows; `None` when they are unknown, or forgotten.
    pub fn portal(&self, customer: &str) -> Option<PortalView> {
        self.at_desk(|desk| view::portal(desk.state, customer))
    }

    /// Does what was clicked on the page of a checkout, and answers the events that tell of it, in order, signed
    /// as of now. They are to be delivered by the caller.
    pub fn act(&self, session: &str, act: Act) -> Result<Vec<SandboxEvent>, ActError> {
        self.doing(|desk| desk.act_on_session(session, act))
    }

    /// Does what was clicked in a customer's portal, as [`SandboxCheckout::act`] does.
    pub fn act_on_subscription(
        &self,
        customer: &str,
        subscription: &str,
        act: Act,
    ) -> Result<Vec<SandboxEvent>, ActError> {
        self.doing(|desk| desk.act_on_subscription(customer, subscription, act))
    }

    fn doing(
        &self,
        act: impl FnOnce(&mut Desk<'_>) -> Result<(), ActError>,
    ) -> Result<Vec<SandboxEvent>, ActError> {
        let secret = &self.inner.webhook_secret;
        self.at_desk(|desk| {
            let before = desk.state.events.len();
            act(desk)?;
            let caused = desk.state.events.iter().skip(before);
            Ok(caused.map(|event| signed(event.body.clone(), secret, desk.now)).collect())
        })
    }

    /// With the state to oneself, after checkouts whose time is over were closed.
    fn at_desk<T>(&self, work: impl FnOnce(&mut Desk<'_>) -> T) -> T {
        let now = self.inner.clock.now().at;
        // Each act leaves the state whole, so one that broke off elsewhere does not spoil it.
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut desk = Desk { state: &mut state, ids: self.inner.ids.as_ref(), now };
        desk.close_overdue();
        work(&mut desk)
    }

    fn page(&self, path: &str) -> String {
        let base = self.inner.page_base.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{base}/sandbox/{path}")
    }
}

fn trimmed(base: &str) -> String {
    base.trim_end_matches('/').to_owned()
}

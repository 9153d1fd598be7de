//! Who sells credits: Stripe, a simulated checkout, or nobody.

use std::sync::Arc;
use std::time::Duration;

use adapters_sandbox::{SandboxCheckout, SandboxOptions};
use adapters_stripe::{Stripe, StripeConfig, StripeEvents};
use domain::catalog::LiveCatalogue;
use domain::clock::Clock;
use domain::ids::IdSource;
use domain::ports::payments::{EventReader, PaymentProvider};
use domain::services::billing::{Billing, ReturnPages};
use url::Url;

use super::Stores;
use crate::config::{self, Config};

/// The sale of credits.
pub struct Selling {
    /// Purchases, from the checkout to the books.
    pub billing: Billing,
    /// The simulated checkout, where that is what sells.
    pub sandbox: Option<SandboxCheckout>,
    /// How often what no webhook told is looked for.
    pub reconcile_every: Duration,
}

/// The simulated checkout loses no webhooks; what a restart interrupted is found again this often.
const SANDBOX_RECONCILES: Duration = Duration::from_secs(60);

/// The seller that the configuration names.
pub(super) fn of(
    config: &Config,
    stores: &Stores,
    catalogue: &Arc<LiveCatalogue>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdSource>,
) -> Result<Option<Selling>, Vec<String>> {
    let wrong = |error: &dyn std::fmt::Display| vec![error.to_string()];
    let (provider, reader, livemode, sandbox, reconcile_every): (
        Arc<dyn PaymentProvider>,
        Arc<dyn EventReader>,
        _,
        _,
        _,
    ) = match &config.billing {
        config::Billing::Off => return Ok(None),
        config::Billing::Stripe(stripe) => {
            let base = match &stripe.api_base {
                Some(base) => base.clone(),
                None => Url::parse(adapters_stripe::API_BASE).map_err(|error| wrong(&error))?,
            };
            let settings = StripeConfig::new(base, stripe.secret_key.clone());
            let client = Stripe::new(&settings, Arc::clone(clock)).map_err(|error| wrong(&error))?;
            let events =
                StripeEvents::new(stripe.webhook_secret.clone(), stripe.webhook_secret_previous.clone())
                    .map_err(|error| wrong(&error))?;
            (Arc::new(client), Arc::new(events), stripe.livemode, None, stripe.reconcile_every)
        }
        config::Billing::Sandbox => {
            let secret = format!("whsec_{}", uuid::Uuid::new_v4().simple());
            let events = StripeEvents::new(secret.clone().into(), None).map_err(|error| wrong(&error))?;
            let sandbox = SandboxCheckout::new(SandboxOptions {
                page_base: String::new(),
                webhook_secret: secret,
                clock: Arc::clone(clock),
                ids: Arc::clone(ids),
            });
            (Arc::new(sandbox.clone()), Arc::new(events), false, Some(sandbox), SANDBOX_RECONCILES)
        }
    };
    let billing = Billing {
        till: Arc::clone(&stores.till),
        recorder: Arc::clone(&stores.recorder),
        book: Arc::clone(&stores.purchases),
        inbox: Arc::clone(&stores.inbox),
        provider,
        reader,
        catalogue: Arc::clone(catalogue),
        clock: Arc::clone(clock),
        ids: Arc::clone(ids),
        livemode,
        pages: pages(&config.frontend_url),
    };
    Ok(Some(Selling { billing, sandbox, reconcile_every }))
}

fn pages(frontend: &str) -> ReturnPages {
    ReturnPages {
        success: format!("{frontend}/upgrade?success=true&session_id={{CHECKOUT_SESSION_ID}}"),
        cancel: format!("{frontend}/upgrade?canceled=true"),
        portal: format!("{frontend}/upgrade"),
    }
}

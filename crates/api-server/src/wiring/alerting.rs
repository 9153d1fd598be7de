//! How notices go out: over SMTP, simulated or not at all; to a webhook, or to none.

use std::sync::Arc;

use adapters_notify::{Letters, Webhook};
use adapters_sandbox::SandboxMail;
use domain::clock::Clock;
use domain::ports::notices::Courier;
use domain::services::alerts::Alerts;

use super::Stores;
use crate::config::{Config, Mail};

/// The couriers that the configuration names.
pub(super) fn of(config: &Config, stores: &Stores, clock: &Arc<dyn Clock>) -> Result<Alerts, Vec<String>> {
    let wrong = |name: &str, error: &dyn std::fmt::Display| vec![format!("{name}: {error}")];
    let settings = &config.alerts;
    let mail: Option<Arc<dyn Courier>> = match &settings.mail {
        Mail::Off => None,
        Mail::Simulated => Some(Arc::new(SandboxMail)),
        Mail::Smtp(server, sender) => {
            let letters = Letters::new(server, sender.clone(), &config.frontend_url);
            Some(Arc::new(letters.map_err(|error| wrong("SMTP_URL", &error))?))
        }
    };
    let webhook: Option<Arc<dyn Courier>> = match &settings.webhook {
        None => None,
        Some((address, secret)) => {
            let webhook = Webhook::new(address, secret.clone());
            Some(Arc::new(webhook.map_err(|error| wrong("ALERT_WEBHOOK_URL", &error))?))
        }
    };
    Ok(Alerts {
        outbox: Arc::clone(&stores.outbox),
        personal: Arc::clone(&stores.personal),
        mail,
        webhook,
        admin: settings.admin.clone(),
        clock: Arc::clone(clock),
    })
}

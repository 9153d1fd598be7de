//! Where notices go.

use adapters_notify::{Egress, Encryption, Secret, Sender, SetupError, SmtpServer, WebhookAddress};
use domain::contact::EmailAddress;
use secrecy::{ExposeSecret, SecretString};

use super::{Env, is_placeholder};

/// Where notices go.
#[derive(Debug)]
pub struct Alerts {
    /// How letters are sent.
    pub mail: Mail,
    /// `ALERT_WEBHOOK_URL` and `ALERT_WEBHOOK_SECRET`.
    pub webhook: Option<(WebhookAddress, Secret)>,
    /// `ADMIN_EMAIL`.
    pub admin: Option<EmailAddress>,
}

/// How letters are sent.
#[derive(Debug)]
pub enum Mail {
    /// Over `SMTP_URL`, from `MAIL_FROM`.
    Smtp(SmtpServer, Sender),
    /// They are not: each leaves a line in the log instead; development only.
    Simulated,
    /// Not at all.
    Off,
}

const SERVER: &str = "SMTP_URL";
const SENDER: &str = "MAIL_FROM";
const ADMIN: &str = "ADMIN_EMAIL";
const ENDPOINT: &str = "ALERT_WEBHOOK_URL";
const SECRET: &str = "ALERT_WEBHOOK_SECRET";

/// Each channel whole, or not at all.
pub(super) fn read(env: &mut Env, production: bool, stand_ins: &mut Vec<String>) -> Alerts {
    let mail = mail(env, production, stand_ins);
    let webhook = webhook(env, production, stand_ins);
    let admin = env.text(ADMIN).and_then(|text| {
        let wrong = "is no e-mail address such as admin@example.com";
        text.parse().map_err(|_| env.fault(format!("{ADMIN}: {wrong}"))).ok()
    });
    Alerts { mail, webhook, admin }
}

fn mail(env: &mut Env, production: bool, stand_ins: &mut Vec<String>) -> Mail {
    let (server, sender) = match (env.secret(SERVER), env.text(SENDER)) {
        (None, None) if production => return Mail::Off,
        (None, None) => {
            stand_ins.push(format!("{SERVER} is not set: e-mails are SIMULATED, none is sent"));
            return Mail::Simulated;
        }
        (Some(server), Some(sender)) => (server, sender),
        (server, _) => {
            let missing = if server.is_none() { SERVER } else { SENDER };
            env.fault(format!("{missing} is missing or empty: e-mail is configured by halves"));
            return Mail::Off;
        }
    };
    let server = parsed::<SmtpServer>(env, SERVER, &server, production);
    let sender = sender.parse().map_err(|error: SetupError| env.fault(format!("{SENDER}: {error}"))).ok();
    let (Some(server), Some(sender)) = (server, sender) else { return Mail::Off };
    if production && server.encryption() == Encryption::Off && !server.is_local() {
        env.fault(format!("{SERVER}: passwords and letters would travel unencrypted; leave ?tls=none out"));
    }
    Mail::Smtp(server, sender)
}

fn webhook(env: &mut Env, production: bool, stand_ins: &mut Vec<String>) -> Option<(WebhookAddress, Secret)> {
    let (address, secret) = match (env.secret(ENDPOINT), env.secret(SECRET)) {
        (None, None) => return None,
        (Some(address), Some(secret)) => (address, secret),
        (address, _) => {
            let missing = if address.is_none() { ENDPOINT } else { SECRET };
            if let Some(address) = &address {
                endpoint(env, address, production);
            }
            env.fault(format!("{missing} is missing or empty: the webhook is configured by halves"));
            return None;
        }
    };
    let secret = parsed::<Secret>(env, SECRET, &secret, production);
    let address = endpoint(env, &address, production);
    if address.as_ref().is_some_and(WebhookAddress::is_local) {
        let said = format!("{ENDPOINT} is an address of this machine");
        if production { env.fault(said) } else { stand_ins.push(said + ": production would refuse it") }
    }
    address.zip(secret)
}

/// The endpoint, or a fault.
fn endpoint(env: &mut Env, address: &SecretString, production: bool) -> Option<WebhookAddress> {
    let egress = if production { Egress::Public } else { Egress::PublicAndLoopback };
    let parsed = WebhookAddress::parse(address.expose_secret(), egress);
    parsed.map_err(|error| env.fault(format!("{ENDPOINT}: {error}"))).ok()
}

/// A setting that is a secret: what is wrong with it is said, but not what it is.
fn parsed<T: std::str::FromStr<Err = SetupError>>(
    env: &mut Env,
    name: &str,
    secret: &SecretString,
    production: bool,
) -> Option<T> {
    let text = secret.expose_secret();
    if production && is_placeholder(text) {
        env.fault(format!("{name}: is a placeholder"));
        return None;
    }
    text.parse().map_err(|error| env.fault(format!("{name}: {error}"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn load(variables: &[(&str, &str)], production: bool) -> (Alerts, Vec<String>, String) {
        let mut env = Env::of(variables.iter().copied());
        let mut stand_ins = Vec::new();
        let alerts = read(&mut env, production, &mut stand_ins);
        (alerts, stand_ins, env.into_faults().join("\n"))
    }

    #[test]
    fn without_a_server_development_says_that_e_mails_are_simulated() {
        let (alerts, stand_ins, faults) = load(&[], false);
        assert!(matches!(alerts.mail, Mail::Simulated) && alerts.webhook.is_none() && faults.is_empty());
        assert!(stand_ins.len() == 1 && stand_ins[0].contains("SIMULATED"));
        let (alerts, stand_ins, faults) = load(&[], true);
        assert!(matches!(alerts.mail, Mail::Off) && stand_ins.is_empty() && faults.is_empty());
    }

    #[test]
    fn half_of_a_channel_is_a_fault_in_development_too() {
        for (half, missing) in [
            ((SERVER, "smtp://127.0.0.1:25"), SENDER),
            ((SENDER, "a@saldo.dev"), SERVER),
            ((ENDPOINT, "https://hooks.saldo.dev"), SECRET),
            ((SECRET, KEY), ENDPOINT),
        ] {
            for production in [false, true] {
                let faults = load(&[half], production).2;
                assert!(faults.starts_with(missing) && faults.contains("by halves"), "{half:?}: {faults}");
            }
        }
    }

    #[test]
    fn everything_together_is_taken() {
        let whole = [
            (SERVER, "smtp://user:pw@mail.saldo.dev:587"),
            (SENDER, "Saldo <no-reply@saldo.dev>"),
            (ADMIN, "admin@saldo.dev"),
            (ENDPOINT, "https://hooks.saldo.dev/x"),
            (SECRET, KEY),
        ];
        let (alerts, stand_ins, faults) = load(&whole, true);
        assert!(faults.is_empty() && stand_ins.is_empty(), "{faults}");
        assert!(matches!(alerts.mail, Mail::Smtp(..)) && alerts.webhook.is_some() && alerts.admin.is_some());
        let shown = format!("{alerts:?}");
        assert!(!shown.contains("pw") && !shown.contains("MfKQ") && !shown.contains("hooks"), "{shown}");
        for (name, value) in [
            (SERVER, "smtp://mail.saldo.dev?tls=none"),
            (SERVER, "smtp://user:change-me@mail.saldo.dev"),
            (SERVER, "mail.saldo.dev"),
            (SENDER, "Saldo"),
            (ADMIN, "admin"),
            (ENDPOINT, "http://hooks.saldo.dev"),
            (ENDPOINT, "https://127.0.0.1/x"),
            (SECRET, "whsec_c2hvcnQ="),
        ] {
            let changed: Vec<_> =
                whole.iter().filter(|(known, _)| *known != name).copied().chain([(name, value)]).collect();
            let faults = load(&changed, true).2;
            assert!(faults.starts_with(name) && faults.lines().count() == 1, "{name}={value}: {faults}");
            assert!(!faults.contains("change-me") && !faults.contains("c2hvcnQ"), "{faults}");
        }
    }

    #[test]
    fn in_development_this_machine_may_be_the_endpoint_and_that_is_said() {
        let (alerts, stand_ins, faults) = load(&[(ENDPOINT, "http://127.0.0.1:9/x"), (SECRET, KEY)], false);
        assert!(alerts.webhook.is_some() && faults.is_empty());
        assert!(stand_ins.iter().any(|line| line.contains("production would refuse it")), "{stand_ins:?}");
    }
}

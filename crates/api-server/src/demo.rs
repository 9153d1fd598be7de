//! A demo user for the first minutes in development.

use adapters_jwt::Hs256Config;
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ids::{GrantId, UserId};
use domain::ledger::account::Actor;
use domain::ledger::command::GrantRequest;
use domain::ledger::lots::{Source, SourceKind};
use domain::ports::ledger::LedgerError;

use crate::config::{Config, TokenKeys};
use crate::wiring::{App, token_config};

/// What the demo user's and the demo admin's tokens say as `sub`.
const DEMO_USER: &str = "demo-user";
const DEMO_ADMIN: &str = "demo-admin";
/// The demo user's credits.
const DEMO_CREDITS: Credits = Credits::whole(5000);
/// How long demo tokens last.
const DEMO_TOKEN_SECS: u64 = 24 * 60 * 60;

/// The demo user and the demo admin, and their tokens.
pub struct Demo {
    /// Nothing where an issuer signs the tokens.
    signing: Option<Hs256Config>,
}

impl Demo {
    /// As configured.
    pub fn new(config: &Config) -> Self {
        let published = matches!(config.jwt.keys, TokenKeys::Published(_));
        Self { signing: (!published).then(|| token_config(config)) }
    }

    /// The demo user.
    pub fn user() -> UserId {
        adapters_jwt::user_id(DEMO_USER)
    }

    /// Whether tokens can be made here.
    pub fn signs(&self) -> bool {
        self.signing.is_some()
    }

    /// A token of the demo user.
    pub fn user_token(&self, now: Timestamp) -> Option<String> {
        self.token(DEMO_USER, "user", now)
    }

    fn token(&self, sub: &str, role: &str, now: Timestamp) -> Option<String> {
        adapters_jwt::issue(self.signing.as_ref()?, sub, Some(role), None, now, DEMO_TOKEN_SECS).ok()
    }
}

/// Makes the demo user on the first start, and prints how to begin.
pub async fn welcome(app: &App, config: &Config, address: &str) -> Result<(), LedgerError> {
    let (demo, user, now) = (Demo::new(config), Demo::user(), app.clock.now().at);
    app.stores.ledger.grant(demo_grant(app, user)).await?;
    let available = app.accounts.view(user).await?.balances.available;
    let tokens = demo.user_token(now).zip(demo.token(DEMO_ADMIN, "admin", now));
    println!();
    println!("  In a browser:  {address}/       to try it as the demo user");
    println!("                 {address}/admin  the admin dashboard (paste the admin's token)");
    let Some((user_token, admin_token)) = tokens else {
        println!();
        println!("  Demo user {user} has {available} credits. Tokens come from the issuer of JWT_JWKS_URL.");
        println!();
        return Ok(());
    };
    println!();
    println!("  Demo user {user} has {available} credits. Tokens, good for 24 hours:");
    println!();
    println!("  user   {user_token}");
    println!("  admin  {admin_token}");
    println!();
    println!("  Ask the assistant:");
    println!();
    println!(
        "curl -s {address}/api/ai-assistant -H 'Authorization: Bearer {user_token}' \
         -H 'Content-Type: application/json' -d '{{\"message\":\"Como posso economizar este mês?\"}}'"
    );
    if app.sells_by_sandbox() {
        println!();
        println!("  Buy credits: open the address in the answer in a browser, and pay (simulated):");
        println!();
        println!(
            "curl -s {address}/api/billing/create-checkout-session -H 'Authorization: Bearer {user_token}' \
             -H 'Content-Type: application/json' -d '{{\"planId\":\"starter\"}}'"
        );
    }
    println!();
    Ok(())
}

/// The same source at every start: it is granted once.
fn demo_grant(app: &App, user: UserId) -> GrantRequest {
    GrantRequest {
        id: GrantId::from_bytes(app.ids.unique()),
        user,
        source: Source::new(SourceKind::Bonus, "demo"),
        amount: DEMO_CREDITS,
        expires_at: None,
        plan: None,
        actor: Actor::system(),
        note: None,
        now: app.clock.now(),
    }
}

//! A demo user for the first minutes in development.

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

/// Makes the demo user on the first start, and prints how to begin.
pub async fn welcome(app: &App, config: &Config, address: &str) -> Result<(), LedgerError> {
    let user = adapters_jwt::user_id(DEMO_USER);
    app.stores.ledger.grant(demo_grant(app, user)).await?;
    let available = app.accounts.view(user).await?.balances.available;
    if matches!(config.jwt.keys, TokenKeys::Published(_)) {
        println!();
        println!("  Demo user {user} has {available} credits. Tokens come from the issuer of JWT_JWKS_URL.");
        println!();
        return Ok(());
    }
    let token = |sub, role| {
        let now = app.clock.now().at;
        adapters_jwt::issue(&token_config(config), sub, Some(role), None, now, DEMO_TOKEN_SECS)
            .unwrap_or_else(|error| format!("(none: {error})"))
    };
    let (user_token, admin_token) = (token(DEMO_USER, "user"), token(DEMO_ADMIN, "admin"));
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

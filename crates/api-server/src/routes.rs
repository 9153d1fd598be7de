//! What is where. Handlers are thin: parse, call, map.

pub mod admin;
pub mod alerts;
pub mod api_keys;
pub mod assistant;
pub mod billing;
pub mod credits;
mod docs;
pub mod endpoint;
mod export;
pub mod health;
mod privacy;
pub mod purchases;
pub mod sandbox;
mod streams;
pub mod upstreams;
pub mod v1;
pub mod views;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use domain::ports::identity::Scope::{AccountWrite, AdminRead, AdminWrite, AiUse, BillingWrite, CreditsRead};

pub use admin::{LONGEST_REASON, exports, user as named_user};

use crate::http::problem::{Kind, Problem};
use crate::openapi as say;
use crate::{dashboard, playground};
use endpoint::Access::{Anyone, Caller, TokenWith, TokenWithAnyOf, With};
use endpoint::{Endpoint, delete, get, page, post, put};

/// Everything that is served, in the order of the document: where, who may, what does it, what describes it. The
/// dashboard, the playground and the sandbox have tables of their own.
pub fn table() -> Vec<Endpoint> {
    vec![
        post("/api/ai-assistant", With(AiUse), assistant::ask, say::ai::ask),
        post("/api/ai-insights", With(AiUse), assistant::insights, say::ai::insights),
        post("/v1/chat/completions", With(AiUse), v1::chat_completions, say::gateway::chat_completions),
        post("/v1/responses", With(AiUse), v1::responses, say::gateway::responses),
        post("/v1/embeddings", With(AiUse), v1::embeddings, say::gateway::embeddings),
        get("/v1/models", With(AiUse), v1::list, say::gateway::models),
        get("/v1/models/{name}", With(AiUse), v1::one, say::gateway::one_model),
        get("/api/user/ai-credits", With(CreditsRead), credits::balance, say::account::balance),
        get("/api/user/ai-credits/history", With(CreditsRead), credits::history, say::account::history),
        get("/api/user/ai-usage", With(CreditsRead), credits::usage, say::account::usage),
        get("/api/user/notifications", With(CreditsRead), purchases::notices, say::account::notices),
        get(
            "/api/user/alerts",
            TokenWithAnyOf(&[CreditsRead, AccountWrite]),
            alerts::alerts,
            say::account::alerts,
        ),
        put("/api/user/alerts", TokenWith(AccountWrite), alerts::set_alerts, say::account::set_alerts),
        get("/api/user/export", TokenWith(AccountWrite), privacy::export, say::account::export),
        delete("/api/user", TokenWith(AccountWrite), privacy::close, say::account::close),
        get("/api/user/api-keys", TokenWith(AccountWrite), api_keys::list, say::keys::list),
        post("/api/user/api-keys", TokenWith(AccountWrite), api_keys::create, say::keys::create),
        delete("/api/user/api-keys/{id}", TokenWith(AccountWrite), api_keys::revoke, say::keys::revoke),
        get("/api/billing/plans", Caller, billing::plans, say::buying::plans),
        post(
            "/api/billing/create-checkout-session",
            With(BillingWrite),
            billing::create_checkout_session,
            say::buying::create_checkout_session,
        ),
        get(
            "/api/billing/checkout-sessions/{id}",
            With(BillingWrite),
            billing::checkout_session,
            say::buying::checkout_session,
        ),
        post(
            "/api/billing/portal-session",
            With(BillingWrite),
            billing::portal_session,
            say::buying::portal_session,
        ),
        get("/api/billing/auto-top-up", With(BillingWrite), billing::top_up, say::buying::top_up),
        put("/api/billing/auto-top-up", With(BillingWrite), billing::set_top_up, say::buying::set_top_up),
        post("/api/billing/webhook", Anyone, billing::webhook, say::buying::webhook),
        get("/api/admin/ai-analytics", With(AdminRead), admin::figures::analytics, say::figures::analytics),
        get("/api/admin/ai-analytics/series", With(AdminRead), admin::figures::series, say::figures::series),
        get("/api/admin/users", With(AdminRead), admin::users::list, say::everybody::users),
        get("/api/admin/users/{id}", With(AdminRead), admin::users::one, say::everybody::user),
        get(
            "/api/admin/users/{id}/journal",
            With(AdminRead),
            admin::users::journal,
            say::everybody::journal_of,
        ),
        get("/api/admin/users/{id}/usage", With(AdminRead), admin::users::usage, say::everybody::usage_of),
        get(
            "/api/admin/users/{id}/purchases",
            With(AdminRead),
            admin::users::purchases,
            say::everybody::purchases_of,
        ),
        post(
            "/api/admin/users/{id}/credits",
            With(AdminWrite),
            admin::move_credits,
            say::office::move_credits,
        ),
        post("/api/admin/users/{id}/suspend", With(AdminWrite), admin::suspend, say::office::suspend),
        post("/api/admin/users/{id}/resume", With(AdminWrite), admin::resume, say::office::resume),
        get("/api/admin/purchases", With(AdminRead), purchases::list, say::everybody::purchases),
        post("/api/admin/purchases/{id}/refund", With(AdminWrite), purchases::refund, say::office::refund),
        get("/api/admin/usage", With(AdminRead), admin::lists::usage, say::everybody::usage),
        get("/api/admin/notices", With(AdminRead), admin::lists::notices, say::everybody::notices),
        get("/api/admin/audit", With(AdminRead), admin::lists::audit, say::everybody::audit),
        get("/api/admin/usage.csv", With(AdminRead), admin::exports::usage, say::exports::usage),
        get("/api/admin/journal.csv", With(AdminRead), admin::exports::journal, say::exports::journal),
        get("/api/admin/purchases.csv", With(AdminRead), admin::exports::purchases, say::exports::purchases),
        get("/api/admin/audit.csv", With(AdminRead), admin::exports::audit, say::exports::audit),
        get("/api/admin/upstreams", With(AdminRead), upstreams::health, say::figures::upstreams),
        get("/livez", Anyone, health::livez, say::health::livez),
        get("/readyz", Anyone, health::readyz, say::health::readyz),
        get("/openapi.json", Anyone, docs::document, say::health::document),
        page("/docs", docs::page),
        page("/docs/", docs::to_page),
        page("/docs/{file}", docs::file),
    ]
}

/// The lines of all tables.
pub fn everything() -> Vec<Endpoint> {
    [table(), dashboard::table(), playground::table(), sandbox::table()].into_iter().flatten().collect()
}

/// Registers every route of the table.
pub fn register(config: &mut ServiceConfig) {
    endpoint::register(config, table());
    config.default_service(web::to(not_found));
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Kind::NotFound.into())
}

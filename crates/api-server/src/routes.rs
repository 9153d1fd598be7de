//! What is where. Handlers are thin: parse, call, map.

mod admin;
mod api_keys;
mod assistant;
pub mod billing;
mod credits;
pub mod health;
mod purchases;
pub mod sandbox;
mod streams;
mod upstreams;
mod v1;
mod views;

use actix_web::web::{self, ServiceConfig, delete, get, post, put};
use actix_web::{HttpResponse, Resource};

pub use admin::{LONGEST_REASON, exports, user as named_user};

use crate::http::problem::{Kind, Problem};

/// Registers every route.
pub fn register(config: &mut ServiceConfig) {
    config
        .service(at("/livez").route(get().to(health::livez)))
        .service(at("/readyz").route(get().to(health::readyz)))
        .service(at("/api/ai-assistant").route(post().to(assistant::ask)))
        .service(at("/api/ai-insights").route(post().to(assistant::insights)))
        .service(at("/v1/chat/completions").route(post().to(v1::chat_completions)))
        .service(at("/v1/responses").route(post().to(v1::responses)))
        .service(at("/v1/embeddings").route(post().to(v1::embeddings)))
        .service(at("/v1/models").route(get().to(v1::list)))
        .service(at("/v1/models/{name}").route(get().to(v1::one)))
        .service(at("/api/user/ai-credits").route(get().to(credits::balance)))
        .service(at("/api/user/ai-credits/history").route(get().to(credits::history)))
        .service(at("/api/user/ai-usage").route(get().to(credits::usage)))
        .service(at("/api/user/notifications").route(get().to(purchases::notices)))
        .service(at("/api/user/api-keys").route(get().to(api_keys::list)).route(post().to(api_keys::create)))
        .service(at("/api/user/api-keys/{id}").route(delete().to(api_keys::revoke)))
        .service(at("/api/billing/plans").route(get().to(billing::plans)))
        .service(
            at("/api/billing/create-checkout-session").route(post().to(billing::create_checkout_session)),
        )
        .service(at("/api/billing/checkout-sessions/{id}").route(get().to(billing::checkout_session)))
        .service(at("/api/billing/portal-session").route(post().to(billing::portal_session)))
        .service(
            at("/api/billing/auto-top-up")
                .route(get().to(billing::top_up))
                .route(put().to(billing::set_top_up)),
        )
        .service(at("/api/billing/webhook").route(post().to(billing::webhook)))
        .service(at("/api/admin/purchases").route(get().to(purchases::list)))
        .service(at("/api/admin/purchases/{id}/refund").route(post().to(purchases::refund)))
        .service(at("/api/admin/upstreams").route(get().to(upstreams::health)))
        .service(at("/api/admin/purchases.csv").route(get().to(admin::exports::purchases)))
        .service(at("/api/admin/ai-analytics").route(get().to(admin::figures::analytics)))
        .service(at("/api/admin/ai-analytics/series").route(get().to(admin::figures::series)))
        .service(at("/api/admin/usage").route(get().to(admin::lists::usage)))
        .service(at("/api/admin/usage.csv").route(get().to(admin::exports::usage)))
        .service(at("/api/admin/journal.csv").route(get().to(admin::exports::journal)))
        .service(at("/api/admin/notices").route(get().to(admin::lists::notices)))
        .service(at("/api/admin/audit").route(get().to(admin::lists::audit)))
        .service(at("/api/admin/audit.csv").route(get().to(admin::exports::audit)))
        .service(at("/api/admin/users").route(get().to(admin::users::list)))
        .service(at("/api/admin/users/{id}").route(get().to(admin::users::one)))
        .service(at("/api/admin/users/{id}/journal").route(get().to(admin::users::journal)))
        .service(at("/api/admin/users/{id}/usage").route(get().to(admin::users::usage)))
        .service(at("/api/admin/users/{id}/purchases").route(get().to(admin::users::purchases)))
        .service(at("/api/admin/users/{id}/credits").route(post().to(admin::move_credits)))
        .service(at("/api/admin/users/{id}/suspend").route(post().to(admin::suspend)))
        .service(at("/api/admin/users/{id}/resume").route(post().to(admin::resume)))
        .default_service(web::to(not_found));
}

/// A place that answers 405 to methods it does not know.
pub fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(method_not_allowed))
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Kind::NotFound.into())
}

async fn method_not_allowed() -> Result<HttpResponse, Problem> {
    Err(Kind::MethodNotAllowed.into())
}

//! The admin's pages, at `/admin`.
//!
//! | To find | Look in |
//! |---|---|
//! | signing in, and what ties a form to its session | [`session`], [`posted`] |
//! | what stands around every page | [`layout`] |
//! | problems as pages | [`problem_page`] |
//! | charts | [`charts`] |
//! | ranges of time | [`ranges`] |
//! | words for the books' states and kinds | [`words`] |
//! | the pages | [`pages`] |
//! | forms that change something: what they ask, say and do | [`acts`] |
//!
//! Pages are written by `templates/dashboard`; what they say stands there, in both languages side by side. Texts of
//! users and models are texts: askama escapes everything, and nothing is marked safe but the charts.

mod acts;
mod charts;
mod layout;
mod pages;
mod posted;
mod problem_page;
mod ranges;
mod session;
mod words;

use actix_web::web::{ServiceConfig, get, post};
use domain::clock::Span;

pub use problem_page::{is_page, problem_page};

use crate::config::{AppEnv, Config};
use crate::jobs::retention;
use crate::pages::assets;
use crate::routes::at;

/// What the dashboard needs besides the server's services.
pub struct Dashboard {
    /// Whether cookies are for encrypted connections only.
    secure: bool,
    /// Whether this is a developer's machine.
    development: bool,
    /// How long texts are kept; what is older is a fault of the books.
    texts_kept: Span,
    /// The latest proof of the books.
    proof: pages::health::Proof,
    /// What waited lately.
    queues: pages::health::Queues,
}

impl Dashboard {
    /// As configured.
    pub fn new(config: &Config) -> Self {
        Self {
            secure: config.app_env == AppEnv::Production || config.tls.is_some(),
            development: config.app_env == AppEnv::Development,
            // A day's allowance: the purge runs every hour, on whole days where the store keeps partitions.
            texts_kept: retention(config.content_retention_days.saturating_add(1)),
            proof: pages::health::Proof::default(),
            queues: pages::health::Queues::default(),
        }
    }
}

/// Registers the pages. They find their [`Dashboard`] in `web::Data`.
pub fn register(config: &mut ServiceConfig) {
    config
        .service(at(assets::PATH).route(get().to(assets::serve)))
        .service(at("/admin").route(get().to(pages::overview::show)))
        .service(
            at("/admin/login").route(get().to(pages::login::show)).route(post().to(pages::login::sign_in)),
        )
        .service(at("/admin/logout").route(post().to(pages::login::sign_out)))
        .service(at("/admin/look").route(post().to(pages::login::choose_look)))
        .service(at("/admin/search").route(get().to(pages::search::find)))
        .service(at("/admin/users").route(get().to(pages::users::list)))
        .service(at("/admin/users/{user}").route(get().to(pages::user::show)))
        .service(
            at("/admin/users/{user}/{act}")
                .route(get().to(acts::on_user::ask))
                .route(post().to(acts::on_user::take)),
        )
        .service(at("/admin/requests").route(get().to(pages::requests::list)))
        .service(at("/admin/purchases").route(get().to(pages::purchases::list)))
        .service(
            at("/admin/purchases/{purchase}/refund")
                .route(get().to(acts::refund::ask))
                .route(post().to(acts::refund::take)),
        )
        .service(at("/admin/notices").route(get().to(pages::notices::list)))
        .service(at("/admin/audit").route(get().to(pages::audit::list)))
        .service(at("/admin/export/{file}").route(get().to(pages::export::serve)))
        .service(at("/admin/health").route(get().to(pages::health::show)))
        .service(at("/admin/health/proof").route(post().to(pages::health::prove)));
}

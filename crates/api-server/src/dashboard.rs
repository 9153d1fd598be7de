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

use actix_web::web::ServiceConfig;
use domain::clock::Span;

pub use problem_page::{is_page, problem_page};

use crate::config::{AppEnv, Config};
use crate::jobs::retention;
use crate::pages::assets;
use crate::routes::endpoint::{self, Endpoint, form, page};

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

/// The pages. They find their [`Dashboard`] in `web::Data`.
pub fn table() -> Vec<Endpoint> {
    vec![
        page(assets::PATH, assets::serve),
        page("/admin", pages::overview::show),
        page("/admin/", pages::overview::find),
        page("/admin/login", pages::login::show),
        form("/admin/login", pages::login::sign_in),
        form("/admin/logout", pages::login::sign_out),
        form("/admin/look", pages::login::choose_look),
        page("/admin/search", pages::search::find),
        page("/admin/users", pages::users::list),
        page("/admin/users/{user}", pages::user::show),
        page("/admin/users/{user}/{act}", acts::on_user::ask),
        form("/admin/users/{user}/{act}", acts::on_user::take),
        page("/admin/requests", pages::requests::list),
        page("/admin/purchases", pages::purchases::list),
        page("/admin/purchases/{purchase}/refund", acts::refund::ask),
        form("/admin/purchases/{purchase}/refund", acts::refund::take),
        page("/admin/notices", pages::notices::list),
        page("/admin/audit", pages::audit::list),
        page("/admin/export/{file}", pages::export::serve),
        page("/admin/health", pages::health::show),
        form("/admin/health/proof", pages::health::prove),
    ]
}

/// Registers the pages.
pub fn register(config: &mut ServiceConfig) {
    endpoint::register(config, table());
}

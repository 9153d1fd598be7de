//! `GET /v1/models`: what may be asked for.

use actix_web::{HttpResponse, web};
use domain::catalog::Model;
use domain::ports::identity::Scope;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::auth::Bearer;
use crate::http::problem::{Kind, Problem};
use crate::wiring::App;

/// Who made a model, as far as clients are told: who sells it.
const OWNER: &str = "saldo";

/// A model that may be asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = Model)]
pub struct ModelBody<'a> {
    id: &'a str,
    /// `model`.
    object: &'static str,
    /// Since when its price is known, in seconds since 1970.
    created: i64,
    owned_by: &'static str,
}

/// The models that may be asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = Models)]
pub struct ListBody<'a> {
    /// `list`.
    object: &'static str,
    data: Vec<ModelBody<'a>>,
}

impl<'a> ModelBody<'a> {
    fn of(model: &'a Model, name: &'a str) -> Self {
        let created = model.prices.first().map_or(0, |price| price.valid_from.as_micros() / 1_000_000);
        Self { id: name, object: "model", created, owned_by: OWNER }
    }
}

/// All models with a price in force, by all their names.
pub async fn list(bearer: Bearer, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    bearer.owner(Scope::AiUse, &app).await?;
    let (catalogue, now) = (app.catalogue.current(), app.clock.now().at);
    let sold = catalogue.models().filter(|model| model.price_at(now).is_some());
    let data = sold.flat_map(|model| model.names().map(|name| ModelBody::of(model, name))).collect();
    Ok(HttpResponse::Ok().json(ListBody { object: "list", data }))
}

/// One model.
pub async fn one(
    bearer: Bearer,
    app: web::Data<App>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    bearer.owner(Scope::AiUse, &app).await?;
    let (catalogue, now) = (app.catalogue.current(), app.clock.now().at);
    let model = catalogue.model(&name).filter(|model| model.price_at(now).is_some());
    let model = model.ok_or(Kind::ModelNotAvailable)?;
    Ok(HttpResponse::Ok().json(ModelBody::of(model, &name)))
}

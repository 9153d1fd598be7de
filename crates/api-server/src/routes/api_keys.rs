//! API keys: a user makes, lists and ends them, with a token. Never with a key.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::api_keys::ApiKey;
use domain::credits::Credits;
use domain::ids::ApiKeyId;
use domain::ports::api_keys::ApiKeyCursor;
use domain::ports::identity::{Caller, Scope};
use domain::services::api_keys::wish::{ApiKeyWish, RawApiKeyWish};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::credits::{Parameters, page, time_and_name};
use super::views::Page;
use crate::clock::rfc3339;
use crate::http::auth::{Bearer, owner_acting};
use crate::http::body::read_json;
use crate::http::fields::Fields;
use crate::http::problem::{Kind, Problem};
use crate::openapi::words;
use crate::wiring::App;

/// A key, without what proves it.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ApiKeyBody {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    /// The first characters of its text, to tell it by.
    prefix: String,
    #[schema(value_type = Vec<words::Scope>)]
    scopes: Vec<&'static str>,
    /// The most that all requests under it may be charged.
    spend_cap: Option<i64>,
    /// What they were charged so far.
    spent: i64,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it last paid for a request, to about a minute.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

impl From<&ApiKey> for ApiKeyBody {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            scopes: key.scopes.iter().map(|scope| scope.as_str()).collect(),
            spend_cap: key.spend_cap.map(Credits::get),
            spent: key.spent.get(),
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
            last_used_at: key.last_used_at.map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
        }
    }
}

/// A key that was just made: the only answer that has its text.
#[derive(Serialize, ToSchema)]
#[schema(as = NewApiKey)]
pub struct NewApiKeyBody {
    /// The key itself. It is shown this once.
    key: String,
    #[serde(flatten)]
    about: ApiKeyBody,
}

/// `POST /api/user/api-keys`.
pub async fn create(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let maker = bearer.with_token(Scope::AccountWrite)?;
    let by = owner_acting(&maker, &request);
    let wish = wish(&app, &maker, &read_json(payload).await?)?;
    let keys = app.api_keys.clone();
    let (key, credential) = app.run(async move { keys.create(by, maker.user, wish).await }).await??;
    let body = NewApiKeyBody { key: credential.reveal(), about: ApiKeyBody::from(&key) };
    Ok(HttpResponse::Created().json(body))
}

/// A new key.
#[derive(ToSchema)]
#[schema(as = ApiKeyRequest)]
#[expect(dead_code, reason = "describes what `wish` reads")]
pub struct KeyWish {
    /// What you call it: one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// What it may do: a part of what the token may that makes it. Without this, `ai:use` and `credits:read`.
    #[schema(value_type = Option<Vec<words::GivableScope>>, min_items = 1)]
    scopes: Option<Vec<String>>,
    /// The most that all requests under it may be charged, in credits.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    spend_cap: Option<i64>,
    /// When it ends by itself; in the future.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

fn wish(app: &App, maker: &Caller, body: &Value) -> Result<ApiKeyWish, Problem> {
    let mut fields = Fields::of_body(body)?;
    let owned = |text: &str| text.to_owned();
    let raw = RawApiKeyWish {
        name: fields.text("name").map(owned),
        scopes: fields.texts("scopes").map(|words| words.into_iter().map(|word| word.map(owned)).collect()),
        spend_cap: fields.whole("spend_cap"),
        expires_at: fields.future_time("expires_at", app.clock.now().at),
    };
    fields.also(ApiKeyWish::parse(raw, maker))
}

/// `GET /api/user/api-keys`: all there ever were, newest first.
pub async fn list(bearer: Bearer, app: web::Data<App>, query: Parameters) -> Result<HttpResponse, Problem> {
    let user = bearer.owner_with_token(Scope::AccountWrite, &app).await?.user;
    let cursor = |text: &str| time_and_name(text).map(|(at, id)| ApiKeyCursor { at, id });
    let (limit, before) = page(&query, cursor)?;
    let keys = app.api_keys.list(user, before, limit + 1).await?;
    let end = |key: &ApiKey| format!("{}_{}", key.created_at.as_micros(), key.id);
    Ok(HttpResponse::Ok().json(Page::cut(keys, limit, |key| ApiKeyBody::from(key), end)))
}

/// `DELETE /api/user/api-keys/{id}`: ends a key, once and for good.
pub async fn revoke(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let owner = bearer.owner_with_token(Scope::AccountWrite, &app).await?;
    let by = owner_acting(&owner, &request);
    let id: ApiKeyId = id.parse().map_err(|_| Kind::NotFound)?;
    let keys = app.api_keys.clone();
    app.run(async move { keys.revoke(by, owner.user, id).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}

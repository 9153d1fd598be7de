//! Style, scripts and pictures, built into the program. Their addresses hold a hash of their content, so browsers may
//! keep them for ever.

use std::fmt::Write;
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use sha2::{Digest, Sha256};

use crate::http::problem::{Kind, Problem};

/// Where they are.
pub const PATH: &str = "/assets/{file}";

struct Asset {
    name: &'static str,
    /// The name with the hash.
    file: String,
    kind: &'static str,
    body: &'static str,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    [
        ("base.css", "text/css; charset=utf-8", include_str!("../../assets/base.css")),
        ("dashboard.css", "text/css; charset=utf-8", include_str!("../../assets/dashboard.css")),
        ("dashboard.js", "text/javascript; charset=utf-8", include_str!("../../assets/dashboard.js")),
        ("playground.css", "text/css; charset=utf-8", include_str!("../../assets/playground.css")),
        ("playground.js", "text/javascript; charset=utf-8", include_str!("../../assets/playground.js")),
        ("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
    ]
    .into_iter()
    .map(|(name, kind, body)| Asset { name, file: hashed(name, body), kind, body })
    .collect()
});

fn hashed(name: &str, body: &str) -> String {
    let mut hash = String::new();
    for byte in Sha256::digest(body).iter().take(6) {
        // Writing to a String does not fail.
        let _ = write!(hash, "{byte:02x}");
    }
    name.rsplit_once('.').map_or_else(|| name.to_owned(), |(stem, kind)| format!("{stem}-{hash}.{kind}"))
}

/// The address of an asset.
pub fn address(name: &str) -> String {
    let file = ASSETS.iter().find(|asset| asset.name == name).map_or(name, |asset| &asset.file);
    format!("/assets/{file}")
}

/// `GET /assets/{file}`.
pub async fn serve(file: web::Path<String>) -> Result<HttpResponse, Problem> {
    let asset = ASSETS.iter().find(|asset| asset.file == *file).ok_or(Kind::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.kind))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.body))
}

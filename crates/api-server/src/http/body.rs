//! Reading JSON bodies, bounded in size, time and depth.

use std::time::Duration;

use actix_web::web;
use futures_util::StreamExt;
use serde_json::Value;

use super::problem::{Kind, Problem};

/// The longest body.
pub const MOST_BYTES: usize = 256 * 1024;
/// How long a body may take to arrive.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// How deeply JSON may be nested.
pub const MOST_DEPTH: usize = 32;

/// Reads a JSON document.
pub async fn read_json(payload: web::Payload) -> Result<Value, Problem> {
    let bytes = read_bytes(payload, MOST_BYTES).await?;
    if depth(&bytes) > MOST_DEPTH {
        return Err(Problem::because(Kind::MalformedJson, "nested too deeply"));
    }
    // The parser's own words could quote what the client sent: they stay out of the log.
    serde_json::from_slice(&bytes).map_err(|_| Kind::MalformedJson.into())
}

/// Reads a body just as it comes, up to `most` bytes.
pub async fn read_bytes(payload: web::Payload, most: usize) -> Result<Vec<u8>, Problem> {
    tokio::time::timeout(TIMEOUT, read(payload, most)).await.map_err(|_| Kind::BodyTimeout)?
}

async fn read(mut payload: web::Payload, most: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::because(Kind::BadRequest, error))?;
        if bytes.len() + chunk.len() > most {
            return Err(Kind::BodyTooLarge.into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// How deeply brackets outside strings are nested.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(br#"{"a": [1, {"b": "]]]\"[[["}]}"#), 3);
        assert_eq!(depth(b"1"), 0);
        assert_eq!(depth("[".repeat(100_000).as_bytes()), 100_000);
    }
}

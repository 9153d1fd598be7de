//! How bearer tokens are checked: with a shared secret, or with the keys that an issuer publishes.

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{Database, Env, LEAST_SECRET, is_placeholder, stand_in};

/// How bearer tokens are checked.
#[derive(Debug)]
pub struct Jwt {
    /// `JWT_SECRET` or `JWT_JWKS_URL`, never both.
    pub keys: TokenKeys,
    /// `JWT_ISSUER`.
    pub issuer: Option<String>,
    /// `JWT_AUDIENCE`.
    pub audience: Option<String>,
}

/// What signatures are checked with.
#[derive(Debug)]
pub enum TokenKeys {
    /// `JWT_SECRET`, at least 32 bytes.
    Secret(SecretString),
    /// `JWT_JWKS_URL`: https, or in development http at a loopback address.
    Published(Url),
    /// Nothing: for commands that neither sign nor check tokens.
    None,
}

impl Jwt {
    /// For commands that neither sign nor check tokens.
    pub(super) fn unused() -> Self {
        Self { keys: TokenKeys::None, issuer: None, audience: None }
    }
}

const SECRET: &str = "JWT_SECRET";
const PUBLISHED: &str = "JWT_JWKS_URL";

/// `strict`: without stand-ins, and without placeholders.
pub(super) fn read(
    env: &mut Env,
    production: bool,
    strict: bool,
    database: &Database,
    stand_ins: &mut Vec<String>,
) -> Jwt {
    let secret = env.secret(SECRET);
    let published = env.parsed_if_set::<Url>(PUBLISHED);
    let keys = match (secret, published) {
        (Some(_), Some(_)) => {
            // Whoever knows a public key could sign with it as if it were the secret.
            env.fault(format!("{SECRET} and {PUBLISHED} are both set; keep one"));
            TokenKeys::None
        }
        (Some(secret), None) => TokenKeys::Secret(checked(env, strict, secret)),
        (None, Some(url)) => {
            check_address(env, production, &url);
            TokenKeys::Published(url)
        }
        // It is set, but no address: that is the fault then.
        (None, None) if env.text(PUBLISHED).is_some() => TokenKeys::None,
        (None, None) if strict => {
            env.fault(format!(
                "{SECRET} is missing: the key that user tokens are signed with, 32 bytes or more; or \
                 {PUBLISHED}, where their issuer publishes its keys"
            ));
            TokenKeys::None
        }
        (None, None) => TokenKeys::Secret(stand_in::jwt_secret(database, stand_ins)),
    };
    Jwt { keys, issuer: env.text("JWT_ISSUER"), audience: env.text("JWT_AUDIENCE") }
}

fn checked(env: &mut Env, strict: bool, secret: SecretString) -> SecretString {
    let length = secret.expose_secret().len();
    if length < LEAST_SECRET {
        env.fault(format!("{SECRET}: {length} bytes; at least {LEAST_SECRET} are needed"));
    } else if strict && is_placeholder(secret.expose_secret()) {
        env.fault(format!("{SECRET}: is a placeholder; make one with `openssl rand -hex 32`"));
    }
    secret
}

/// Whoever can change what this address answers can sign tokens. The address itself is not repeated.
fn check_address(env: &mut Env, production: bool, url: &Url) {
    let local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    if url.scheme() != "https" && (production || url.scheme() != "http" || !local) {
        env.fault(format!(
            "{PUBLISHED}: must begin with https:// (in development also http:// and a loopback address, such as \
             127.0.0.1)"
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        env.fault(format!("{PUBLISHED}: must not hold a name or a password"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Purpose};

    const HEX: &str = "0123456789abcdef0123456789abcdef";

    fn load(variables: &[(&'static str, &'static str)]) -> Result<TokenKeys, String> {
        Config::load(Env::of(variables.iter().copied()), Purpose::Serving)
            .map(|config| config.jwt.keys)
            .map_err(|faults| faults.join("\n"))
    }

    fn in_production(name: &'static str, value: &'static str) -> Result<TokenKeys, String> {
        load(&[
            ("APP_ENV", "production"),
            ("OPENAI_API_KEY", "sk-abc"),
            ("DATABASE_URL", "postgresql://u:p@db/saldo"),
            ("FRONTEND_URL", "https://app.test"),
            (name, value),
        ])
    }

    #[test]
    fn production_needs_a_secret_or_published_keys() {
        assert!(matches!(in_production(SECRET, HEX), Ok(TokenKeys::Secret(_))));
        assert!(matches!(in_production(PUBLISHED, "https://id.test/keys"), Ok(TokenKeys::Published(_))));
        let faults = in_production("LOG_FORMAT", "json").unwrap_err();
        assert!(faults.contains(SECRET) && faults.contains(PUBLISHED), "{faults}");
    }

    #[test]
    fn a_secret_and_published_keys_exclude_each_other() {
        let faults = load(&[(SECRET, HEX), (PUBLISHED, "https://id.test/keys")]).unwrap_err();
        assert_eq!(faults, "JWT_SECRET and JWT_JWKS_URL are both set; keep one");
    }

    #[test]
    fn keys_come_over_https_or_in_development_from_this_machine() {
        for local in ["http://127.0.0.1:8080/keys", "http://[::1]/keys"] {
            assert!(matches!(load(&[(PUBLISHED, local)]), Ok(TokenKeys::Published(_))), "{local}");
            assert!(in_production(PUBLISHED, local).unwrap_err().contains(PUBLISHED), "{local}");
        }
        for bad in [
            "http://id.test/keys",
            "http://localhost/keys",
            "http://127.0.0.1.id.test/",
            "http://10.0.0.1/keys",
            "ftp://127.0.0.1/keys",
            "https://name:password@id.test/keys",
            "id.test/keys",
            "not an address",
        ] {
            assert!(load(&[(PUBLISHED, bad)]).unwrap_err().contains(PUBLISHED), "{bad}");
        }
    }
}

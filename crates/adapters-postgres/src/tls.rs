//! Encryption on the way to the database, as `sslmode` and `sslrootcert` in its URL demand it.
//!
//! | `sslmode` | |
//! |---|---|
//! | `disable` | never |
//! | `prefer`, or nothing | when the server offers it; its certificate is not checked |
//! | `require` | always; the certificate is checked only when `sslrootcert` names who signs it |
//! | `verify-ca`, `verify-full` | always; certificate and host name are checked |

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::error::OpenError;

/// What the URL demands beyond what the client library understands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// No connection without encryption.
    pub encrypt: bool,
    /// The server must prove who it is.
    pub verify: bool,
    /// Certificates of those who may vouch for it, instead of the system's.
    pub roots: Option<PathBuf>,
}

/// Takes what only we understand out of the URL.
pub(crate) fn take_demand(url: &str) -> Result<(String, Demand), OpenError> {
    let mut demand = Demand::default();
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), demand)) };
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = url::form_urlencoded::parse(pair.as_bytes()).next() else { continue };
        match (name.as_ref(), value.as_ref()) {
            ("sslmode", "require") => demand.encrypt = true,
            ("sslmode", "verify-ca" | "verify-full") => {
                demand.encrypt = true;
                demand.verify = true;
            }
            ("sslmode", "disable" | "prefer") => rest.push(pair),
            ("sslmode", "allow") => rest.push("sslmode=prefer"),
            ("sslmode", other) => return Err(OpenError::Url(format!("unknown sslmode {other}"))),
            ("sslrootcert", "system") => demand.verify = true,
            ("sslrootcert", path) => demand.roots = Some(path.into()),
            _ => rest.push(pair),
        }
    }
    demand.verify |= demand.encrypt && demand.roots.is_some();
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    Ok((url, demand))
}

/// The client end of the encryption.
pub(crate) fn client(demand: &Demand) -> Result<ClientConfig, OpenError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Tls(error.to_string()))?;
    let config = if demand.verify {
        config.with_root_certificates(roots(demand)?)
    } else {
        config.dangerous().with_custom_certificate_verifier(Arc::new(Unverified { provider }))
    };
    Ok(config.with_no_client_auth())
}

fn roots(demand: &Demand) -> Result<RootCertStore, OpenError> {
    let found = match &demand.roots {
        Some(path) => rustls_native_certs::load_certs_from_paths(Some(path), None),
        None => rustls_native_certs::load_native_certs(),
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
        return Err(OpenError::Tls(format!("no root certificates: {why}")));
    }
    Ok(roots)
}

/// Encrypts without asking who the other end is, as `require` and `prefer` say.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_says_how_much_to_trust() {
        let demand =
            |encrypt, verify, roots: Option<&str>| Demand { encrypt, verify, roots: roots.map(Into::into) };
        for (url, rest, expected) in [
            ("postgres://h/d", "postgres://h/d", demand(false, false, None)),
            ("postgres://h/d?sslmode=disable", "postgres://h/d?sslmode=disable", demand(false, false, None)),
            ("postgres://h/d?sslmode=require", "postgres://h/d", demand(true, false, None)),
            ("postgres://h/d?sslmode=verify-full&port=5", "postgres://h/d?port=5", demand(true, true, None)),
            (
                "postgres://h/d?sslrootcert=%2Fca.pem&sslmode=require",
                "postgres://h/d",
                demand(true, true, Some("/ca.pem")),
            ),
        ] {
            assert_eq!(take_demand(url).unwrap(), (rest.to_owned(), expected), "{url}");
        }
        assert!(take_demand("postgres://h/d?sslmode=maybe").is_err());
    }
}

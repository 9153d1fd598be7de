//! TLS in the process itself.

use std::path::PathBuf;

use super::Env;
use crate::tls;

/// `TLS_CERT_FILE` and `TLS_KEY_FILE`.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and those that signed it, in PEM.
    pub certificates: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// `None`: plain HTTP. `serving`: the files are read and checked.
pub(super) fn read(env: &mut Env, serving: bool) -> Option<TlsFiles> {
    let (certificates, key) = match (env.text("TLS_CERT_FILE"), env.text("TLS_KEY_FILE")) {
        (Some(certificates), Some(key)) => (certificates.into(), key.into()),
        (None, None) => return None,
        (Some(_), None) => {
            env.fault("TLS_KEY_FILE is missing: the private key of TLS_CERT_FILE");
            return None;
        }
        (None, Some(_)) => {
            env.fault("TLS_CERT_FILE is missing: the certificate of TLS_KEY_FILE");
            return None;
        }
    };
    let files = TlsFiles { certificates, key };
    if serving && let Err(fault) = tls::read(&files) {
        env.fault(fault);
    }
    Some(files)
}

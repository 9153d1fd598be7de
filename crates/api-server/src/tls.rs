//! TLS in the process itself: the certificate, read anew when its files change.
//!
//! HTTP/1.1 only. Who wants HTTP/2 puts a proxy in front: actix-web's is a second, older copy of the library that the
//! rest of the program uses, and a wide door.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::TlsFiles;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(60);

/// The certificate in force.
pub struct Certificates {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
    /// The files as they were when they were last read.
    seen: Mutex<Stamp>,
}

/// When two files were changed, and their lengths.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Certificates {
    /// Reads the files.
    pub fn load(files: TlsFiles) -> Result<Self, String> {
        let seen = Mutex::new(stamp(&files));
        let current = RwLock::new(Arc::new(read(&files)?));
        Ok(Self { files, current, seen })
    }

    /// Reads the files anew. With any fault, the certificate before stays in force.
    pub fn reload(&self) -> Result<(), String> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp(&self.files);
        let new = Arc::new(read(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// The same, if the files were changed; answers whether they were.
    pub fn reload_if_changed(&self) -> Result<bool, String> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp(&self.files) == seen {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }

    /// What the listener is started with.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, String> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS: {error}"))?;
        Ok(config.with_no_client_auth().with_cert_resolver(Arc::<Self>::clone(self)))
    }
}

/// Looks at the files every minute, for as long as the server runs.
pub async fn keep_fresh(certificates: Arc<Certificates>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let at = Arc::clone(&certificates);
        match tokio::task::spawn_blocking(move || at.reload_if_changed()).await {
            Ok(result) => log(result),
            Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
        }
    }
}

/// Tells what came of reading the files anew.
pub fn log(read: Result<bool, String>) {
    match read {
        Ok(true) => tracing::info!("the certificate was read anew and is in force"),
        Ok(false) => {}
        Err(fault) => tracing::error!(fault, "the certificate is not right; the one before stays in force"),
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

fn stamp(files: &TlsFiles) -> Stamp {
    let of = |path: &Path| {
        let about = fs::metadata(path).ok()?;
        Some((about.modified().ok()?, about.len()))
    };
    [of(&files.certificates), of(&files.key)]
}

/// Reads and checks: there is a certificate, and the key is its own. Says what is wrong by the variables' names.
pub fn read(files: &TlsFiles) -> Result<CertifiedKey, String> {
    let wrong =
        |name: &str, path: &Path, error: &dyn fmt::Display| format!("{name}: {}: {error}", path.display());
    let certificates = |error: &dyn fmt::Display| wrong("TLS_CERT_FILE", &files.certificates, error);
    let key = |error: &dyn fmt::Display| wrong("TLS_KEY_FILE", &files.key, error);
    let chain = CertificateDer::pem_file_iter(&files.certificates).map_err(|error| certificates(&error))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|error| certificates(&error))?;
    if chain.is_empty() {
        return Err(certificates(&"holds no certificate in PEM"));
    }
    let private = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| key(&error))?;
    let provider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, private, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => key(&"is not the key of TLS_CERT_FILE"),
        rustls::Error::InvalidCertificate(_) => certificates(&error),
        _ => key(&error),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey as Made, generate_simple_self_signed};

    use super::*;

    fn make(name: &str) -> Made<rcgen::KeyPair> {
        generate_simple_self_signed([name.to_owned()]).unwrap()
    }

    /// Writes files, a little later than anything before.
    fn write(files: &TlsFiles, certificate: &str, key: &str) {
        for (path, text) in [(&files.certificates, certificate), (&files.key, key)] {
            let before = fs::metadata(path).and_then(|about| about.modified());
            fs::write(path, text).unwrap();
            if let Ok(before) = before {
                let file = fs::File::options().write(true).open(path).unwrap();
                file.set_modified(before + Duration::from_secs(1)).unwrap();
            }
        }
    }

    fn place() -> (tempfile::TempDir, TlsFiles) {
        let directory = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificates: directory.path().join("cert.pem"),
            key: directory.path().join("key.pem"),
        };
        (directory, files)
    }

    fn in_force(certificates: &Certificates) -> Vec<u8> {
        certificates.current.read().unwrap().cert[0].to_vec()
    }

    #[test]
    fn a_changed_certificate_is_taken_and_a_wrong_one_is_not() {
        let (_directory, files) = place();
        let (first, second) = (make("a.test"), make("b.test"));
        write(&files, &first.cert.pem(), &first.signing_key.serialize_pem());
        let certificates = Certificates::load(files.clone()).unwrap();
        assert_eq!(certificates.reload_if_changed(), Ok(false));
        // One of the two files was replaced, the other not yet.
        write(&files, &second.cert.pem(), &first.signing_key.serialize_pem());
        assert!(certificates.reload_if_changed().unwrap_err().contains("is not the key of TLS_CERT_FILE"));
        assert_eq!(in_force(&certificates), first.cert.der().to_vec());
        assert_eq!(certificates.reload_if_changed(), Ok(false), "it is told once");
        write(&files, &second.cert.pem(), &second.signing_key.serialize_pem());
        assert_eq!(certificates.reload_if_changed(), Ok(true));
        assert_eq!(in_force(&certificates), second.cert.der().to_vec());
        fs::remove_file(&files.key).unwrap();
        assert!(certificates.reload_if_changed().unwrap_err().contains("TLS_KEY_FILE"));
        assert_eq!(in_force(&certificates), second.cert.der().to_vec());
    }

    #[test]
    fn files_that_make_no_sense_are_named() {
        let (_directory, files) = place();
        let (made, other) = (make("a.test"), make("a.test"));
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        for (in_first, in_second, told) in [
            ("", key.as_str(), "TLS_CERT_FILE"),
            (key.as_str(), key.as_str(), "TLS_CERT_FILE"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key.as_str(), "TLS_"),
            (certificate.as_str(), "", "TLS_KEY_FILE"),
            (certificate.as_str(), certificate.as_str(), "TLS_KEY_FILE"),
            (certificate.as_str(), &other.signing_key.serialize_pem(), "is not the key of TLS_CERT_FILE"),
        ] {
            write(&files, in_first, in_second);
            let fault = read(&files).unwrap_err();
            assert!(fault.contains(told), "{fault}");
        }
        write(&files, &certificate, &key);
        assert!(read(&files).is_ok());
    }
}

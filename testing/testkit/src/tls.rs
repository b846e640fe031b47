//! A certificate of one's own.

use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, SupportedProtocolVersion};

/// A fresh certificate that vouches for itself, and a server that shows it.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests take it apart")]
pub struct SelfSigned {
    /// What a client must trust, in PEM.
    pub pem: String,
    /// What a server runs with.
    pub config: Arc<ServerConfig>,
}

impl SelfSigned {
    /// A certificate for the host name or address `host`, shown over the `versions` of TLS.
    ///
    /// # Panics
    /// When `host` cannot stand in a certificate.
    pub fn make(host: &str, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let made = generate_simple_self_signed([host.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key);
        Self { pem: made.cert.pem(), config: Arc::new(config.expect("a key that fits its certificate")) }
    }
}

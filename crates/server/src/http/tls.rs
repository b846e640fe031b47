//! TLS 1.3 alone, X25519MLKEM768 preferred.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::version::TLS13;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

/// What HTTP/2 is called in the handshake.
pub(super) const HTTP_2: &[u8] = b"h2";

/// Why the server has no TLS.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    /// The certificate or key file is not there or not PEM.
    #[error("{file} holds no usable PEM")]
    Pem {
        /// Which file.
        file: String,
        /// Why.
        source: pem::Error,
    },
    /// The key does not fit the certificate, or is of an unknown kind.
    #[error("the certificate and the key cannot be used together")]
    Config(#[from] rustls::Error),
}

/// Accepts TLS with this certificate chain and key.
pub(crate) fn acceptor(certificates: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let pem_error = |file: &Path| {
        let file = file.display().to_string();
        move |source| TlsError::Pem { file, source }
    };
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(pem_error(certificates))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(pem_error(key))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

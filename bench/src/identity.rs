//! The certificates of one run: an authority that clients are told to trust, and the servers' certificate by it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Where the three PEM files lie.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeIdentityError {
    #[error("cannot make the certificates")]
    Certificate(#[from] rcgen::Error),
    #[error("cannot store the certificates")]
    Store(#[from] io::Error),
}

impl Identity {
    /// Makes fresh certificates for 127.0.0.1 in `folder`.
    ///
    /// # Errors
    /// When no key can be made or the files cannot be written.
    pub(crate) fn make(folder: &Path) -> Result<Self, MakeIdentityError> {
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "AnoniCloud benchmark");
        let authority_key = KeyPair::generate()?;
        let authority = parameters.self_signed(&authority_key)?;
        let issuer = Issuer::new(parameters, authority_key);
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &issuer)?;

        fs_err::create_dir_all(folder)?;
        let identity = Self {
            authority: folder.join("authority.pem"),
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
        };
        fs_err::write(&identity.authority, authority.pem())?;
        fs_err::write(&identity.certificate, certificate.pem())?;
        fs_err::write(&identity.key, key.serialize_pem())?;
        Ok(identity)
    }
}

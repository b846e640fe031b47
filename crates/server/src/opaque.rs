//! The server's half of OPAQUE, RFC 9807 (spec: 1-accounts, "Sign-up"): ristretto255-SHA512-3DH. The client stretches
//! the password, so the server's stretching is the identity.

use core::fmt;

use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::context::context;
use anonicloud_proto::ids::{AccountId, RealmId};
use anonicloud_proto::label::Label;
use anonicloud_proto::suite::Suite;
use opaque_ke::ksf::Identity;
use opaque_ke::{
    CipherSuite, CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest, RegistrationUpload,
    Ristretto255, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup, TripleDh,
};
use sha2_010::Sha512;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::random::SystemRandom06;

/// OPAQUE as suite 0x0001 has it.
pub(crate) struct OpaqueSuite;

impl CipherSuite for OpaqueSuite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, Sha512>;
    type Ksf = Identity;
}

/// A message or a record that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an OPAQUE message")]
pub(crate) struct NotOpaque;

/// A login that does not prove the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the password was not proved")]
pub(crate) struct NotProved;

/// The server's long-term keys.
pub(crate) struct Setup(ServerSetup<OpaqueSuite>);

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setup")
    }
}

/// A login that waits for its last message.
pub(crate) struct PendingLogin(ServerLogin<OpaqueSuite>);

impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingLogin")
    }
}

impl Setup {
    /// New keys.
    pub(crate) fn make() -> Self {
        Self(ServerSetup::new(&mut SystemRandom06))
    }

    /// The keys as bytes, for the server's own file.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize().to_vec())
    }

    /// The keys from their bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        ServerSetup::deserialize(bytes).ok().map(Self)
    }

    /// Answers a registration request.
    pub(crate) fn register(&self, account: &AccountId, request: &[u8]) -> Result<Vec<u8>, NotOpaque> {
        let request = RegistrationRequest::deserialize(request).map_err(|_| NotOpaque)?;
        let started =
            ServerRegistration::<OpaqueSuite>::start(&self.0, request, account.as_bytes()).map_err(|_| NotOpaque)?;
        Ok(started.message.serialize().to_vec())
    }

    /// Answers KE1 with KE2. Without a record the answer is a dummy's, of the same size and cost.
    pub(crate) fn start_login(
        &self,
        realm: &RealmId,
        account: &AccountId,
        record: Option<&[u8]>,
        ke1: &[u8],
    ) -> Result<(PendingLogin, Vec<u8>), NotOpaque> {
        let record = record.map(ServerRegistration::<OpaqueSuite>::deserialize).transpose().map_err(|_| NotOpaque)?;
        let request = CredentialRequest::deserialize(ke1).map_err(|_| NotOpaque)?;
        let context = login_context(realm);
        let started = ServerLogin::start(
            &mut SystemRandom06,
            &self.0,
            record,
            request,
            account.as_bytes(),
            parameters(realm, &context),
        )
        .map_err(|_| NotOpaque)?;
        let ke2 = started.message.serialize().to_vec();
        Ok((PendingLogin(started.state), ke2))
    }
}

impl PendingLogin {
    /// As bytes, which are secret.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize().to_vec())
    }

    /// From its bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, NotOpaque> {
        ServerLogin::deserialize(bytes).map(Self).map_err(|_| NotOpaque)
    }

    /// Checks KE3.
    pub(crate) fn finish(self, realm: &RealmId, ke3: &[u8]) -> Result<(), NotProved> {
        let finalization = CredentialFinalization::deserialize(ke3).map_err(|_| NotProved)?;
        let context = login_context(realm);
        let finished = self.0.finish(finalization, parameters(realm, &context));
        finished.map(drop).map_err(|_| NotProved)
    }
}

/// The record to keep from a registration upload.
pub(crate) fn record(upload: &[u8]) -> Result<Vec<u8>, NotOpaque> {
    let upload = RegistrationUpload::<OpaqueSuite>::deserialize(upload).map_err(|_| NotOpaque)?;
    Ok(ServerRegistration::finish(upload).serialize().to_vec())
}

fn login_context(realm: &RealmId) -> Vec<u8> {
    context(Label::OpaqueContext, realm, &[&Suite::V1.to_bytes()])
}

fn parameters<'a>(realm: &'a RealmId, context: &'a [u8]) -> ServerLoginParameters<'a, 'a> {
    ServerLoginParameters {
        context: Some(context),
        identifiers: Identifiers { client: None, server: Some(realm.as_bytes()) },
    }
}

/// The key of the setup, and the state of a login, are wiped when they are dropped; so is the setup's seed, which is not to be
/// reached from here.
#[cfg(test)]
const _: fn(&Setup, &PendingLogin) = |setup, login| {
    const fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
    wiped(setup.0.keypair().private());
    wiped(&login.0);
};

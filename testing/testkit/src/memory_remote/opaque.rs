//! The server's half of OPAQUE, RFC 9807, as suite 0x0001 has it (spec: 1-accounts, "Sign-up").

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::context::context;
use anonicloud_proto::ids::{AccountId, RealmId};
use anonicloud_proto::label::Label;
use anonicloud_proto::suite::Suite;
use opaque_ke::{
    CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest, RegistrationUpload, ServerLogin,
    ServerLoginParameters, ServerRegistration, ServerSetup,
};

use super::Answer;
use crate::opaque::OpaqueSuite;
use crate::random::SeededRandom;

/// The server's long-term keys.
pub(super) struct Setup(ServerSetup<OpaqueSuite>);

/// A login that waits for its last message.
pub(super) struct PendingLogin(ServerLogin<OpaqueSuite>);

impl Setup {
    /// New keys.
    pub(super) fn make(random: &mut SeededRandom) -> Self {
        Self(ServerSetup::new(random))
    }

    /// Answers a registration request.
    pub(super) fn register(&self, account: &AccountId, request: &[u8]) -> Answer<Vec<u8>> {
        let request = RegistrationRequest::deserialize(request).map_err(|_| ErrorCode::BadRequest)?;
        let started = ServerRegistration::<OpaqueSuite>::start(&self.0, request, account.as_bytes());
        Ok(started.map_err(|_| ErrorCode::BadRequest)?.message.serialize().to_vec())
    }

    /// Answers KE1 with KE2; without a record the answer is a dummy's.
    pub(super) fn start_login(
        &self,
        (realm, account): (&RealmId, &AccountId),
        record: Option<&[u8]>,
        ke1: &[u8],
        random: &mut SeededRandom,
    ) -> Answer<(PendingLogin, Vec<u8>)> {
        let record = record.map(ServerRegistration::<OpaqueSuite>::deserialize).transpose();
        let record = record.map_err(|_| ErrorCode::Internal)?;
        let request = CredentialRequest::deserialize(ke1).map_err(|_| ErrorCode::BadRequest)?;
        let context = login_context(realm);
        let parameters = parameters(realm, &context);
        let started = ServerLogin::start(random, &self.0, record, request, account.as_bytes(), parameters);
        let started = started.map_err(|_| ErrorCode::BadRequest)?;
        Ok((PendingLogin(started.state), started.message.serialize().to_vec()))
    }
}

impl PendingLogin {
    /// Checks KE3.
    pub(super) fn finish(self, realm: &RealmId, ke3: &[u8]) -> Answer<()> {
        let finalization = CredentialFinalization::deserialize(ke3).map_err(|_| ErrorCode::LoginFailed)?;
        let context = login_context(realm);
        let finished = self.0.finish(finalization, parameters(realm, &context));
        finished.map(drop).map_err(|_| ErrorCode::LoginFailed)
    }
}

/// The record to keep from a registration upload.
pub(super) fn record(upload: &[u8]) -> Answer<Vec<u8>> {
    let upload = RegistrationUpload::<OpaqueSuite>::deserialize(upload).map_err(|_| ErrorCode::BadRequest)?;
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

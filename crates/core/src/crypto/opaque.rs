//! The client's half of OPAQUE, RFC 9807 (spec: 1-accounts, "Sign-up"): ristretto255-SHA512-3DH with Argon2id.
//!
//! Enters: a password input, answers of the server. Leaves: messages for the server and the export key.
//! Never: a hint why a login failed. The identities are none for the client and the realm for the server.

use core::marker::PhantomData;

use anonicloud_proto::context::context;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use anonicloud_proto::suite::Suite;
use opaque_ke::errors::InternalError;
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use opaque_ke::ksf::Ksf;
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialResponse, Identifiers, RegistrationResponse, Ristretto255, TripleDh,
};
use sha2_010::Sha512;
use zeroize::Zeroize as _;

use super::kdf::suite_field;
use super::password::PasswordInput;
use super::random::{OpaqueRandom, Random};
use super::rejected::Rejected;
use super::secret::ExportKey;
use super::stack::{DEEP, swept};
use super::stretch::{SALT_LEN, stretch};

/// OPAQUE as suite 0x0001 has it, but for the key stretching: the vectors of the RFC have none.
pub(super) struct OpaqueWith<K>(PhantomData<K>);

impl<K: Ksf> CipherSuite for OpaqueWith<K> {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, Sha512>;
    type Ksf = K;
}

type OpaqueSuite = OpaqueWith<Argon2idKsf>;

/// Argon2id as the suite fixes it, salt of 16 zeros (the OPRF output is the salt in all but name: RFC 9807, section 7).
#[derive(Default)]
pub(super) struct Argon2idKsf;

impl Ksf for Argon2idKsf {
    fn hash<L: ArrayLength<u8>>(&self, mut input: GenericArray<u8, L>) -> Result<GenericArray<u8, L>, InternalError> {
        let mut output = GenericArray::default();
        let stretched = stretch(&input, &[0; SALT_LEN], &mut output);
        input.as_mut_slice().zeroize();
        stretched.map_err(|_| InternalError::KsfError)?;
        Ok(output)
    }
}

/// A registration, or a change of password, between its two messages.
pub struct Registration {
    /// Boxed, so that moving the value leaves no copy behind.
    state: Box<ClientRegistration<OpaqueSuite>>,
    input: PasswordInput,
    realm: RealmId,
}

impl core::fmt::Debug for Registration {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Registration(..)")
    }
}

impl Registration {
    /// Begins with the password's input; gives the request for the server too.
    ///
    /// # Errors
    /// [`Rejected`] when the password hashes to no group element, which does not happen.
    pub fn start(input: PasswordInput, realm: RealmId, random: &mut dyn Random) -> Result<(Self, Vec<u8>), Rejected> {
        let (state, request) = swept::<DEEP, _>(|| {
            let started = ClientRegistration::start(&mut OpaqueRandom(random), input.expose_bytes());
            let started = started.map_err(|_| Rejected)?;
            Ok((Box::new(started.state), started.message.serialize().to_vec()))
        })?;
        Ok((Self { state, input, realm }, request))
    }

    /// Ends with the server's answer; gives the record to store there and the export key. Takes 64 MiB and a while.
    ///
    /// # Errors
    /// [`Rejected`] when the answer is none, or reflects the request.
    pub fn finish(self, response: &[u8], random: &mut dyn Random) -> Result<(Vec<u8>, ExportKey), Rejected> {
        let response = RegistrationResponse::deserialize(response).map_err(|_| Rejected)?;
        let params = ClientRegistrationFinishParameters::new(identifiers(&self.realm), None);
        let Self { state, input, .. } = self;
        swept::<DEEP, _>(|| {
            // What is moved out of a box stays where it was.
            let state = (*state).clone();
            let finished = state.finish(&mut OpaqueRandom(random), input.expose_bytes(), response, params);
            let mut finished = finished.map_err(|_| Rejected)?;
            let export_key = take_export_key(&mut finished.export_key);
            Ok((finished.message.serialize().to_vec(), export_key))
        })
    }
}

/// A login between its messages.
pub struct Login {
    /// Boxed, so that moving the value leaves no copy behind.
    state: Box<ClientLogin<OpaqueSuite>>,
    input: PasswordInput,
    realm: RealmId,
}

impl core::fmt::Debug for Login {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Login(..)")
    }
}

impl Login {
    /// Begins with the password's input; gives KE1 for the server too.
    ///
    /// # Errors
    /// [`Rejected`] when the password hashes to no group element, which does not happen.
    pub fn start(input: PasswordInput, realm: RealmId, random: &mut dyn Random) -> Result<(Self, Vec<u8>), Rejected> {
        let (state, request) = swept::<DEEP, _>(|| {
            let started = ClientLogin::start(&mut OpaqueRandom(random), input.expose_bytes()).map_err(|_| Rejected)?;
            Ok((Box::new(started.state), started.message.serialize().to_vec()))
        })?;
        Ok((Self { state, input, realm }, request))
    }

    /// Ends with the server's KE2; gives KE3 for the server and the export key. Takes 64 MiB and a while.
    ///
    /// # Errors
    /// [`Rejected`] when the password, the account key, the realm or the server is not the one registered with, or no
    /// such account exists.
    pub fn finish(self, response: &[u8], random: &mut dyn Random) -> Result<(Vec<u8>, ExportKey), Rejected> {
        let response = CredentialResponse::deserialize(response).map_err(|_| Rejected)?;
        let exchange = context(Label::OpaqueContext, &self.realm, &[&suite_field(Suite::V1)]);
        let params = ClientLoginFinishParameters::new(Some(&exchange), identifiers(&self.realm), None);
        let Self { state, input, .. } = self;
        swept::<DEEP, _>(|| {
            // What is moved out of a box stays where it was.
            let state = (*state).clone();
            let finished = state.finish(&mut OpaqueRandom(random), input.expose_bytes(), response, params);
            let mut finished = finished.map_err(|_| Rejected)?;
            finished.session_key.as_mut_slice().zeroize();
            let export_key = take_export_key(&mut finished.export_key);
            Ok((finished.message.serialize().to_vec(), export_key))
        })
    }
}

const fn identifiers(realm: &RealmId) -> Identifiers<'_> {
    Identifiers { client: None, server: Some(realm.as_bytes()) }
}

fn take_export_key(bytes: &mut [u8]) -> ExportKey {
    let key = ExportKey::filled(|out| out.copy_from_slice(bytes));
    bytes.zeroize();
    key
}

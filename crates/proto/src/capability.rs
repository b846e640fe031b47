//! Access by capability: what a server keeps of a space's keys, and what a client proves (spec: 3-spaces, "Capabilities").

use core::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::api::Base64;
use crate::codec::{Decode, DecodeError, Encode, Reader, Writer};
use crate::context::context;
use crate::hash::ChainHash;
use crate::ids::{AccountId, DeviceId, RealmId, SpaceId};
use crate::label::Label;

/// A proof that does not hold; why is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("proof rejected")]
pub struct ProofRejected;

/// What a capability lets its holder do in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Right {
    /// Read blobs and commits.
    Read,
    /// Add blobs, nothing else.
    Append,
    /// Add blobs and commit to the tree.
    Write,
    /// Sweep and rotate.
    Admin,
}

impl Right {
    /// The byte in a signed proof.
    pub const fn number(self) -> u8 {
        match self {
            Self::Read => 0,
            Self::Append => 1,
            Self::Write => 2,
            Self::Admin => 3,
        }
    }
}

/// The public half of an Ed25519 key (32 bytes).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CapabilityPublicKey([u8; 32]);

impl CapabilityPublicKey {
    /// The key with these bytes; whether they are a point is checked when a proof is.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Checks `signature` over `message` strictly (no small-order points, canonical scalars).
    ///
    /// # Errors
    /// [`ProofRejected`] when the key or the signature is not valid.
    pub fn verify(&self, message: &[u8], signature: &CapabilitySignature) -> Result<(), ProofRejected> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| ProofRejected)?;
        let signature = Signature::from_bytes(&signature.0);
        key.verify_strict(message, &signature).map_err(|_| ProofRejected)
    }
}

impl fmt::Debug for CapabilityPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CapabilityPublicKey({})", data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl Encode for CapabilityPublicKey {
    fn encode(&self, out: &mut Writer) {
        out.fixed(&self.0);
    }
}

impl Decode for CapabilityPublicKey {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.fixed().map(Self)
    }
}

/// An Ed25519 signature (64 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapabilitySignature([u8; 64]);

impl CapabilitySignature {
    /// The signature with these bytes.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl Encode for CapabilitySignature {
    fn encode(&self, out: &mut Writer) {
        out.fixed(&self.0);
    }
}

impl Decode for CapabilitySignature {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.fixed().map(Self)
    }
}

/// What the server keeps of an epoch's read token: its SHA-512/256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadTokenHash(ChainHash);

impl ReadTokenHash {
    /// The hash of `token` (32 bytes, derived from the space's epoch key).
    pub fn of(token: &[u8; 32]) -> Self {
        Self(ChainHash::of(token))
    }

    /// Checks a presented token in constant time.
    ///
    /// # Errors
    /// [`ProofRejected`] when it is another one.
    pub fn check(&self, token: &[u8]) -> Result<(), ProofRejected> {
        let presented = ChainHash::of(token);
        if bool::from(presented.as_bytes().ct_eq(self.0.as_bytes())) { Ok(()) } else { Err(ProofRejected) }
    }
}

impl Encode for ReadTokenHash {
    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }
}

impl Decode for ReadTokenHash {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        ChainHash::decode(input).map(Self)
    }
}

/// Everything a server keeps of one epoch's keys; encoded it is 128 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
pub struct CapabilityKeys {
    /// Hash of the read token.
    pub read: ReadTokenHash,
    /// Checks append proofs.
    pub append: CapabilityPublicKey,
    /// Checks write proofs and the headers of tree commits.
    pub write: CapabilityPublicKey,
    /// Checks admin proofs and the headers of other commits.
    pub admin: CapabilityPublicKey,
}

impl Encode for CapabilityKeys {
    fn encode(&self, out: &mut Writer) {
        self.read.encode(out);
        self.append.encode(out);
        self.write.encode(out);
        self.admin.encode(out);
    }
}

impl Decode for CapabilityKeys {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            read: ReadTokenHash::decode(input)?,
            append: CapabilityPublicKey::decode(input)?,
            write: CapabilityPublicKey::decode(input)?,
            admin: CapabilityPublicKey::decode(input)?,
        })
    }
}

/// The message that a capability key signs to open a space session: the space, its epoch, the right and the server's
/// 32-byte challenge.
pub fn session_message(realm: &RealmId, space: &SpaceId, epoch: u32, right: Right, challenge: &[u8; 32]) -> Vec<u8> {
    let fields: [&[u8]; 4] = [space.as_bytes(), &epoch.to_le_bytes(), &[right.number()], challenge];
    context(Label::CapabilitySession, realm, &fields)
}

/// The message that a device's sign-in key signs to open an account session without the password.
pub fn device_login_message(realm: &RealmId, account: &AccountId, device: &DeviceId, challenge: &[u8; 32]) -> Vec<u8> {
    let fields: [&[u8]; 3] = [account.as_bytes(), device.as_bytes(), challenge];
    context(Label::SignDeviceLogin, realm, &fields)
}

/// A signature as it travels in JSON.
impl From<CapabilitySignature> for Base64 {
    fn from(signature: CapabilitySignature) -> Self {
        Self::new(signature.0.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};

    #[test]
    fn a_proof_opens_only_what_it_names() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let public = CapabilityPublicKey::from_bytes(key.verifying_key().to_bytes());
        let realm = RealmId::from_bytes([1; 16]);
        let space = SpaceId::from_bytes([2; 32]);
        let message = session_message(&realm, &space, 7, Right::Read, &[9; 32]);
        let signature = CapabilitySignature::from_bytes(key.sign(&message).to_bytes());
        assert_eq!(public.verify(&message, &signature), Ok(()));
        for other in [
            session_message(&realm, &space, 8, Right::Read, &[9; 32]),
            session_message(&realm, &space, 7, Right::Write, &[9; 32]),
            session_message(&realm, &space, 7, Right::Read, &[8; 32]),
            session_message(&realm, &SpaceId::from_bytes([0; 32]), 7, Right::Read, &[9; 32]),
            session_message(&RealmId::from_bytes([0; 16]), &space, 7, Right::Read, &[9; 32]),
        ] {
            assert_eq!(public.verify(&other, &signature), Err(ProofRejected));
        }
    }

    #[test]
    fn a_small_order_key_verifies_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut forged = [0; 64];
        forged[0] = 1;
        let public = CapabilityPublicKey::from_bytes(identity);
        assert_eq!(public.verify(b"any", &CapabilitySignature::from_bytes(forged)), Err(ProofRejected));
    }

    #[test]
    fn a_read_token_is_checked_by_its_hash() {
        let hash = ReadTokenHash::of(&[5; 32]);
        assert_eq!(hash.check(&[5; 32]), Ok(()));
        assert_eq!(hash.check(&[6; 32]), Err(ProofRejected));
        assert_eq!(hash.check(&[5; 31]), Err(ProofRejected));
    }
}

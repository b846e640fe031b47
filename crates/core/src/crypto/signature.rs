//! Signatures (spec: 0-conventions, "Composite signatures"): composite Ed25519 and ML-DSA-65 for identities and devices, plain Ed25519 for
//! capabilities.
//!
//! A key pair is only ever its seed: no call takes a public key from outside beside a secret one (RUSTSEC-2022-0093).
//! Both halves sign deterministically, ML-DSA by the deterministic variant of FIPS 204, algorithm 2: `core` has no randomness.

use core::fmt;

use anonicloud_proto::capability::{CapabilityPublicKey, CapabilitySignature};
use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::context::context;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use ed25519_dalek::Signer as _;
use ml_dsa::{Keypair as _, MlDsa65};

use super::rejected::Rejected;
use super::secret::{CapabilitySeed, CompositeSeed};
use super::stack::{DEEP, swept};

const ED25519_PUBLIC_LEN: usize = 32;
const ED25519_SIGNATURE_LEN: usize = 64;
const PUBLIC_LEN: usize = ED25519_PUBLIC_LEN + 1952;
const SIGNATURE_LEN: usize = ED25519_SIGNATURE_LEN + 3309;

/// An Ed25519 public key (32 bytes) and an ML-DSA-65 one (1,952 bytes). Whether they are keys at all shows when they verify.
#[derive(Clone, PartialEq, Eq)]
pub struct CompositePublicKey(Box<[u8; PUBLIC_LEN]>);

/// An Ed25519 signature (64 bytes) and an ML-DSA-65 one (3,309 bytes) of one message.
#[derive(Clone, PartialEq, Eq)]
pub struct CompositeSignature(Box<[u8; SIGNATURE_LEN]>);

impl CompositeSeed {
    /// The public key of this seed.
    pub fn public(&self) -> CompositePublicKey {
        swept::<DEEP, _>(|| {
            let (ed25519, ml_dsa) = self.keys();
            CompositePublicKey::of(&ed25519, &ml_dsa)
        })
    }

    /// Signs `body` as what `label` says, in `realm`: `ctx(label, realm, [H(public key), body])`.
    ///
    /// # Panics
    /// Never: ML-DSA refuses only context strings that are too long, and ours is empty.
    pub fn sign(&self, label: Label, realm: &RealmId, body: &[u8]) -> CompositeSignature {
        swept::<DEEP, _>(|| {
            let (ed25519, ml_dsa) = self.keys();
            let message = CompositePublicKey::of(&ed25519, &ml_dsa).message(label, realm, body);
            let second = ml_dsa.expanded_key().sign_deterministic(&message, &[]);
            let second = second.expect("the ML-DSA context is empty and its rejection sampling ends");
            CompositeSignature(Box::new(join(&ed25519.sign(&message).to_bytes(), &second.encode())))
        })
    }

    pub(super) fn keys(&self) -> (ed25519_dalek::SigningKey, ml_dsa::SigningKey<MlDsa65>) {
        let (ed25519, ml_dsa) = self.expose_bytes().split_first_chunk::<32>().expect("32 of 64 bytes");
        let ml_dsa = ml_dsa.try_into().expect("the other 32 bytes");
        (ed25519_dalek::SigningKey::from_bytes(ed25519), ml_dsa::SigningKey::from_seed(ml_dsa))
    }
}

impl CompositePublicKey {
    /// What a signature and a space name the key by: `SHA-512/256(ctx("public-key", realm, [key]))`.
    pub fn hash(&self, realm: &RealmId) -> ChainHash {
        ChainHash::of(&context(Label::PublicKeyHash, realm, &[&*self.0]))
    }

    /// Checks that the holder of this key signed `body` as what `label` says, in `realm`.
    ///
    /// # Errors
    /// [`Rejected`] unless both halves verify, Ed25519 strictly.
    pub fn verify(
        &self,
        label: Label,
        realm: &RealmId,
        body: &[u8],
        signature: &CompositeSignature,
    ) -> Result<(), Rejected> {
        let message = self.message(label, realm, body);
        let (ed25519_key, ml_dsa_key) = self.0.split_first_chunk::<ED25519_PUBLIC_LEN>().ok_or(Rejected)?;
        let (ed25519, ml_dsa) = signature.0.split_first_chunk::<ED25519_SIGNATURE_LEN>().ok_or(Rejected)?;
        verify_ed25519(ed25519_key, &message, ed25519)?;
        verify_ml_dsa(ml_dsa_key, &message, ml_dsa)
    }

    fn of(ed25519: &ed25519_dalek::SigningKey, ml_dsa: &ml_dsa::SigningKey<MlDsa65>) -> Self {
        Self(Box::new(join(ed25519.verifying_key().as_bytes(), &ml_dsa.verifying_key().encode())))
    }

    fn message(&self, label: Label, realm: &RealmId, body: &[u8]) -> Vec<u8> {
        context(label, realm, &[self.hash(realm).as_bytes(), body])
    }
}

pub(super) fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<(), Rejected> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_| Rejected)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    key.verify_strict(message, &signature).map_err(|_| Rejected)
}

pub(super) fn verify_ml_dsa(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Rejected> {
    let key = ml_dsa::VerifyingKey::<MlDsa65>::decode(key.try_into().map_err(|_| Rejected)?);
    let signature = ml_dsa::Signature::<MlDsa65>::try_from(signature).map_err(|_| Rejected)?;
    if key.verify_with_context(message, &[], &signature) { Ok(()) } else { Err(Rejected) }
}

fn join<const N: usize>(first: &[u8], second: &[u8]) -> [u8; N] {
    let joined = [first, second].concat();
    joined.try_into().expect("the parts have fixed lengths that add up to the whole")
}

impl CapabilitySeed {
    /// The public key of this seed, as the server keeps it.
    pub fn public(&self) -> CapabilityPublicKey {
        swept::<DEEP, _>(|| CapabilityPublicKey::from_bytes(self.key().verifying_key().to_bytes()))
    }

    /// Signs `message`, a context that `proto` builds: a commit header, a session or a device login.
    pub fn sign(&self, message: &[u8]) -> CapabilitySignature {
        swept::<DEEP, _>(|| CapabilitySignature::from_bytes(self.key().sign(message).to_bytes()))
    }

    fn key(&self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(self.expose_bytes())
    }
}

impl fmt::Debug for CompositePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ed25519 = self.0.first_chunk::<ED25519_PUBLIC_LEN>().unwrap_or(&[0; 32]);
        f.write_str("CompositePublicKey(")?;
        ed25519.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

impl fmt::Debug for CompositeSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompositeSignature(..)")
    }
}

impl Encode for CompositePublicKey {
    fn encode(&self, out: &mut Writer) {
        out.fixed(&*self.0);
    }
}

impl Decode for CompositePublicKey {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.fixed().map(|bytes| Self(Box::new(bytes)))
    }
}

impl Encode for CompositeSignature {
    fn encode(&self, out: &mut Writer) {
        out.fixed(&*self.0);
    }
}

impl Decode for CompositeSignature {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.fixed().map(|bytes| Self(Box::new(bytes)))
    }
}

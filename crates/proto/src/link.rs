//! What a server checks of a sigchain link (spec: 1-accounts, "Sigchain"): where it belongs, and that the account's identity made
//! it. All else is for those who know more.

use crate::capability::{CapabilityPublicKey, CapabilitySignature, ProofRejected};
use crate::codec::{Decode as _, DecodeError, Reader};
use crate::context::context;
use crate::hash::ChainHash;
use crate::ids::{AccountId, RealmId};
use crate::label::Label;
use crate::suite::Suite;

/// Bytes of an identity's key: Ed25519, then ML-DSA-65.
const KEY_LEN: usize = 32 + 1952;
/// Bytes of its signature, at the end of a link: Ed25519, then ML-DSA-65.
const SIGNATURE_LEN: usize = 64 + 3309;

/// Where a link says it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkFront {
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the chain.
    pub seq: u64,
    /// Hash of the link before.
    pub prev: ChainHash,
}

impl LinkFront {
    /// Reads the front of a link.
    ///
    /// # Errors
    /// [`DecodeError`] when it is shorter, or of an unknown suite.
    pub fn read(link: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(&mut Reader::new(link))
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Suite::decode(input)?;
        Ok(Self { account: AccountId::decode(input)?, seq: input.u64()?, prev: ChainHash::decode(input)? })
    }
}

/// Checks the Ed25519 half of the signature of `link` by the identity of `genesis`, which may be the same link.
///
/// Who holds no key of the identity, a session of the account among others, makes no such link. What the chain is worth to its
/// readers rests on both halves, which they check.
///
/// # Errors
/// [`ProofRejected`] when it is not the signature of that identity in `realm`, or `genesis` is none.
pub fn check_link_signed(realm: &RealmId, genesis: &[u8], link: &[u8]) -> Result<(), ProofRejected> {
    let key = identity_of(genesis).map_err(|_| ProofRejected)?;
    let at = link.len().checked_sub(SIGNATURE_LEN).ok_or(ProofRejected)?;
    let (body, signature) = link.split_at_checked(at).ok_or(ProofRejected)?;
    let hash = ChainHash::of(&context(Label::PublicKeyHash, realm, &[&key]));
    let message = context(Label::SignSigchain, realm, &[hash.as_bytes(), body]);
    let ed25519_key = key.first_chunk().ok_or(ProofRejected)?;
    let ed25519 = signature.first_chunk().ok_or(ProofRejected)?;
    CapabilityPublicKey::from_bytes(*ed25519_key).verify(&message, &CapabilitySignature::from_bytes(*ed25519))
}

fn identity_of(genesis: &[u8]) -> Result<[u8; KEY_LEN], DecodeError> {
    let mut input = Reader::new(genesis);
    LinkFront::decode(&mut input)?;
    if input.u8()? == 0 { input.fixed() } else { Err(DecodeError::UnknownVariant) }
}

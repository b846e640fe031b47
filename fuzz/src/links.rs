//! Links of a sigchain, signed by an identity that breaks the rules (spec: 1-accounts, "Sigchain").

use std::sync::LazyLock;

use anonicloud_core::account::sigchain::Sigchain;
use anonicloud_core::crypto::secret::{CompositeSeed, KemSeed};
use anonicloud_proto::codec::{Encode as _, Writer};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::label::Label;
use anonicloud_proto::link::check_link_signed;
use anonicloud_proto::suite::Suite;

use crate::world::{ACCOUNT, REALM};

/// Appends links to a genesis: each is two bytes of length and its fields, without its signature.
pub fn run(mut data: &[u8]) {
    static GENESIS: LazyLock<Vec<u8>> = LazyLock::new(|| signed(genesis(&identity())));
    let mut chain = Sigchain::verify(&REALM, &ACCOUNT, &[&*GENESIS]).expect("an honest genesis");
    while let Some((len, rest)) = data.split_first_chunk() {
        let (fields, rest) = rest.split_at(usize::from(u16::from_le_bytes(*len)).min(rest.len()));
        data = rest;
        let before = chain.links().len();
        let link = signed(fields.to_vec());
        assert!(chain.append(&REALM, fields).is_err(), "a link without a signature is taken");
        assert!(check_link_signed(&REALM, &GENESIS, fields).is_err(), "a server takes a link without a signature");
        assert!(check_link_signed(&REALM, &GENESIS, &link).is_ok(), "a server refuses what the identity signed");
        let taken = chain.append(&REALM, &link).is_ok();
        assert!(chain.links().len() == before + usize::from(taken), "a refused link leaves something");
    }
}

fn genesis(identity: &CompositeSeed) -> Vec<u8> {
    let mut out = Writer::default();
    Suite::V1.encode(&mut out);
    ACCOUNT.encode(&mut out);
    out.u64(0);
    ChainHash::ZERO.encode(&mut out);
    out.u8(0);
    identity.public().encode(&mut out);
    KemSeed::from_bytes([41; 32]).public().encode(&mut out);
    out.bytes(b"alice");
    out.into_bytes()
}

fn identity() -> CompositeSeed {
    CompositeSeed::from_bytes([37; 64])
}

fn signed(fields: Vec<u8>) -> Vec<u8> {
    let signature = identity().sign(Label::SignSigchain, &REALM, &fields);
    [fields, signature.to_bytes()].concat()
}

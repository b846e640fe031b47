//! Heads of the server's own making: everything that is no signature is right.

use anonicloud_proto::capability::CapabilitySignature;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{CommitKind, HeadAnswer, LoggedCommit};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::SpaceId;
use anonicloud_proto::merkle::Frontier;

use crate::lie::Forgery;

/// A head made of the honest one.
pub(crate) fn forge(how: Forgery, honest: &[u8]) -> Vec<u8> {
    let HeadAnswer { commit: LoggedCommit { header, mut body }, mut frontier } =
        HeadAnswer::from_bytes(honest).expect("an honest head");
    let mut fields = header.fields().clone();
    match how {
        Forgery::Successor => {
            frontier.append(&header.to_bytes()).expect("few commits");
            fields.seq += 1;
            fields.prev = header.hash();
            fields.history = frontier.root();
        }
        Forgery::Body => {
            body.reverse();
            fields.body = ChainHash::of(&body);
        }
        Forgery::Epoch => fields.epoch += 1,
        Forgery::Sweep => fields.kind = CommitKind::Sweep,
        Forgery::Space => fields.space = SpaceId::from_bytes([7; SpaceId::LEN]),
        Forgery::History => {
            let leaves = frontier.size();
            frontier = Frontier::default();
            for leaf in 0..leaves {
                frontier.append(&leaf.to_le_bytes()).expect("few commits");
            }
            fields.history = frontier.root();
        }
        Forgery::Suite => {
            let mut bytes = honest.to_vec();
            // The first two bytes of the header, which no decoder of today takes.
            bytes[0] ^= 2;
            return bytes;
        }
    }
    let signature = CapabilitySignature::from_bytes(*header_signature(&header.to_bytes()));
    let header = fields.with_signature(signature);
    HeadAnswer { commit: LoggedCommit { header, body }, frontier }.to_bytes()
}

/// The signature that the honest head has.
fn header_signature(header: &[u8]) -> &[u8; 64] {
    header.last_chunk().expect("a header ends with its signature")
}

//! Encodings of nodes: exact both ways, and no bytes that end in a panic.

use proptest::prelude::*;

use super::hostile::{DIRECTORY, NAME_KEY, file, link, list_of};
use crate::tree::encoding::{decode_body, encode_body};
use crate::tree::shard::ShardPlace;

fn any_node() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::collection::vec(b'a'..b'f', 1..4);
    let entries = prop::collection::btree_map(name, any::<bool>(), 0..6);
    entries.prop_map(|entries| {
        let entries = (1..).zip(entries);
        list_of(
            &entries
                .map(|(id, (name, is_file))| if is_file { file(id, &name) } else { link(id, &name, 0o777, &name) })
                .collect::<Vec<_>>(),
        )
    })
}

proptest! {
    #[test]
    fn what_decodes_encodes_to_the_same(plain in any_node()) {
        let body = decode_body(DIRECTORY, &ShardPlace::TOP, &plain).expect("it is a node");
        let encoded = encode_body(&body);
        prop_assert_eq!(encoded.expose_bytes(), &plain[..]);
    }

    #[test]
    fn damaged_nodes_are_refused_or_mean_what_they_say(plain in any_node(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut plain = plain;
        *at.get_mut(&mut plain) = byte;
        for plain in [&plain[..], &plain[..cut.index(plain.len())]] {
            if let Ok(body) = decode_body(DIRECTORY, &ShardPlace::TOP, plain) {
                let encoded = encode_body(&body);
                prop_assert_eq!(encoded.expose_bytes(), plain);
            }
        }
    }

    #[test]
    fn any_bytes_are_answered_without_a_panic(bytes: Vec<u8>, level in 0_u8..13) {
        let place = (0..level).fold(ShardPlace::TOP, |place, _| place.below(NAME_KEY, 1));
        let bytes = [vec![level % 3], bytes].concat();
        if let Ok(body) = decode_body(DIRECTORY, &place, &bytes) {
            let encoded = encode_body(&body);
            prop_assert_eq!(encoded.expose_bytes(), &bytes[..]);
        }
    }

    #[test]
    fn shards_are_told_apart_by_their_versions(nibbles in prop::collection::vec(0_u8..16, 0..12), other in prop::collection::vec(0_u8..16, 0..12)) {
        let [one, two] = [&nibbles, &other].map(|nibbles| nibbles.iter().fold(ShardPlace::TOP, |place, nibble| place.below(NAME_KEY, *nibble)));
        prop_assert_eq!(one.version() == two.version(), nibbles == other);
        prop_assert_eq!(usize::from(one.level()), nibbles.len());
    }
}

//! A wrap opens under its own key and context and nowhere else.

use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use anonicloud_proto::suite::Suite;
use proptest::prelude::*;

use super::SeededRandom;
use crate::crypto::random::make_bytes;
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::WrapKey;
use crate::crypto::wrap::{self, PIECE_OVERHEAD, WRAP_OVERHEAD, WrapContext};

const REALM: RealmId = RealmId::from_bytes([1; 16]);
const OTHER_REALM: RealmId = RealmId::from_bytes([2; 16]);
const CONTEXT: WrapContext<'static> =
    WrapContext { label: Label::WrapTicket, realm: &REALM, owner: b"owner", object: b"object", version: 3 };

fn kek(byte: u8) -> WrapKey {
    WrapKey::from_bytes([byte; 32])
}

proptest! {
    #[test]
    fn it_opens_to_what_was_sealed(plaintext in proptest::collection::vec(any::<u8>(), 0..3000), salt: [u8; 32]) {
        let sealed = wrap::seal(&kek(9), &CONTEXT, &plaintext, salt);
        prop_assert_eq!(sealed.len(), plaintext.len() + WRAP_OVERHEAD);
        let opened = wrap::open(&kek(9), &CONTEXT, &sealed).unwrap();
        prop_assert_eq!(opened.expose_bytes(), &plaintext[..]);

        let piece = wrap::seal_piece(&kek(9), &CONTEXT, &plaintext, salt);
        prop_assert_eq!(&piece[..], &sealed[2..]);
        prop_assert_eq!(piece.len(), plaintext.len() + PIECE_OVERHEAD);
        let opened = wrap::open_piece(Suite::V1, &kek(9), &CONTEXT, &piece).unwrap();
        prop_assert_eq!(opened.expose_bytes(), &plaintext[..]);
    }

    #[test]
    fn any_other_context_rejects(
        label in proptest::sample::select(Label::ALL),
        realm in prop_oneof![Just(&REALM), Just(&OTHER_REALM)],
        owner in "(owner|owne|owner0|)",
        object in "(object|bject|robject|)",
        version in 2u64..5,
    ) {
        let sealed = wrap::seal(&kek(9), &CONTEXT, b"plaintext", [5; 32]);
        let other = WrapContext { label, realm, owner: owner.as_bytes(), object: object.as_bytes(), version };
        let same = label == CONTEXT.label && realm == &REALM && owner == "owner" && object == "object" && version == 3;
        prop_assert_eq!(wrap::open(&kek(9), &other, &sealed).is_ok(), same);
    }

    #[test]
    fn any_flipped_bit_and_any_other_length_reject(bit in 0..8 * (20 + WRAP_OVERHEAD), len in 0..20 + WRAP_OVERHEAD) {
        let sealed = wrap::seal(&kek(9), &CONTEXT, &[7; 20], [5; 32]);
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(wrap::open(&kek(9), &CONTEXT, &flipped).err(), Some(Rejected));
        prop_assert_eq!(wrap::open(&kek(9), &CONTEXT, &sealed[..len]).err(), Some(Rejected));
        let longer = [&sealed[..], &[0]].concat();
        prop_assert_eq!(wrap::open(&kek(9), &CONTEXT, &longer).err(), Some(Rejected));
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(wrap::open(&kek(9), &CONTEXT, &bytes).err(), Some(Rejected));
        prop_assert_eq!(wrap::open_piece(Suite::V1, &kek(9), &CONTEXT, &bytes).err(), Some(Rejected));
    }
}

#[test]
fn another_key_rejects_and_every_single_field_counts() {
    let sealed = wrap::seal(&kek(9), &CONTEXT, b"plaintext", [5; 32]);
    assert_eq!(wrap::open(&kek(8), &CONTEXT, &sealed).err(), Some(Rejected));
    let others = [
        WrapContext { label: Label::WrapIdentityBox, ..CONTEXT },
        WrapContext { realm: &OTHER_REALM, ..CONTEXT },
        WrapContext { owner: b"other", ..CONTEXT },
        WrapContext { object: b"other!", ..CONTEXT },
        WrapContext { version: 4, ..CONTEXT },
    ];
    for other in others {
        assert_eq!(wrap::open(&kek(9), &other, &sealed).err(), Some(Rejected), "{other:?}");
    }
}

#[test]
fn a_fresh_salt_gives_a_wholly_other_wrap() {
    let mut random = SeededRandom::new("salts");
    let first = wrap::seal_piece(&kek(9), &CONTEXT, &[0; 64], make_bytes(&mut random));
    let second = wrap::seal_piece(&kek(9), &CONTEXT, &[0; 64], make_bytes(&mut random));
    let same = first.iter().zip(&second).filter(|(a, b)| a == b).count();
    assert!(same < 12, "{same} of {} bytes are the same", first.len());
}

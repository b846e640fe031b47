//! `ctx`: the one way to build a KDF info, a signed message or a hashed header (spec: 0-conventions, "ctx").

use crate::codec::Writer;
use crate::ids::RealmId;
use crate::label::Label;

const PROTOCOL: &[u8] = b"AnoniCloud/1";

/// `u16 len "AnoniCloud/1" | u16 len label | u16 n | (u32 len field)*`, where field 0 is the realm.
///
/// Takes the label, the realm and the further fields; gives bytes that no other (label, fields) pair gives.
///
/// # Panics
/// If there are 65,535 fields or more; callers name a handful.
pub fn context(label: Label, realm: &RealmId, fields: &[&[u8]]) -> Vec<u8> {
    // One field of it may be a password: a buffer that grew would leave copies.
    let fixed = [PROTOCOL.len(), label.as_str().len(), realm.as_bytes().len()];
    let lens = fixed.into_iter().chain(fields.iter().map(|field| field.len()));
    let len = lens.fold(2, |len: usize, part| len.saturating_add(part).saturating_add(4));
    let mut out = Writer::with_capacity(len);
    short(&mut out, PROTOCOL);
    short(&mut out, label.as_str().as_bytes());
    let count = fields.len().checked_add(1).and_then(|n| u16::try_from(n).ok());
    out.u16(count.expect("a context has a handful of fields"));
    out.bytes(realm.as_bytes());
    for field in fields {
        out.bytes(field);
    }
    out.into_bytes()
}

fn short(out: &mut Writer, bytes: &[u8]) {
    out.u16(u16::try_from(bytes.len()).expect("labels are short constants"));
    out.fixed(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cannot_slide_into_each_other() {
        let realm = RealmId::from_bytes([7; 16]);
        let joined = context(Label::SpaceId, &realm, &[b"ab", b"c"]);
        let split = context(Label::SpaceId, &realm, &[b"a", b"bc"]);
        assert_ne!(joined, split);
    }

    #[test]
    fn the_bytes_never_move_while_they_are_written() {
        let realm = RealmId::from_bytes([7; 16]);
        for len in 0..200 {
            let (password, key) = (vec![1; len], vec![2; len % 33]);
            let built = context(Label::OpaquePassword, &realm, &[&password, &key]);
            // Two lengths of two bytes were counted as four; a buffer that grew would have at least twice its size.
            assert_eq!(built.capacity(), built.len() + 4);
        }
    }

    #[test]
    fn the_layout_is_the_one_of_the_spec() {
        let realm = RealmId::from_bytes([7; 16]);
        let mut expected = vec![12, 0];
        expected.extend_from_slice(b"AnoniCloud/1");
        expected.extend_from_slice(&[8, 0]);
        expected.extend_from_slice(b"space-id");
        expected.extend_from_slice(&[2, 0, 16, 0, 0, 0]);
        expected.extend_from_slice(&[7; 16]);
        expected.extend_from_slice(&[1, 0, 0, 0, b'x']);
        assert_eq!(context(Label::SpaceId, &realm, &[b"x"]), expected);
    }
}

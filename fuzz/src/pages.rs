//! Pages of leaves of a record that is honest otherwise (spec: 2-content, "Version records").

use anonicloud_proto::codec::{Encode as _, Writer};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::label::Label;
use anonicloud_proto::limits::SEGMENT_LEN;

use crate::records::{open, seal};
use crate::world::place;

const PAGE_LEAVES: u64 = 4096;

/// Opens the bytes as the last of two pages.
pub fn run(plain: &[u8]) {
    let piece = seal(Label::WrapLeafPage, 1, plain);
    let Some((at, hash)) = place(&piece) else { return };
    let mut record = Writer::default();
    record.u64(PAGE_LEAVES * SEGMENT_LEN as u64 + 1);
    record.i64(0);
    record.fixed(&[0; 32]);
    record.u8(0);
    record.count(0);
    record.u8(1);
    record.count(2);
    at.encode(&mut record);
    StoredHash::from_bytes([0; 32]).encode(&mut record);
    at.encode(&mut record);
    hash.encode(&mut record);
    let record = open(&record.into_bytes()).expect("an honest record");
    assert!(record.open_page(0, &piece).is_err(), "a page opens in the place of another");
    let Ok(page) = record.open_page(1, &piece) else { return };
    assert!(record.verify_pages(vec![page]).is_err(), "one page passes for two");
}

use super::{Inputs, hex};
use crate::content::layout::segment_count;
use crate::content::record::open_record;
use crate::content::reference::{PieceRef, Source, VersionRef};
use crate::content::ticket::{Ticket, TicketOwner};
use crate::content::write::{FileFacts, RecordBuilder};
use crate::crypto::public::SegmentHash;
use crate::crypto::secret::MasterKey;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, UploadId};
use serde_json::{Value, json};

/// Hash and blob of leaf `i` are BLAKE3 of `i` as u64 and of its complement; one that lies in a pack begins at 64.
fn push_leaf(builder: &mut RecordBuilder, size: u64, number: u64) {
    let [hash, blob] = [number, !number].map(|i| *blake3::hash(&i.to_le_bytes()).as_bytes());
    let full = size - (builder.next_index() << 22) >= 1 << 22;
    let offset = if full { 0 } else { 64 };
    let hash = SegmentHash::from_bytes(hash);
    builder.push_sealed(hash, BlobId::from_bytes(blob), offset).unwrap();
}

/// A record whose leaves are all its own. Drawn: the salts of the pages, the salt of the record.
pub(super) fn record(inputs: &Inputs) -> Value {
    let predecessor = inputs.list("predecessor");
    let facts = FileFacts {
        size: inputs.number("size"),
        mtime: inputs.value("mtime").as_i64().unwrap(),
        predecessor: predecessor.first().map(|bytes| VersionRef::from_bytes(bytes).unwrap()),
    };
    let (size, source) = (facts.size, Source::from_bytes(&inputs.bytes("source")).unwrap());
    let mut builder = RecordBuilder::new(inputs.realm(), inputs.space(), source, facts).unwrap();
    for index in 0..segment_count(size) {
        push_leaf(&mut builder, size, index);
    }
    sealed_record(builder, inputs)
}

/// The version after `predecessor_record`: leaf 1 is its own, numbered 1001; all others are kept.
pub(super) fn record_kept(inputs: &Inputs) -> Value {
    let (realm, space) = (inputs.realm(), inputs.space());
    let predecessor = VersionRef::from_bytes(&inputs.bytes("predecessor")).unwrap();
    let before = open_record(&realm, &space, &predecessor, &inputs.bytes("predecessor_record")).unwrap();
    let leaves = before.verify_pages(vec![]).unwrap();
    let mtime = inputs.value("mtime").as_i64().unwrap();
    let facts = FileFacts { size: before.size(), mtime, predecessor: Some(predecessor) };
    let source = Source::from_bytes(&inputs.bytes("source")).unwrap();
    let mut builder = RecordBuilder::new(realm, space, source, facts).unwrap();
    for index in 0..segment_count(before.size()) {
        if index == 1 {
            push_leaf(&mut builder, before.size(), 1001);
        } else {
            builder.push_kept(&leaves).unwrap();
        }
    }
    sealed_record(builder, inputs)
}

/// `places` are those of the pages, then that of the record.
fn sealed_record(builder: RecordBuilder, inputs: &Inputs) -> Value {
    let mut random = inputs.random();
    let sealed = builder.seal_pages(&mut random).unwrap();
    let pages = sealed.pieces().to_vec();
    let places = inputs.list("places");
    let places: Vec<_> = places.iter().map(|place| PieceRef::from_bytes(place).unwrap()).collect();
    let (own, of_pages) = places.split_last().unwrap();
    let sealed = sealed.seal_record(of_pages, &mut random).unwrap();
    random.finish();
    let piece = sealed.piece().to_vec();
    let reference = sealed.placed_at(*own).unwrap();
    let record = open_record(&inputs.realm(), &inputs.space(), &reference, &piece).unwrap();
    let opened = pages.iter().enumerate().map(|(number, page)| record.open_page(number, page).unwrap());
    assert!(record.verify_pages(opened.collect()).is_ok());
    json!({
        "record": hex(&piece),
        "reference": hex(reference.to_bytes()),
        "pages_blake3": pages.iter().map(|page| StoredHash::of(page).to_string()).collect::<Vec<_>>(),
        "first_page_first_100": pages.first().map(|page| hex(&page[..100])),
    })
}

pub(super) fn ticket(inputs: &Inputs) -> Value {
    let (realm, account) = (inputs.realm(), inputs.account());
    let upload = UploadId::from_bytes(inputs.array("upload"));
    let owner = TicketOwner { realm: &realm, account: &account, upload: &upload };
    let master = MasterKey::from_bytes(inputs.array("master_key"));
    let base = inputs.list("base");
    let ticket = Ticket {
        space: inputs.space(),
        epoch: u32::try_from(inputs.number("epoch")).unwrap(),
        source: Source::from_bytes(&inputs.bytes("source")).unwrap(),
        base: base.first().map(|bytes| VersionRef::from_bytes(bytes).unwrap()),
        path: inputs.list("path"),
        size: inputs.number("size"),
        mtime: inputs.value("mtime").as_i64().unwrap(),
    };
    let mut random = inputs.random();
    let sealed = ticket.seal(&master, &owner, &mut random).unwrap();
    random.finish();
    assert_eq!(Ticket::open(&master, &owner, &sealed).unwrap().path, ticket.path);
    json!({ "sealed": hex(sealed) })
}

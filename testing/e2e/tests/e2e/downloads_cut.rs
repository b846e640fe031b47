//! A download whose connection breaks goes on inside the blob: no byte comes twice.

use std::collections::BTreeMap;

use anonicloud_e2e::content;
use anonicloud_e2e::device::Device;
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::wire::{Faults, Kind, Seen};
use anonicloud_e2e::world::World;

use crate::transfer::MIB;

/// Both ways, after which each connection ends.
const LIFE: u64 = MIB * 3 / 4;
/// An answer has a head, and the connection may end in it.
const HEAD: u64 = 1 << 10;

/// The part of a request's line that names its blob, and the blob's length when it was sent.
fn blob_of(seen: &Seen) -> (String, u64) {
    let path = seen.line.rsplit('/').next().unwrap_or_default();
    let (blob, query) = path.split_once('?').unwrap_or((path, ""));
    let size = query.split('&').find_map(|field| field.strip_prefix("size=")).map(|size| size.parse().unwrap());
    (blob.to_owned(), size.unwrap_or_default())
}

/// Runs `get` over a wire that cuts every connection; gives per blob its length, what came of it, and its requests.
fn downloaded(world: &World, device: &Device, remote: &str) -> Vec<(u64, u64, u64)> {
    let before = world.wire().requests();
    let puts = before.iter().filter(|seen| seen.kind == Kind::PutBlob);
    let sizes: BTreeMap<String, u64> = puts.map(blob_of).collect();
    world.wire().cut();
    world.wire().misbehave(Some(Faults::drops(LIFE)));
    let faults = world.wire().faults();
    // Far less than all the cuts together take: each try that brings something begins its time anew.
    device.clone().with_options(&["--retry-for", "2"]).json(&[&"get", &remote, &world.path("back")]);
    world.wire().misbehave(None);
    assert!(world.wire().faults() - faults >= 4, "the wire cut nothing");
    let mut blobs: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for seen in &world.wire().requests()[before.len()..] {
        if seen.kind == Kind::GetBlob {
            let (came, requests) = blobs.entry(blob_of(seen).0).or_default();
            *came += seen.answer;
            *requests += 1;
        }
    }
    blobs.into_iter().map(|(blob, (came, requests))| (sizes[&blob], came, requests)).collect()
}

fn assert_nothing_twice(blobs: &[(u64, u64, u64)]) {
    for (size, came, requests) in blobs {
        assert!(*came <= size + requests * HEAD, "{came} bytes came of a blob of {size} in {requests} requests");
    }
}

#[test]
fn no_byte_of_a_segment_comes_twice() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.path("segment");
    content::write(&source, 8, 4 * MIB);
    laptop.json(&[&"put", &source, &"/segment"]);
    let phone = world.log_in("phone", "alice");
    let blobs = downloaded(&world, &phone, "/segment");
    assert_nothing_twice(&blobs);
    let of_segment = blobs.iter().find(|(size, ..)| *size > 4 * MIB).unwrap();
    assert!(of_segment.2 >= 5, "four cuts at least: {of_segment:?}");
    assert!(content::bytes(8, 4 * MIB) == fs_err::read(world.path("back")).unwrap());
}

#[test]
fn no_byte_of_a_pack_comes_twice() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.folder("folder");
    for number in 0..1000 {
        content::write(&source.join(number.to_string()), number, 3500);
    }
    laptop.json(&[&"put", &source, &"/"]);
    let phone = world.log_in("phone", "alice");
    let blobs = downloaded(&world, &phone, "/folder");
    assert_nothing_twice(&blobs);
    let of_pack = blobs.iter().max().unwrap();
    assert!(of_pack.0 > 3 * MIB && of_pack.2 >= 4, "{of_pack:?}");
    assert_same(&source, &world.path("back"));
}

//! Many entries in one folder: sent in bounded memory, listed, and renamed for the price of an empty one.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::wire::Kind;
use anonicloud_e2e::world::World;
use wait4::Wait4 as _;

const ENTRIES: usize = 100_000;
const MEMORY_MAX: u64 = 256 << 20;
/// Sealed entry, record and content of a small file, with what packs are padded by and what shards are sealed twice.
const SENT_PER_ENTRY: u64 = 700;

/// Fills `folder` with names for two files: a disk takes far longer to remove as many of their own.
fn make_files(folder: &Path) -> BTreeSet<String> {
    let names: BTreeSet<String> = (0..ENTRIES).map(|number| format!("file {number}")).collect();
    let files = ["even", "odd"].map(|name| folder.with_file_name(name));
    for file in &files {
        fs_err::write(file, "some").unwrap();
    }
    for (name, file) in names.iter().zip(files.iter().cycle()) {
        fs_err::hard_link(file, folder.join(name)).unwrap();
    }
    names
}

/// Runs it; it must succeed. Gives the bytes of memory that it took at most.
fn memory_of(device: &Device, arguments: Arguments<'_>) -> u64 {
    let child = device.command(arguments).stdout(Stdio::null()).spawn().unwrap();
    let ended = child.wait4().unwrap();
    assert!(ended.status.success(), "{}", ended.status);
    ended.rusage.maxrss
}

/// Runs it; it must succeed. Gives the bytes that it sent, and its requests.
fn sent_by(world: &World, device: &Device, arguments: Arguments<'_>) -> (u64, Vec<Kind>) {
    let (sent, requests) = (world.wire().sent(), world.wire().requests().len());
    device.stdout(arguments);
    let kinds = world.wire().requests().iter().skip(requests).map(|seen| seen.kind).collect();
    (world.wire().sent() - sent, kinds)
}

fn listed(device: &Device, path: &str) -> Vec<String> {
    let names = device.stdout(&[&"ls", &"-0", &path]);
    let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8(name.to_vec()).unwrap()).collect()
}

#[test]
fn a_folder_of_a_hundred_thousand_entries_is_sent_listed_and_renamed() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("many");
    let names: Vec<_> = make_files(&folder).into_iter().collect();
    let before = world.wire().sent();
    let memory = memory_of(&laptop, &[&"--quiet", &"put", &folder, &"/"]);
    let sent = world.wire().sent() - before;
    println!("put: {sent} bytes sent, {memory} bytes of memory");
    assert!(memory <= MEMORY_MAX, "{memory} bytes of memory");
    assert!(sent <= ENTRIES as u64 * SENT_PER_ENTRY, "{sent} bytes sent");

    assert_eq!(listed(&laptop, "/many"), names);
    laptop.json(&[&"mkdir", &"/none"]);
    let (of_none, _) = sent_by(&world, &laptop, &[&"mv", &"/none", &"/nine"]);
    let (of_many, kinds) = sent_by(&world, &laptop, &[&"mv", &"/many", &"/more"]);
    println!("rename: {of_many} bytes sent, {of_none} of an empty folder");
    assert!(of_many.abs_diff(of_none) <= 64, "{of_many} bytes sent, {of_none} of an empty folder");
    assert!(!kinds.contains(&Kind::GetBlob), "the device has all the nodes that it made");

    // A device that never saw it.
    let phone = world.log_in("phone", "alice");
    let memory = memory_of(&phone, &[&"ls", &"/more"]);
    println!("ls: {memory} bytes of memory");
    assert!(memory <= MEMORY_MAX, "{memory} bytes of memory");
    assert_eq!(listed(&phone, "/more"), names);
    let usage = phone.json(&[&"du", &"/more"]);
    assert_eq!(usage["totals"][0]["files"].as_u64(), Some(ENTRIES as u64));
}

//! `check` against a server whose disk, or operator, does not keep what it was given.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anonicloud_e2e::content;
use anonicloud_e2e::device::Device;
use anonicloud_e2e::tree::list;
use anonicloud_e2e::world::World;
use serde_json::Value;

use crate::transfer::{MIB, SEGMENT};

/// All files of the blob store.
fn stored(world: &World) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let mut open = vec![world.server().data().join("blobs")];
    while let Some(folder) = open.pop() {
        for path in list(&folder).into_values() {
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(path);
            }
        }
    }
    files
}

fn size(path: &Path) -> u64 {
    fs_err::metadata(path).unwrap().len()
}

/// Sends a file of `len` bytes to `/name`; gives the blobs that are its alone.
pub(crate) fn put(world: &World, device: &Device, name: &str, len: u64) -> Vec<PathBuf> {
    let before = stored(world);
    let source = world.path(name);
    content::write(&source, len + name.len() as u64, len);
    device.json(&[&"put", &source, &"/"]);
    let after = stored(world);
    let blobs: Vec<_> = after.difference(&before).filter(|blob| size(blob) >= SEGMENT).cloned().collect();
    assert_eq!(blobs.len() as u64, len / SEGMENT, "{name}");
    blobs
}

/// Every finding as `damage part path`, and the answer.
fn check(device: &Device, arguments: &[&str]) -> (Option<i32>, Vec<String>, Value) {
    let mut command = device.command(&[&"check", &"--json"]);
    let output = command.args(arguments).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let text = |finding: &Value, field| finding[field].as_str().unwrap().to_owned();
    let findings = answer["findings"].as_array().into_iter().flatten();
    let mut findings: Vec<_> = findings
        .map(|found| format!("{} {} {}", text(found, "damage"), text(found, "part"), text(found, "path")))
        .collect();
    findings.sort();
    (output.status.code(), findings, answer)
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs_err::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(path, bytes).unwrap();
}

#[test]
fn what_is_altered_missing_or_withheld_is_named_and_the_rest_is_checked() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice").with_options(&["--retry-for", "0"]);
    let blobs = |name, segments| put(&world, &laptop, name, segments * SEGMENT);
    let (flipped, short, gone) = (blobs("flipped", 2), blobs("short", 1), blobs("gone", 1));
    let (left, right, withheld) = (blobs("left", 1), blobs("right", 1), blobs("withheld", 1));
    blobs("whole", 3);
    let notes = world.folder("notes");
    fs_err::write(notes.join("a"), "first").unwrap();
    fs_err::write(notes.join("b"), "second").unwrap();
    let before = stored(&world);
    laptop.json(&[&"put", &notes, &"/"]);
    let pack: Vec<_> = stored(&world).difference(&before).cloned().collect();
    // The folder is written anew, so that the pack has its files alone.
    laptop.json(&[&"mkdir", &"/notes/below"]);

    let (exit, findings, answer) = check(&laptop, &[]);
    assert_eq!((exit, findings.len()), (Some(0), 0), "{answer}");
    let counts = |answer: &Value| ["folders", "files", "pieces", "bytes"].map(|field| answer[field].as_u64().unwrap());
    assert_eq!(counts(&answer), [3, 9, 9 + 10 + 2, 10 * SEGMENT + 11], "{answer}");
    assert!(answer["sample"].is_null());

    flip_a_byte(&flipped[1]);
    fs_err::OpenOptions::new().write(true).open(&short[0]).unwrap().set_len(MIB).unwrap();
    fs_err::remove_file(&gone[0]).unwrap();
    let aside = world.path("aside");
    for (from, to) in [(&left[0], &aside), (&right[0], &left[0]), (&aside, &right[0])] {
        fs_err::rename(from, to).unwrap();
    }
    fs_err::remove_file(&withheld[0]).unwrap();
    symlink(&withheld[0], &withheld[0]).unwrap();
    for pack in &pack {
        fs_err::remove_file(pack).unwrap();
    }

    let expected = [
        "altered content /flipped",
        "altered content /left",
        "altered content /right",
        "missing content /gone",
        "missing content /short",
        "missing record /notes/a",
        "missing record /notes/b",
        "withheld content /withheld",
    ];
    let (exit, findings, answer) = check(&laptop, &[]);
    assert_eq!((exit, findings), (Some(9), expected.map(str::to_owned).to_vec()));
    // Seven records, of the segments the other of the flipped file and the three of the whole one.
    assert_eq!(counts(&answer), [3, 9, 7 + 4, 4 * SEGMENT], "{answer}");

    // A sample of everything is everything, and finds the same.
    let (exit, sampled, answer) = check(&laptop, &["--sample", "100%"]);
    assert_eq!((exit, sampled), (Some(9), expected.map(str::to_owned).to_vec()));
    assert_eq!((answer["sample"]["pieces"].as_u64(), answer["sample"]["probability"].as_f64()), (Some(21), Some(1.0)));
    says_so_to_a_person(&laptop);
}

/// To a person the same is said in lines, each path once.
fn says_so_to_a_person(laptop: &Device) {
    let output = laptop.run(&[&"check", &"/notes"]);
    let (lines, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(9));
    let lines: BTreeSet<_> = lines.lines().collect();
    let expected = ["missing   whole file              /notes/a", "missing   whole file              /notes/b"];
    assert_eq!(lines, BTreeSet::from(expected));
    assert!(
        said.contains("everything was read: 2 folders, 2 files") && said.contains("2 paths not as stored"),
        "{said}"
    );
    assert!(!said.contains("all as stored"), "{said}");
    let (exit, findings, _) = check(laptop, &["/whole"]);
    assert_eq!((exit, findings.len()), (Some(0), 0));
}

#[test]
fn a_folder_that_this_device_remembers_is_asked_for_all_the_same() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice").with_options(&["--retry-for", "0"]);
    laptop.json(&[&"mkdir", &"-p", &"/a/b"]);
    let before = stored(&world);
    laptop.json(&[&"mkdir", &"/c"]);
    laptop.json(&[&"ls", &"-R", &"/"]);
    for pack in stored(&world).difference(&before) {
        fs_err::remove_file(pack).unwrap();
    }
    laptop.json(&[&"ls", &"-R", &"/"]);
    for path in ["/", "/a"] {
        let (exit, findings, _) = check(&laptop, &[path]);
        assert_eq!((exit, findings), (Some(9), vec![format!("missing folder {path}")]));
    }
}

/// The attack: the server drops something in silence, and a spot check finds it as likely as it says.
#[test]
fn a37_a_sample_says_what_it_is_worth() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    for number in 0..500 {
        fs_err::write(folder.join(number.to_string()), number.to_string()).unwrap();
    }
    laptop.json(&[&"put", &folder, &"/"]);
    let received = world.wire().received();
    let (exit, findings, answer) = check(&laptop, &["--sample", "100"]);
    assert_eq!((exit, findings.len()), (Some(0), 0), "{answer}");
    let sample = &answer["sample"];
    let numbers = ["pieces", "of", "lost"].map(|field| sample[field].as_u64().unwrap());
    assert_eq!(numbers, [100, 1000, 1]);
    assert!((sample["probability"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{sample}");
    assert!(world.wire().received() - received < MIB);
    let refusal = laptop.refusal(&[&"check", &"--sample", &"0"]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (Some(2), "usage"));
    let refusal = laptop.refusal(&[&"check", &"/nothing"]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (Some(4), "not_found"));
}

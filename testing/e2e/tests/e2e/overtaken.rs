//! A version that another device puts while an upload of the same file is under way or cut: neither is lost.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anonicloud_e2e::content;
use anonicloud_e2e::device::Device;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::transfer::MIB;

const BATCH_PAUSE: Duration = Duration::from_millis(2500);

/// Two devices of an account with `/f` at its first version.
struct Pair {
    world: World,
    laptop: Device,
    tablet: Device,
    source: PathBuf,
    theirs: PathBuf,
}

impl Pair {
    /// The laptop's file has `size` bytes and is another one by now.
    fn new(size: u64) -> Self {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let tablet = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
        let (source, theirs) = (world.path("ours"), world.path("theirs"));
        content::write(&source, 1, 1000);
        laptop.json(&[&"put", &source, &"/f"]);
        content::write(&source, 2, size);
        content::write(&theirs, 3, 2000);
        Self { world, laptop, tablet, source, theirs }
    }

    /// The laptop sends its file and dies at `moment`; the tablet puts another one there.
    fn cut_and_overtaken(&self, moment: Moment) {
        self.world.wire().hold(moment);
        let mut run = self.laptop.start(&[&"put", &self.source, &"/f"]);
        assert!(self.world.wire().wait_held(&mut run), "{moment:?} never came");
        run.kill();
        self.world.wire().cut();
        self.tablet.json(&[&"put", &self.theirs, &"/f"]);
    }

    fn assert_both(&self, answer: &serde_json::Value) {
        assert_eq!(self.tablet.stdout(&[&"get", &"/f", &"-"]), content::bytes(3, 2000), "{answer}");
        assert_eq!(answer["conflicts"][0]["path"], "/f", "{answer}");
        let copy = answer["conflicts"][0]["copy"].as_str().unwrap();
        assert!(copy.starts_with("/f (conflict, "), "{copy}");
        let ours = self.tablet.stdout(&[&"get", &copy, &"-"]);
        assert!(ours == fs_err::read(&self.source).unwrap(), "{copy} has {} bytes", ours.len());
        assert_eq!((self.laptop.waiting(), self.laptop.reserved()), (0, 0));
    }
}

fn entries(device: &Device) -> usize {
    device.json(&[&"ls", &"/"])["items"].as_array().unwrap().len()
}

#[test]
fn a_cut_upload_that_was_overtaken_goes_on_as_a_copy() {
    for (size, moment) in [
        (1500, Moment::Arrives(Kind::Commit, 1)),
        (24 * MIB, Moment::Answer(Kind::PutBlob, 3)),
        (24 * MIB, Moment::Arrives(Kind::Commit, 1)),
    ] {
        let pair = Pair::new(size);
        pair.cut_and_overtaken(moment);
        let answer = pair.laptop.json(&[&"resume"]);
        pair.assert_both(&answer);
        assert_eq!(entries(&pair.tablet), 2, "{moment:?}");
    }
}

#[test]
fn a_cut_upload_that_was_edited_and_overtaken_goes_on_as_a_copy() {
    let pair = Pair::new(1500);
    pair.cut_and_overtaken(Moment::Arrives(Kind::Commit, 1));
    content::write(&pair.source, 4, 1600);
    let answer = pair.laptop.json(&[&"resume"]);
    pair.assert_both(&answer);
}

#[test]
fn a_commit_whose_answer_was_lost_is_not_put_back_over_a_newer_one() {
    for size in [1500, 24 * MIB] {
        let pair = Pair::new(size);
        pair.cut_and_overtaken(Moment::Answer(Kind::Commit, 1));
        pair.laptop.json(&[&"resume"]);
        assert_eq!(pair.tablet.stdout(&[&"get", &"/f", &"-"]), content::bytes(3, 2000), "{size}");
        assert_eq!(entries(&pair.tablet), 1, "{size}");
        assert_eq!((pair.laptop.waiting(), pair.laptop.reserved()), (0, 0), "{size}");
    }
}

/// The keys of a version that was committed seal nothing else, though the ticket that has them is still there.
#[test]
fn a_committed_version_that_was_edited_since_gets_keys_of_its_own() {
    let pair = Pair::new(24 * MIB);
    pair.cut_and_overtaken(Moment::Answer(Kind::Commit, 1));
    let first = uploads_of_blobs(&pair.world, 0);
    let seen = pair.world.wire().requests().len();
    content::write(&pair.source, 4, 20 * MIB);
    pair.laptop.json(&[&"resume"]);
    let second = uploads_of_blobs(&pair.world, seen);
    assert!(!second.is_empty() && first.is_disjoint(&second), "{second:?} after {first:?}");
    let there = pair.tablet.stdout(&[&"get", &"/f", &"-"]);
    assert!(there == fs_err::read(&pair.source).unwrap(), "{} bytes", there.len());
    assert_eq!((pair.laptop.waiting(), pair.laptop.reserved()), (0, 0));
}

/// The uploads that segments were sent by, from request number `from` on.
fn uploads_of_blobs(world: &World, from: usize) -> BTreeSet<String> {
    let requests = world.wire().requests().into_iter().skip(from);
    let segments = requests.filter(|seen| seen.kind == Kind::PutBlob && seen.body > 4 * MIB);
    segments.map(|seen| seen.line.split('/').nth(5).unwrap().to_owned()).collect()
}

/// A batch of the same run brings the other version before the file itself is committed.
#[test]
fn a_version_that_an_earlier_batch_met_stays() {
    let pair = Pair::new(48 * MIB);
    let folder = pair.world.folder("folder");
    fs_err::write(folder.join("a"), "first").unwrap();
    fs_err::rename(&pair.source, folder.join("f")).unwrap();
    let begun = Instant::now();
    pair.world.wire().hold(Moment::Arrives(Kind::PutBlob, 3));
    let mut run = pair.laptop.start(&[&"put", &folder.join("."), &"/"]);
    assert!(pair.world.wire().wait_held(&mut run));
    pair.tablet.json(&[&"put", &pair.theirs, &"/f"]);
    // The laptop commits what is ready once this has passed, before the large file is there.
    while begun.elapsed() < BATCH_PAUSE {
        entries(&pair.tablet);
    }
    pair.world.wire().release();
    let answer = run.json();
    fs_err::rename(folder.join("f"), &pair.source).unwrap();
    pair.assert_both(&answer);
}

//! An upload of 256 MiB that is cut at a moment, and what must hold when it went on.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::device::{Device, Running};
use anonicloud_e2e::wire::{Kind, Moment, Seen};
use anonicloud_e2e::world::World;

pub(crate) const MIB: u64 = 1 << 20;
/// Content bytes of a segment.
pub(crate) const SEGMENT: u64 = 4 * MIB;
/// Requests that the client has under way at once: what is in them when it is cut may go twice.
const CONNECTIONS: u64 = 8;
/// Size of the file; 64 segments.
pub(crate) const SIZE: u64 = 256 * MIB;
pub(crate) const SEGMENTS: u32 = 64;
const SEED: u64 = 256;
/// Heads, tags of sealed bytes, the pack with the record, the commit.
const OVERHEAD: u64 = 2 * MIB;

/// A world with a signed-in laptop, and a large file that it sends to `/large`.
pub(crate) struct Transfer {
    pub(crate) world: World,
    pub(crate) laptop: Device,
    pub(crate) source: PathBuf,
}

impl Transfer {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let source = world.path("large");
        content::write(&source, SEED, SIZE);
        Self { world, laptop, source }
    }

    /// The same file in another world.
    pub(crate) fn anew(self) -> Self {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let source = world.path("large");
        fs_err::rename(&self.source, &source).unwrap();
        Self { world, laptop, source }
    }

    /// Starts sending and waits until everything stands still at `moment`.
    pub(crate) fn until(&self, moment: Moment) -> Running {
        self.world.wire().hold(moment);
        let mut run = self.laptop.start(&[&"put", &self.source, &"/large"]);
        assert!(self.world.wire().wait_held(&mut run), "{moment:?} never came");
        run
    }

    /// Sends, and kills the client at `moment`. Gives the bytes of blobs that had gone until then.
    pub(crate) fn kill_client_at(&self, moment: Moment) -> u64 {
        self.until(moment).kill();
        self.world.wire().cut();
        self.blob_bytes()
    }

    /// Bytes of blobs that have gone to the server.
    pub(crate) fn blob_bytes(&self) -> u64 {
        self.puts().iter().map(|seen| seen.body).sum()
    }

    /// All requests that sent bytes of a blob.
    pub(crate) fn puts(&self) -> Vec<Seen> {
        let all = self.world.wire().requests();
        all.into_iter().filter(|seen| seen.kind == Kind::PutBlob).collect()
    }

    /// How many blobs there are among all that was sent.
    pub(crate) fn distinct_blobs(&self) -> usize {
        let blob = |seen: Seen| seen.line.split('?').next().unwrap().to_owned();
        self.puts().into_iter().map(blob).collect::<BTreeSet<_>>().len()
    }

    /// Fails unless a device that never saw the file has it, it was sent but for what was under way when it was cut, and
    /// nothing is left to do or to tidy up.
    pub(crate) fn assert_whole(&self, moment: Moment) {
        assert_eq!(self.laptop.waiting(), 0, "{moment:?}");
        assert_eq!(self.laptop.reserved(), 0, "{moment:?}");
        self.assert_sent(moment);
    }

    /// The same, with no regard to what is left to tidy up.
    pub(crate) fn assert_sent(&self, moment: Moment) {
        let blobs = self.blob_bytes();
        let bound = SIZE + CONNECTIONS * SEGMENT + OVERHEAD;
        assert!(blobs <= bound, "{moment:?}: {blobs} bytes of blobs were sent in all, {bound} may be");
        let fresh = format!("phone-{}", self.world.wire().requests().len());
        let phone = self.world.log_in(&fresh, "alice");
        assert_content(&phone, "/large", Generated::new(SEED, SIZE));
    }
}

/// Fails unless `path` holds `expected`; neither is held in memory.
pub(crate) fn assert_content(device: &Device, path: &str, expected: Generated) {
    let mut child = device.command(&[&"get", &path, &"-"]).stdout(Stdio::piped()).spawn().unwrap();
    let got = content::compare(expected, child.stdout.take().unwrap());
    assert!(child.wait().unwrap().success());
    assert_eq!(got, Ok(()), "{path}");
}

/// Every step of an upload of one large file, and instants in the middle of steps.
pub(crate) fn moments() -> Vec<Moment> {
    use Moment::{Answer, Arrives, Body, Done};
    let (record, nodes) = (SEGMENTS + 1, SEGMENTS + 2);
    vec![
        Arrives(Kind::OpenUpload, 1),
        Answer(Kind::OpenUpload, 1),
        Arrives(Kind::Ticket, 1),
        Answer(Kind::Ticket, 1),
        Arrives(Kind::PutBlob, 1),
        Body(Kind::PutBlob, 1, 1),
        Body(Kind::PutBlob, 3, 2 * MIB + 5),
        Answer(Kind::PutBlob, 1),
        Done(Kind::PutBlob, 17),
        Body(Kind::PutBlob, 30, MIB),
        Arrives(Kind::PutBlob, 40),
        Answer(Kind::PutBlob, SEGMENTS),
        Arrives(Kind::PutBlob, record),
        Body(Kind::PutBlob, record, 100),
        Answer(Kind::PutBlob, record),
        Body(Kind::PutBlob, nodes, 100),
        Answer(Kind::PutBlob, nodes),
        Arrives(Kind::Commit, 1),
        Body(Kind::Commit, 1, 10),
        Answer(Kind::Commit, 1),
        Done(Kind::Commit, 1),
        Arrives(Kind::EndUpload, 1),
        Answer(Kind::EndUpload, 1),
        Done(Kind::EndUpload, 1),
        Answer(Kind::EndUpload, 2),
    ]
}

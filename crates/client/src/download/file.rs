//! One file on its way down: its leaves, its segments, the part that gathers them.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anonicloud_core::content::layout::{AllLeaves, PlacedSegment};
use anonicloud_core::content::reference::PieceRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::segment::{SegmentLeaf, fits_pack, open_segment, segment_hash};
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::limits::SEGMENT_LEN;
use bytes::Bytes;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use fs_err::{File, OpenOptions};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use rustix::fs::OFlags;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::plan::FileTask;
use crate::client::Client;
use crate::error::OperationError;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::work;

/// Rights of a part: its owner's alone until the file is whole.
const PART_MODE: u32 = 0o600;
/// Segments of one file under way at once; all files together are held by the semaphore.
pub(super) const IN_FLIGHT: usize = 8;

/// What the fetching of one request shares.
pub(super) struct Fetching<'a> {
    pub(super) progress: &'a dyn Progress,
    /// Requests under way at once.
    pub(super) requests: Semaphore,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Gathers all content of a file in its part; gives the sealed bytes that were fetched.
    pub(super) async fn gather(&self, task: &FileTask, shared: &Fetching<'_>) -> Result<u64, OperationError> {
        let version = task.version().ok_or(Rejected)?;
        let leaves = self.read_leaves(version).await?;
        if leaves.size() != task.size() {
            return Err(Rejected.into());
        }
        let part = Part::open(task.part(), leaves)?;
        let indices: Vec<u64> = part.leaves.segments().map(|segment| segment.leaf.index).collect();
        let fetches = stream::iter(indices).map(|index| self.gather_segment(&part, index, shared));
        let fetched: Vec<u64> = fetches.buffer_unordered(IN_FLIGHT).try_collect().await?;
        let cut = part.file.set_len(part.leaves.size());
        cut.map_err(|error| OperationError::local(&part.path, error))?;
        Ok(fetched.iter().sum())
    }

    async fn gather_segment(&self, part: &Part, index: u64, shared: &Fetching<'_>) -> Result<u64, OperationError> {
        let _turn = shared.requests.acquire().await.map_err(|_| Rejected)?;
        let segment = part.leaves.segment(index).ok_or(Rejected)?;
        let len = segment.leaf.plain_len as u64;
        if self.is_gathered(part, index).await {
            shared.progress.skip(len);
            return Ok(0);
        }
        let sealed = self.fetch_segment(&segment).await?;
        let fetched = sealed.len() as u64;
        let (realm, leaves) = (*self.realm(), Arc::clone(&part.leaves));
        let file = Arc::clone(&part.file);
        let written = work::run(move || write_segment(&realm, &leaves, index, &sealed, &file));
        written.await.map_err(|error| match error {
            WriteError::Rejected => Rejected.into(),
            WriteError::Io(error) => OperationError::local(&part.path, error),
        })?;
        shared.progress.advance(len);
        Ok(fetched)
    }

    /// Whether an earlier run has written this segment already.
    async fn is_gathered(&self, part: &Part, index: u64) -> bool {
        let start = index * SEGMENT_LEN as u64;
        if part.found_len <= start {
            return false;
        }
        let (realm, leaves) = (*self.realm(), Arc::clone(&part.leaves));
        let file = Arc::clone(&part.file);
        work::run(move || {
            let Some(PlacedSegment { source, leaf, .. }) = leaves.segment(index) else {
                return false;
            };
            let mut content = Zeroizing::new(vec![0; leaf.plain_len]);
            let read = file.file().read_exact_at(&mut content, start);
            read.is_ok() && segment_hash(&source.segment_keys(&realm), index, &content) == leaf.hash
        })
        .await
    }

    /// The sealed bytes of a segment, out of its blob or pack.
    pub(super) async fn fetch_segment(&self, segment: &PlacedSegment<'_>) -> Result<Bytes, OperationError> {
        let location = segment.location;
        if fits_pack(segment.leaf.plain_len) {
            let length = u32::try_from(location.sealed_len).map_err(|_| Rejected)?;
            let (suite, offset) = (segment.source.suite(), location.offset);
            return self.fetch_piece(&PieceRef { suite, blob: location.blob, offset, length }).await;
        }
        let remote = self.remote();
        let get = async |access: &_| remote.get_blob(access, &location.blob, None).await;
        self.door().request(remote, get).await
    }
}

/// The file that gathers the content, and what it is to become.
struct Part {
    path: PathBuf,
    file: Arc<File>,
    /// What an earlier run left of it.
    found_len: u64,
    leaves: Arc<AllLeaves>,
}

impl Part {
    fn open(path: PathBuf, leaves: AllLeaves) -> Result<Self, OperationError> {
        let opened = open_part(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (found_len, file) = opened.map_err(|error| OperationError::local(&path, error))?;
        Ok(Self { path, file: Arc::new(file), found_len, leaves: Arc::new(leaves) })
    }
}

/// Opens a part to gather in, or makes one.
fn open_part(path: &Path) -> io::Result<File> {
    let open = || part_options()?.read(true).create(true).truncate(false).mode(PART_MODE).open(path);
    match open() {
        // A run that was cut just before the name has given it the rights that the file gets, perhaps to read alone.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs_err::remove_file(path)?;
            open()
        }
        other => other,
    }
}

/// Opens a part that was gathered; never makes one, which would be an empty file under the real one's name.
pub(super) fn open_whole(path: &Path) -> io::Result<File> {
    part_options()?.open(path)
}

/// To write a part, and no file that a link in its place names.
fn part_options() -> io::Result<OpenOptions> {
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(no_follow);
    Ok(options)
}

enum WriteError {
    Rejected,
    Io(io::Error),
}

fn write_segment(
    realm: &RealmId,
    leaves: &AllLeaves,
    index: u64,
    sealed: &[u8],
    file: &File,
) -> Result<(), WriteError> {
    let segment = leaves.segment(index).ok_or(WriteError::Rejected)?;
    let content = open_placed(realm, &segment, sealed).map_err(|_| WriteError::Rejected)?;
    file.file().write_all_at(&content, index * SEGMENT_LEN as u64).map_err(WriteError::Io)
}

/// The verified content of a segment.
pub(super) fn open_placed(
    realm: &RealmId,
    segment: &PlacedSegment<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Rejected> {
    let mut content = Zeroizing::new(Vec::new());
    let SegmentLeaf { index, hash, plain_len } = segment.leaf;
    let leaf = SegmentLeaf { index, hash, plain_len };
    open_segment(&segment.source.segment_keys(realm), &leaf, sealed, &mut content)?;
    Ok(content)
}

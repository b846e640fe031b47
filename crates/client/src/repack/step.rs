//! A step: so many files and nodes as fit in memory and in one commit.

use std::collections::HashMap;

use anonicloud_core::content::record::open_record;
use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::segment::fits_pack;
use anonicloud_core::tree::edit::{Edit, MissingParents};
use anonicloud_core::tree::name::RemotePath;
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::SEGMENT_LEN;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::RepackReport;
use super::seal::{OpenedFile, SealedFile, SealedStep, Sealer};
use super::survey::packed_tail;
use crate::client::Client;
use crate::error::OperationError;
use crate::progress::Progress;
use crate::remote::{Remote, RemoteError};
use crate::space::reached::{Needs, remember};
use crate::state::LocalState;
use crate::upload::SealedBlob;
use crate::upload::reservation::Reservation;
use crate::work;

/// Bytes that a step moves, give or take a file.
const STEP_BYTES: u64 = 24 << 20;
/// Files and nodes of a step.
const STEP_EDITS: usize = 4096;
/// Full segments that the files of a step keep, give or take a file.
const STEP_SEGMENTS: u64 = 1 << 17;
/// A pack of which this many records are wanted is fetched whole.
const WHOLE_FROM: usize = 4;
/// Pieces fetched, or packs sent, at once.
const IN_FLIGHT: usize = 4;

/// A file to be brought elsewhere.
#[derive(Debug)]
pub(super) struct MovingFile {
    pub(super) path: RemotePath,
    pub(super) size: u64,
    pub(super) version: VersionRef,
}

/// What one commit brings elsewhere.
#[derive(Debug, Default)]
pub(super) struct Step {
    files: Vec<MovingFile>,
    nodes: Vec<RemotePath>,
    bytes: u64,
    segments: u64,
}

impl Step {
    /// Counts a node that changes: all nodes of a step are in memory at once.
    pub(super) fn count_node(&mut self, length: u64) {
        self.bytes = self.bytes.saturating_add(length);
    }

    pub(super) fn take(&mut self, file: MovingFile) {
        self.bytes = self.bytes.saturating_add(file.moving());
        self.segments = self.segments.saturating_add(file.size / SEGMENT_LEN as u64);
        self.files.push(file);
    }

    /// Has the node sealed anew that `path` is in.
    pub(super) fn reseal(&mut self, path: RemotePath) {
        self.nodes.push(path);
    }

    pub(super) const fn is_full(&self) -> bool {
        let edits = self.files.len() + self.nodes.len();
        self.bytes >= STEP_BYTES || edits >= STEP_EDITS || self.segments >= STEP_SEGMENTS
    }
}

impl MovingFile {
    fn moving(&self) -> u64 {
        packed_tail(self.size).saturating_add(u64::from(self.version.record().length))
    }
}

/// Does one step after the other.
pub(super) struct Stepper<'a, R, S> {
    client: &'a Client<R, S>,
    progress: &'a dyn Progress,
    report: &'a mut RepackReport,
    reservation: Reservation,
    /// Bytes that come back: no more than these are sent, whatever was foreseen.
    bytes: u64,
}

impl<'a, R: Remote, S: LocalState> Stepper<'a, R, S> {
    pub(super) const fn new(
        client: &'a Client<R, S>,
        upload: UploadId,
        bytes: u64,
        progress: &'a dyn Progress,
        report: &'a mut RepackReport,
    ) -> Self {
        Self { client, progress, report, reservation: Reservation::new(upload), bytes }
    }

    /// Seals, sends and commits what is in `step`.
    pub(super) async fn run(&mut self, step: Step) -> Result<(), OperationError> {
        let Step { files, nodes, .. } = step;
        if files.is_empty() && nodes.is_empty() {
            return Ok(());
        }
        if self.report.sent >= self.bytes {
            self.report.left += files.len() as u64;
            return Ok(());
        }
        let client = self.client;
        client.nodes().shrink();
        let opened = self.open(files).await?;
        let sealer = Sealer { realm: *client.realm(), space: client.door().space(), buffers: client.buffers().clone() };
        let SealedStep { packs, files, left } = work::run(move || sealer.seal(opened)).await;
        self.report.left += left;
        let packs: Vec<SealedBlob> = packs.into_iter().map(SealedBlob::from).collect();
        let reservation = &self.reservation;
        let sends = stream::iter(&packs).map(|blob| async move {
            reservation.add(client.remote(), client.door(), blob.size()).await?;
            reservation.send(client.remote(), client.door(), blob, 0).await
        });
        let sent: Vec<u64> = sends.buffer_unordered(IN_FLIGHT).try_collect().await?;
        self.report.sent += sent.iter().sum::<u64>();
        self.commit(&packs, files, nodes).await
    }

    async fn commit(
        &mut self,
        packs: &[SealedBlob],
        files: Vec<SealedFile>,
        nodes: Vec<RemotePath>,
    ) -> Result<(), OperationError> {
        let mut adds: Vec<AddedBlob> = packs.iter().map(SealedBlob::added).collect();
        let mut edits: Vec<Edit> = nodes.into_iter().map(|path| Edit::Reseal { path }).collect();
        let mut needs: HashMap<BlobId, Vec<Needs>> = HashMap::new();
        let count = files.len() as u64;
        for file in files {
            adds.extend(file.kept);
            edits.push(file.edit);
            needs.entry(file.pack).or_default().push(file.needs);
        }
        adds.sort_unstable_by_key(|added| added.blob);
        adds.dedup_by_key(|added| added.blob);
        let committed = self.client.commit_edits(&edits, MissingParents::Refuse, adds, &self.reservation).await;
        match committed {
            Ok(committed) => self.report.sent += committed.sent,
            // A sweep by another device came between, or others commit all the time: the next run does this step.
            Err(error) if is_overtaken(&error) => {
                self.report.left += count;
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.reservation.release(packs.iter().map(SealedBlob::size).sum());
        let known = needs.into_iter().map(|(pack, needs)| remember(&pack, needs));
        Ok(self.client.state().apply(known.collect()).await?)
    }

    /// Fetches and verifies what is to be sealed anew, pack by pack. What cannot be read stays as it is.
    async fn open(&mut self, mut files: Vec<MovingFile>) -> Result<Vec<OpenedFile>, OperationError> {
        files.sort_by_key(|file| file.version.record().blob);
        let mut opened = Vec::with_capacity(files.len());
        let mut files = files.into_iter().peekable();
        while let Some(first) = files.next() {
            let pack = first.version.record().blob;
            let mut group = vec![first];
            while let Some(next) = files.next_if(|next| next.version.record().blob == pack) {
                group.push(next);
            }
            if group.len() >= WHOLE_FROM {
                match self.client.fetch_pack(&pack).await {
                    Err(error) if !is_damage(&error) => return Err(error),
                    _ => {}
                }
            }
            let (client, progress) = (self.client, self.progress);
            let group = stream::iter(group).map(|file| async move {
                let (moving, path) = (file.moving(), file.path.to_string());
                let opened = client.open_file(file).await;
                progress.advance(moving);
                progress.file_done(&path);
                opened
            });
            let group: Vec<_> = group.buffered(IN_FLIGHT).collect().await;
            for file in group {
                match file {
                    Ok(file) => opened.push(file),
                    Err(error) if is_damage(&error) => self.report.left += 1,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(opened)
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    async fn open_file(&self, file: MovingFile) -> Result<OpenedFile, OperationError> {
        let piece = self.fetch_piece(file.version.record()).await?;
        let record = open_record(self.realm(), &self.door().space(), &file.version, &piece)?;
        let mtime = record.mtime();
        let leaves = record.verify_pages(Vec::new())?;
        if leaves.size() != file.size {
            return Err(Rejected.into());
        }
        let piece = match leaves.segments().find(|segment| fits_pack(segment.leaf.plain_len)) {
            // A copy, so that it does not hold all of its pack.
            Some(segment) => Some(Bytes::copy_from_slice(&self.fetch_segment(&segment).await?)),
            None => None,
        };
        Ok(OpenedFile { file, mtime, leaves, piece })
    }
}

/// Whether what was asked for is not there, or is not what it should be: `check` tells more about it.
const fn is_damage(error: &OperationError) -> bool {
    matches!(error, OperationError::Rejected(_)) || error.is_not_found()
}

const fn is_overtaken(error: &OperationError) -> bool {
    matches!(
        error,
        OperationError::Contended | OperationError::Remote(RemoteError::Refused { code: ErrorCode::BlobMissing, .. })
    )
}

//! Going on after a cut: what the journal has, what the queue has, what the server's tickets say.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use anonicloud_core::tree::name::RemotePath;
use anonicloud_core::tree::node::EntryContent;
use anonicloud_proto::api::BlobState;
use anonicloud_proto::codec::Decode as _;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, UploadId};

use super::away::is_missing;
use super::begun::{Begun, Standing};
use super::engine::{Ready, Uploader};
use super::jobs::{Job, done, queued};
use super::request::ResumeReport;
use super::segment::SealedBlob;
use super::staged::{StagedFile, StagedPack};
use crate::client::Client;
use crate::error::{ErrorKind, OperationError};
use crate::local::scan::attributes_of;
use crate::progress::Progress;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, StateError, Table};

impl<R: Remote, S: LocalState> Client<R, S> {
    /// The transfers that are not finished.
    ///
    /// # Errors
    /// When the local state cannot be read.
    pub async fn queue(&self) -> Result<Vec<Job>, OperationError> {
        queued(self.state()).await
    }

    /// Goes on with every queued transfer. One that fails holds no other up, unless none could get on.
    ///
    /// # Errors
    /// When nothing could be tried at all; how each transfer went is in the report.
    pub async fn resume(&self, progress: &dyn Progress) -> Result<ResumeReport, OperationError> {
        let _lock = self.lock_transfers()?;
        self.refuse_halted().await?;
        self.sync().await?;
        self.refuse_lost_links(&self.known_head()?).await?;
        self.drop_orphans().await?;
        let mut resumed = ResumeReport::default();
        for job in queued(self.state()).await? {
            match self.run_job(&job, progress).await {
                Ok(report) => resumed.reports.push(report),
                Err(error) => {
                    let concerns_all = matches!(
                        error.kind(),
                        ErrorKind::Network | ErrorKind::Auth | ErrorKind::Integrity | ErrorKind::Server
                    );
                    resumed.failed.push((job, error));
                    if concerns_all {
                        break;
                    }
                }
            }
        }
        Ok(resumed)
    }

    /// Takes a queued transfer off the queue; what it sent and did not commit is dropped at the server.
    ///
    /// # Errors
    /// [`OperationError::UnknownTransfer`] when there is none with this id.
    pub async fn forget(&self, id: &str) -> Result<(), OperationError> {
        let _lock = self.lock_transfers()?;
        let jobs = queued(self.state()).await?;
        let job = jobs.into_iter().find(|job| job.id() == id);
        let job = job.ok_or_else(|| OperationError::UnknownTransfer(id.to_owned()))?;
        self.end_upload(&job.upload).await?;
        self.drop_tickets(&job, |_| false).await?;
        let mut changes = vec![done(&job)];
        for pack in self.staged_packs(&job.upload).await? {
            changes.push(StateChange::delete(Table::Staged, pack.blob.as_bytes()));
        }
        Ok(self.state().apply(changes).await?)
    }

    /// Drops what no job takes up again: uploads of streams that were cut, and packs of what another device began.
    pub(super) async fn drop_orphans(&self) -> Result<(), OperationError> {
        self.drop_cut_repacking().await?;
        let (streams, jobs): (Vec<_>, Vec<_>) = queued(self.state()).await?.into_iter().partition(Job::is_stream);
        let mut changes = Vec::new();
        for stream in &streams {
            self.end_upload(&stream.upload).await?;
            changes.push(done(stream));
        }
        for (key, row) in self.state().scan(Table::Staged).await? {
            let pack = StagedPack::from_bytes(&row).map_err(|_| StateError::Corrupt)?;
            if jobs.iter().all(|job| job.upload != pack.upload) {
                self.end_upload(&pack.upload).await?;
                changes.push(StateChange::delete(Table::Staged, &key));
            }
        }
        Ok(self.state().apply(changes).await?)
    }

    /// What the server has of an upload; of one that it does not know, nothing.
    pub(super) async fn upload_blobs(&self, upload: &UploadId) -> Result<HashMap<BlobId, BlobState>, OperationError> {
        let remote = self.remote();
        let mut blobs = HashMap::new();
        let mut after = None;
        loop {
            let page = async |access: &_| remote.upload_state(access, upload, after.as_ref()).await;
            let page = match self.door().request(remote, page).await {
                Ok(page) => page,
                Err(error) if error.is_not_found() => return Ok(blobs),
                Err(error) => return Err(error),
            };
            let last = page.blobs.last().map(|state| state.blob);
            blobs.extend(page.blobs.into_iter().map(|state| (state.blob, state)));
            // A page that does not get on would never end.
            if !page.more || last <= after {
                return Ok(blobs);
            }
            after = last;
        }
    }

    /// Ends an upload at the server, if it is still there.
    pub(crate) async fn end_upload(&self, upload: &UploadId) -> Result<(), OperationError> {
        let remote = self.remote();
        match self.door().request(remote, async |access| remote.end_upload(access, upload).await).await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other,
        }
    }

    /// Ends an upload whose content is committed. When the server does not, it ends by itself some days later.
    pub(crate) async fn tidy_upload(&self, upload: &UploadId) -> Result<(), OperationError> {
        match self.end_upload(upload).await {
            Err(OperationError::Remote(_)) => Ok(()),
            other => other,
        }
    }

    /// What the journal has of an upload.
    pub(super) async fn staged_packs(&self, upload: &UploadId) -> Result<Vec<StagedPack>, OperationError> {
        let mut packs = Vec::new();
        for (_, row) in self.state().scan(Table::Staged).await? {
            let pack = StagedPack::from_bytes(&row).map_err(|_| StateError::Corrupt)?;
            if pack.upload == *upload {
                packs.push(pack);
            }
        }
        Ok(packs)
    }
}

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// Takes up the packs that the journal has of this job; gives the paths that need not be sent again.
    pub(super) async fn take_up_staged(&mut self, job: &Job) -> Result<HashSet<RemotePath>, OperationError> {
        let mut paths = HashSet::new();
        let mut stored = HashMap::new();
        let mut packs = self.client.staged_packs(&job.upload).await?;
        self.pack_sizes.extend(packs.iter().map(|pack| (pack.blob, pack.bytes.len() as u64)));
        for file in packs.iter_mut().flat_map(|pack| pack.files.drain(..)) {
            let current = self.is_current(job, &file).await?;
            if current && self.has_blobs_of(job, &file, &mut stored).await? {
                self.report.files += 1;
                self.report.bytes += file.size;
                self.progress.skip(file.size);
                paths.insert(file.path.clone());
                self.ready.push(Ready::of(file, &mut SystemRandom));
            } else {
                self.begun.insert(file.path.clone(), Begun::by_staged(&file));
            }
        }
        self.staged.extend(packs.iter().map(|pack| pack.blob));
        // When no file waits for them, they are committed already, or nobody needs them.
        if !paths.is_empty() {
            let known = self.client.upload_blobs(&job.upload).await?;
            for pack in packs {
                self.take_up_pack(pack, &known).await?;
            }
        }
        Ok(paths)
    }

    /// Sends what the server lacks of a pack.
    async fn take_up_pack(
        &mut self,
        pack: StagedPack,
        known: &HashMap<BlobId, BlobState>,
    ) -> Result<(), OperationError> {
        let hash = StoredHash::of(&pack.bytes);
        let blob = SealedBlob { blob: pack.blob, hash, bytes: pack.bytes };
        match known.get(&blob.blob) {
            Some(state) if state.complete => self.adds.push(blob.added()),
            state => {
                self.make_room().await?;
                let offset = state.map_or(0, |state| state.stored.min(blob.size()));
                self.launch_pack(blob, offset);
            }
        }
        Ok(())
    }

    /// Whether the file on this device is still what was sealed, and the tree does not have that version or one like it.
    async fn is_current(&self, job: &Job, file: &StagedFile) -> Result<bool, OperationError> {
        let Some(local) = job.local_path(&file.path).filter(|_| !job.leaves_out(&file.path)) else {
            return Ok(false);
        };
        let metadata = match fs_err::symlink_metadata(&local) {
            Ok(metadata) => metadata,
            // What cannot be looked at now is sent as it was sealed.
            Err(error) => return Ok(!is_missing(&error)),
        };
        let same = metadata.is_file() && metadata.len() == file.size && attributes_of(&metadata) == file.attributes;
        if !same {
            return Ok(false);
        }
        let there = self.client.entry_at(&file.path).await?;
        let Some(EntryContent::File { size, version }) = there.as_deref().map(|entry| &entry.content) else {
            return Ok(true);
        };
        let like_it = there.as_ref().is_some_and(|entry| entry.attributes.mtime == file.attributes.mtime);
        if like_it && *size == file.size {
            return Ok(false);
        }
        Ok(self.client.standing(&Begun::by_staged(file), Some(version)).await? != Standing::Committed)
    }

    /// Whether every blob that a staged file refers to is in the journal, or at the server in an upload: they go when an upload
    /// ends, and then no commit could name them. What a commit has named already may be released by now, so that its file is
    /// sent anew. `stored` remembers what the server has of each upload.
    async fn has_blobs_of(
        &self,
        job: &Job,
        file: &StagedFile,
        stored: &mut HashMap<UploadId, HashMap<BlobId, BlobState>>,
    ) -> Result<bool, OperationError> {
        let mut missing: Vec<BlobId> = file.adds.iter().map(|added| added.blob).collect();
        missing.retain(|blob| !self.pack_sizes.contains_key(blob));
        for upload in file.upload.into_iter().chain([job.upload]) {
            if missing.is_empty() {
                break;
            }
            let blobs = match stored.entry(upload) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.client.upload_blobs(&upload).await?),
            };
            missing.retain(|blob| !blobs.get(blob).is_some_and(|state| state.complete));
        }
        Ok(missing.is_empty() && file.names_its_packs())
    }
}

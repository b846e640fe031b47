//! The durable queue: what a person asked to be sent, until it is.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use anonicloud_core::tree::name::RemotePath;
use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::ids::UploadId;

use super::staged::{decode_path, encode_path};
use crate::error::OperationError;
use crate::local::filter::Filter;
use crate::state::{LocalState, SealedState, StateChange, StateError, Table};

const SOURCES_MAX: usize = 1 << 16;
const LOCAL_PATH_MAX: usize = 1 << 16;

/// One root of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSource {
    /// On this device, absolute.
    pub local: PathBuf,
    /// Where it goes.
    pub remote: RemotePath,
}

/// A transfer that was asked for and is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The upload of its packs; its id.
    pub(crate) upload: UploadId,
    /// What is to be sent; of a stream, nothing.
    pub(crate) sources: Vec<JobSource>,
    /// What of it counts.
    pub(crate) filter: Filter,
}

impl Job {
    /// The id that a person cancels it by.
    pub fn id(&self) -> String {
        self.upload.to_string()
    }

    /// What is to be sent, and where to; nothing when it came from a stream.
    pub fn sources(&self) -> &[JobSource] {
        &self.sources
    }
}

impl Encode for Job {
    fn encode(&self, out: &mut Writer) {
        self.upload.encode(out);
        out.count(self.sources.len());
        for source in &self.sources {
            out.bytes(source.local.as_os_str().as_bytes());
            encode_path(&source.remote, out);
        }
        if !self.filter.is_everything() {
            self.filter.encode(out);
        }
    }
}

impl Decode for Job {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let upload = UploadId::decode(input)?;
        let mut sources = Vec::new();
        for _ in 0..input.count(SOURCES_MAX)? {
            let local = OsString::from_vec(input.bytes(LOCAL_PATH_MAX)?.to_vec());
            sources.push(JobSource { local: local.into(), remote: decode_path(input)? });
        }
        // Nothing stands for a job that takes everything, as before there were filters.
        let filter = if input.remaining() == 0 { Filter::everything() } else { Filter::decode(input)? };
        Ok(Self { upload, sources, filter })
    }
}

/// All jobs that are not finished.
pub(crate) async fn queued<S: LocalState>(state: &SealedState<S>) -> Result<Vec<Job>, OperationError> {
    let rows = state.scan(Table::Jobs).await?;
    let jobs = rows.iter().map(|(_, value)| Job::from_bytes(value).map_err(|_| StateError::Corrupt));
    Ok(jobs.collect::<Result<_, _>>()?)
}

/// Queues `job`; it is durable when this returns.
pub(crate) async fn queue<S: LocalState>(state: &SealedState<S>, job: &Job) -> Result<(), OperationError> {
    let change = StateChange::put(Table::Jobs, job.upload.as_bytes(), job.to_bytes());
    Ok(state.apply(vec![change]).await?)
}

/// The change that takes `job` off the queue.
pub(crate) fn done(job: &Job) -> StateChange {
    StateChange::delete(Table::Jobs, job.upload.as_bytes())
}

impl Job {
    /// How many names the nearest root has that `path` is at or below; `None` when the job does not send it.
    pub(super) fn root_depth(&self, path: &RemotePath) -> Option<usize> {
        let above = self.sources.iter().filter(|source| source.remote.contains(path));
        above.map(|source| source.remote.names().len()).max()
    }

    /// The file of this device that becomes `remote`.
    pub(super) fn local_path(&self, remote: &RemotePath) -> Option<PathBuf> {
        self.local_place(remote).map(|(_, path)| path)
    }

    /// The file of this device that becomes `remote`, and the source that it is of.
    pub(super) fn local_place(&self, remote: &RemotePath) -> Option<(&Path, PathBuf)> {
        self.sources.iter().find_map(|source| {
            let names = remote.names().strip_prefix(source.remote.names())?;
            let below = names.iter().map(|name| std::ffi::OsStr::from_bytes(name.as_bytes()));
            Some((source.local.as_path(), below.fold(source.local.clone(), |path, name| path.join(name))))
        })
    }

    /// Whether its filter leaves `remote` out, which is below one of its sources.
    pub(super) fn leaves_out(&self, remote: &RemotePath) -> bool {
        self.local_place(remote).is_some_and(|(root, local)| {
            let below = local.strip_prefix(root).unwrap_or(&local);
            !below.as_os_str().is_empty() && self.filter.leaves_out_below(below)
        })
    }

    /// Whether it only notes the upload of a stream, which cannot be read again.
    pub(crate) fn is_stream(&self) -> bool {
        self.sources.is_empty()
    }
}

//! The durable queue: what a person asked to be sent, until it is.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use anonicloud_core::tree::name::{EntryName, RemotePath};
use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::ids::UploadId;

use super::staged::{decode_path, encode_path};
use crate::error::OperationError;
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
    /// What is to be sent.
    pub(crate) sources: Vec<JobSource>,
}

impl Job {
    /// The id that a person cancels it by.
    pub fn id(&self) -> String {
        self.upload.to_string()
    }

    /// What is to be sent, and where to.
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
        Ok(Self { upload, sources })
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
    /// Whether the file with these names is one that the job sends.
    pub(super) fn covers(&self, names: &[Vec<u8>]) -> bool {
        self.sources.iter().any(|source| {
            let root = source.remote.names();
            let above = names.iter().take(root.len()).map(Vec::as_slice);
            root.iter().map(EntryName::as_bytes).eq(above)
        })
    }

    /// The file of this device that becomes `remote`.
    pub(super) fn local_path(&self, remote: &RemotePath) -> Option<PathBuf> {
        self.sources.iter().find_map(|source| {
            let names = remote.names().strip_prefix(source.remote.names())?;
            let below = names.iter().map(|name| std::ffi::OsStr::from_bytes(name.as_bytes()));
            Some(below.fold(source.local.clone(), |path, name| path.join(name)))
        })
    }
}

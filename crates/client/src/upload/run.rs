//! A job from its start to its end.

use std::collections::HashSet;
use std::path::PathBuf;

use anonicloud_core::tree::edit::Edit;
use anonicloud_core::tree::lookup::Found;
use anonicloud_core::tree::name::RemotePath;
use anonicloud_proto::api::ErrorCode;

use super::away::is_away;
use super::engine::{Ready, Uploader};
use super::jobs::{Job, JobSource, done, queue, queued};
use super::plan::{Plan, plan};
use super::request::{FILE_MAX, PutReport, PutSource};
use super::reservation::make_upload_id;
use super::small::is_small;
use crate::client::Client;
use crate::error::OperationError;
use crate::local::filter::Filter;
use crate::local::scan::{LocalEntry, LocalKind, Scan, Skipped};
use crate::progress::Progress;
use crate::remote::{Remote, RemoteError};
use crate::state::LocalState;

/// Times that a job is run when other devices go on with its uploads meanwhile.
const RUNS: u32 = 4;

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Sends `sources`, of folders what the filter takes. Interrupted at any instant, it goes on by [`Client::resume`] or by being called again.
    ///
    /// # Errors
    /// Those of [`OperationError`]; files that could not be sent alone are in the report.
    pub async fn put(
        &self,
        sources: Vec<PutSource>,
        filter: Filter,
        progress: &dyn Progress,
    ) -> Result<PutReport, OperationError> {
        let _lock = self.lock_transfers()?;
        let (paths, streams) = look_at(sources)?;
        self.refuse_halted().await?;
        self.sync().await?;
        self.refuse_lost_links(&self.known_head()?).await?;
        self.drop_orphans().await?;
        let mut report = PutReport::default();
        if !paths.is_empty() {
            let job = self.job_for(paths, filter).await?;
            report = self.run_job(&job, progress).await?;
        }
        for remote in streams {
            let mut input = tokio::io::stdin();
            self.put_stream(&mut input, remote, progress, &mut report).await?;
        }
        Ok(report)
    }

    /// The job that was queued for just these sources, now with this filter, or a new one.
    async fn job_for(&self, sources: Vec<JobSource>, filter: Filter) -> Result<Job, OperationError> {
        let same = queued(self.state()).await?.into_iter().find(|job| job.sources == sources);
        let job = match same {
            Some(job) if job.filter == filter => return Ok(job),
            Some(job) => Job { filter, ..job },
            None => Job { upload: make_upload_id(), sources, filter },
        };
        queue(self.state(), &job).await?;
        Ok(job)
    }

    /// Runs a job to its end and takes it off the queue. What cannot be looked at now is not given up: then the job stays.
    pub(super) async fn run_job(&self, job: &Job, progress: &dyn Progress) -> Result<PutReport, OperationError> {
        self.look_at_roots(job).await?;
        let mut before = PutReport::default();
        let mut runs = 0;
        let mut keeps = true;
        loop {
            runs += 1;
            let mut uploader = Uploader::new(self, job.upload, progress);
            uploader.keeps = keeps;
            uploader.job = Some(job);
            let outcome = uploader.run(job).await;
            let mut report = std::mem::take(&mut uploader.report);
            report.bytes_sent += before.bytes_sent;
            report.conflicts.splice(..0, before.conflicts);
            match outcome {
                Ok(()) => {
                    self.end_job(job, &report.skipped).await?;
                    self.clear_nodes().await?;
                    return Ok(report);
                }
                // Another device went on with an upload of this run and was faster: what is left to do is found out anew.
                Err(error) if runs < RUNS && is_superseded(&error) => {
                    self.sync().await?;
                    // What a commit cannot name any more is sealed and sent anew, segments of the version before too.
                    keeps &= !is_missing_blob(&error);
                    before = report;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a job off the queue that has run, with what it left at the server.
    async fn end_job(&self, job: &Job, skipped: &[Skipped]) -> Result<(), OperationError> {
        let ended = async {
            if self.drop_tickets(job, |path| is_away(job, path, skipped)).await? {
                self.end_upload(&job.upload).await?;
                self.state().apply(vec![done(job)]).await?;
            }
            Ok(())
        };
        match ended.await {
            // All is committed. What could not be tidied up is when the job runs again.
            Err(OperationError::Remote(_)) => Ok(()),
            other => other,
        }
    }

    /// What the tree has at `path`; `None` for nothing.
    pub(crate) async fn entry_at(
        &self,
        path: &RemotePath,
    ) -> Result<Option<std::sync::Arc<anonicloud_core::tree::node::Entry>>, OperationError> {
        Ok(match self.find(path).await? {
            Found::Entry(entry) => Some(entry),
            Found::Root | Found::Missing(_) | Found::NotDirectory(_) => None,
        })
    }
}

/// The paths and the streams among `sources`. A path where nothing is, is a mistake of the person, not a file to leave out.
pub(crate) fn look_at(sources: Vec<PutSource>) -> Result<(Vec<JobSource>, Vec<RemotePath>), OperationError> {
    let (mut paths, mut streams) = (Vec::new(), Vec::new());
    for source in sources {
        match source {
            PutSource::Stdin { remote } => streams.push(remote),
            PutSource::Path { local, remote } => {
                let absolute = std::path::absolute(&local);
                let local = absolute.map_err(|error| OperationError::local(&local, error))?;
                let there = fs_err::symlink_metadata(&local);
                let there = there.map_err(|error| OperationError::local(&local, error))?;
                if there.is_file() && there.len() > FILE_MAX {
                    return Err(OperationError::FileTooLarge);
                }
                paths.push(JobSource { local, remote });
            }
        }
    }
    Ok((paths, streams))
}

/// Whether another device ended an upload, or committed its blobs, while this one was at it.
const fn is_superseded(error: &OperationError) -> bool {
    use ErrorCode::{BlobConflict, BlobMismatch, BlobMissing, NotFound, OffsetMismatch};
    matches!(
        error,
        OperationError::Contended
            | OperationError::Remote(RemoteError::Refused {
                code: NotFound | BlobMissing | OffsetMismatch | BlobMismatch | BlobConflict,
                ..
            })
    )
}

/// Whether a blob that a commit names is not there: a sweep that came between has freed it.
const fn is_missing_blob(error: &OperationError) -> bool {
    matches!(error, OperationError::Remote(RemoteError::Refused { code: ErrorCode::BlobMissing, .. }))
}

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// Does all that a job asks for; what was done is in the report.
    async fn run(&mut self, job: &Job) -> Result<(), OperationError> {
        let staged = self.take_up_staged(job).await?;
        self.announce(job)?;
        let mut scan = self.scan(job);
        self.take_all(&mut scan, &staged).await?;
        self.report.skipped.append(&mut scan.skipped);
        self.report.sifted = scan.sifted();
        self.finish().await
    }

    /// What is below the sources of a job.
    fn scan<'j>(&self, job: &'j Job) -> Scan<'j> {
        Scan::new(job.sources.clone(), &job.filter, self.client.names_key())
    }

    /// Says how much there is.
    fn announce(&self, job: &Job) -> Result<(), OperationError> {
        let (mut scan, mut files, mut bytes) = (self.scan(job), 0, 0);
        while let Some(entry) = scan.next()? {
            if let LocalKind::File { size } = entry.kind {
                files += 1;
                bytes += size;
            }
        }
        self.progress.plan(files, bytes);
        Ok(())
    }

    async fn take_all(&mut self, scan: &mut Scan<'_>, staged: &HashSet<RemotePath>) -> Result<(), OperationError> {
        while let Some(entry) = scan.next()? {
            self.client.nodes().shrink();
            if staged.contains(&entry.remote) {
                continue;
            }
            self.take(entry).await?;
            self.commit_if_due().await?;
            while let Some(task) = self.again.pop() {
                self.begin_file(task).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, entry: LocalEntry) -> Result<(), OperationError> {
        if entry.remote.is_root() {
            // The root folder has no entry of its own; what is below it is sent.
            return Ok(());
        }
        let (local, is_symlink) = (entry.local.clone(), matches!(entry.kind, LocalKind::Symlink(_)));
        let size = if let LocalKind::File { size } = entry.kind { size } else { 0 };
        if size > FILE_MAX {
            self.report.skipped.push(Skipped::too_large(local));
            return Ok(());
        }
        let found = self.client.entry_at(&entry.remote).await?;
        match plan(entry, found.as_ref()) {
            Plan::Present => {}
            Plan::Unchanged { content } => {
                self.report.unchanged += 1;
                self.progress.skip(content);
            }
            Plan::Edit(edit) => self.take_edit(edit, is_symlink),
            Plan::Send(task) => match (self.go_on_from(task, size).await?, is_small(size)) {
                (None, _) => {}
                (Some(task), true) => self.gather(task, size).await?,
                (Some(task), false) => self.begin_file(task).await?,
            },
            Plan::InTheWay => self.in_the_way(local),
        }
        Ok(())
    }

    fn take_edit(&mut self, edit: Edit, is_symlink: bool) {
        if matches!(edit, Edit::MakeDirectory { .. }) {
            self.report.directories += 1;
        } else if is_symlink {
            self.report.symlinks += 1;
        } else {
            self.report.unchanged += 1;
        }
        self.ready.push(Ready { edit, adds: Vec::new(), ticket: None, upload: None, shown: None });
    }

    fn in_the_way(&mut self, local: PathBuf) {
        self.report.skipped.push(Skipped::in_the_way(local));
    }

    /// Waits for everything that is under way, and commits it.
    pub(super) async fn finish(&mut self) -> Result<(), OperationError> {
        self.launch_gathered().await?;
        loop {
            self.land_all().await?;
            let Some(task) = self.again.pop() else { break };
            self.begin_file(task).await?;
        }
        while !(self.ready.is_empty() && self.pack.is_empty() && self.staged.is_empty()) {
            self.commit().await?;
        }
        Ok(())
    }
}

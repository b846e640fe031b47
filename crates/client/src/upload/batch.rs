//! Commits of what has arrived, and the tidying up after each.

use std::time::{Duration, Instant};

use anonicloud_core::tree::edit::MissingParents;
use anonicloud_core::tree::node::Attributes;
use anonicloud_proto::commit::AddedBlob;

use super::engine::{Ready, Uploader};
use crate::clock::now_ns;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

/// A commit holds at most this many entries and comes at most this often (spec: 3-spaces, "Commits").
const BATCH_ENTRIES: usize = 4096;
/// Rights of folders that nobody named.
const PARENT_MODE: u16 = 0o755;
const BATCH_PAUSE: Duration = Duration::from_secs(2);

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// Commits when enough is ready.
    pub(super) async fn commit_if_due(&mut self) -> Result<(), OperationError> {
        let due = self.ready.len() >= BATCH_ENTRIES || self.last_commit.elapsed() >= BATCH_PAUSE;
        if due && !self.ready.is_empty() {
            self.commit().await
        } else {
            Ok(())
        }
    }

    /// Commits everything that is ready now; what becomes ready meanwhile waits for the next commit.
    pub(super) async fn commit(&mut self) -> Result<(), OperationError> {
        let batch = std::mem::take(&mut self.ready);
        self.flush().await?;
        let staged = std::mem::take(&mut self.staged);
        while self.packs_in_flight > 0 {
            self.land_one().await?;
        }
        let mut adds = std::mem::take(&mut self.adds);
        let mut shared_bytes = total(&adds);
        let mut edits = Vec::with_capacity(batch.len());
        let mut after = Vec::with_capacity(batch.len());
        for Ready {
            edit,
            adds: own,
            ticket,
            upload,
            shown,
        } in batch
        {
            if upload.is_none() {
                shared_bytes += total(&own);
            }
            adds.extend(own);
            edits.push(edit);
            after.push((ticket, upload, shown));
        }
        if !edits.is_empty() {
            let attributes = Attributes {
                mtime: now_ns(),
                mode: PARENT_MODE,
            };
            let parents = MissingParents::Create(attributes);
            let commit = self
                .client
                .commit_edits(&edits, parents, adds, &self.reservation);
            self.report.bytes_sent += commit.await?;
            self.reservation.release(shared_bytes);
        }
        let mut changes: Vec<_> = staged
            .iter()
            .map(|blob| StateChange::delete(Table::Staged, blob.as_bytes()))
            .collect();
        let mut uploads = Vec::new();
        for (ticket, upload, shown) in after {
            changes.extend(ticket.map(|key| StateChange::delete(Table::Tickets, &key)));
            uploads.extend(upload);
            if let Some(shown) = shown {
                self.progress.file_done(&shown);
            }
        }
        self.client.state().apply(changes).await?;
        for upload in uploads {
            self.client.end_upload(&upload).await?;
        }
        self.last_commit = Instant::now();
        Ok(())
    }
}

fn total(adds: &[AddedBlob]) -> u64 {
    adds.iter().map(|added| added.size).sum()
}

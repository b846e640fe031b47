//! Once more through the tree, where something changes, to find what is to be brought elsewhere.

use std::collections::HashSet;
use std::sync::Arc;

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::name::{DEPTH_MAX, EntryName, RemotePath};
use anonicloud_core::tree::node::{DirectoryNode, Entry, EntryContent};
use anonicloud_core::tree::store::Wanted;
use anonicloud_proto::ids::UploadId;

use super::RepackReport;
use super::choice::Choice;
use super::step::{MovingFile, Step, Stepper};
use crate::client::Client;
use crate::error::OperationError;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::space::reached::NeedsByRecord;
use crate::state::LocalState;

/// A name for where there is none: nothing of that name needs to be there.
const ANY_NAME: &[u8] = b"-";

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Brings all that lives in the chosen packs elsewhere, a step at a time, each with a commit of its own.
    pub(super) async fn bring_elsewhere(
        &self,
        choice: &Choice,
        upload: UploadId,
        progress: &dyn Progress,
        report: &mut RepackReport,
    ) -> Result<(), OperationError> {
        let mut stepper = Stepper::new(self, upload, choice.bytes(), progress, report);
        let mut step = Step::default();
        let mut met = HashSet::new();
        let root = self.root().await?;
        let first = root.as_ref().map(Wanted::root).filter(|root| choice.has_node(&root.child().hash));
        let mut open: Vec<_> = first.map(|root| (RemotePath::root(), root)).into_iter().collect();
        while let Some((folder, wanted)) = open.pop() {
            if folder.names().len() > DEPTH_MAX {
                return Err(OperationError::TreeTooDeep);
            }
            if !met.insert(wanted.child().hash) {
                continue;
            }
            let (node, _) = self.read_node(&wanted).await?;
            step.count_node(u64::from(wanted.child().piece.length));
            if choice.packs().contains(&wanted.child().piece.blob) {
                step.reseal(folder.join(&self.name_in(&node).await?));
            }
            let chosen = |child: &Wanted| choice.has_node(&child.child().hash);
            open.extend(node.shards().into_iter().filter(chosen).map(|shard| (folder.clone(), shard)));
            let needs = self.needs_of_files(&node).await?;
            for entry in node.entries().unwrap_or_default() {
                if let Some(below) = Wanted::directory(entry).filter(chosen) {
                    open.push((folder.join(&entry.name), below));
                }
                if let Some(file) = moving_file(&folder, entry, &needs, choice) {
                    step.take(file);
                }
                if step.is_full() {
                    stepper.run(std::mem::take(&mut step)).await?;
                }
            }
            if step.is_full() {
                stepper.run(std::mem::take(&mut step)).await?;
            }
        }
        stepper.run(step).await
    }

    /// A name in a node, or in a shard of it.
    async fn name_in(&self, node: &Arc<DirectoryNode>) -> Result<EntryName, OperationError> {
        let mut node = Arc::clone(node);
        // Shards are nested a few levels at most.
        while let Some(shard) = node.shards().into_iter().next() {
            node = self.read_node(&shard).await?.0;
        }
        match node.entries().and_then(<[_]>::first) {
            Some(entry) => Ok(entry.name.clone()),
            None => Ok(EntryName::new(ANY_NAME).map_err(|_| Rejected)?),
        }
    }
}

/// What is to be done about `entry`; `None` when nothing of it lies in a chosen pack.
fn moving_file(folder: &RemotePath, entry: &Entry, needs: &NeedsByRecord, choice: &Choice) -> Option<MovingFile> {
    let EntryContent::File { size, version } = &entry.content else {
        return None;
    };
    let mut needed = needs.get(version.hash()).into_iter().flatten();
    let is_chosen = choice.packs().contains(&version.record().blob) || needed.any(|blob| choice.packs().contains(blob));
    is_chosen.then(|| MovingFile { path: folder.join(&entry.name), size: *size, version: version.duplicate() })
}

//! What a transfer or a removal would do, without doing it.

mod newcomers;

use std::path::PathBuf;

use anonicloud_core::tree::edit::{Edit, MissingParents, Rules, apply};
use anonicloud_core::tree::merge::ConflictNaming;
use anonicloud_core::tree::name::RemotePath;

use self::newcomers::Newcomers;
use crate::client::Client;
use crate::download::GetItem;
use crate::error::OperationError;
use crate::item::{Item, ItemKind};
use crate::local::filter::Filter;
use crate::local::scan::{LocalKind, Scan, Skipped};
use crate::local::sieve::Sifted;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::upload::{FILE_MAX, Plan, PutSource, look_at, plan};

/// What would be done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Preview<P> {
    /// One step for each path, in the order they would be done in.
    pub steps: Vec<PreviewStep<P>>,
    /// Files and symlinks that are there as they are.
    pub unchanged: u64,
    /// What the patterns would leave out.
    pub sifted: Sifted,
    /// What could not be sent.
    pub skipped: Vec<Skipped>,
}

/// What would be done at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreviewStep<P> {
    /// What.
    pub action: Action,
    /// Where: in the cloud when something is sent or removed, on this device when something is fetched.
    pub path: P,
    /// What it is; of a folder that is removed, it and all that is below.
    pub kind: ItemKind,
    /// Files that it counts for.
    pub files: u64,
    /// Content bytes that it counts for; of a stream 0, since nobody knows.
    pub bytes: u64,
}

/// What would be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Something comes where nothing is.
    Create,
    /// Other content comes to where something is.
    Replace,
    /// Times and rights alone change.
    SetAttributes,
    /// What is there goes.
    Remove,
}

impl<P> Preview<P> {
    fn new() -> Self {
        Self { steps: Vec::new(), unchanged: 0, sifted: Sifted::default(), skipped: Vec::new() }
    }

    fn push(&mut self, action: Action, path: P, kind: ItemKind, bytes: u64) {
        self.steps.push(PreviewStep { action, path, kind, files: u64::from(kind == ItemKind::File), bytes });
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// What [`Client::put`] would do now.
    ///
    /// # Errors
    /// As there, as far as they show before anything is sent.
    pub async fn preview_put(
        &self,
        sources: Vec<PutSource>,
        filter: &Filter,
    ) -> Result<Preview<RemotePath>, OperationError> {
        let (paths, streams) = look_at(sources)?;
        self.sync().await?;
        let mut preview = Preview::new();
        let mut found = Scan::new(paths, filter, self.names_key());
        let mut new = Newcomers::default();
        while let Some(entry) = found.next()? {
            if entry.remote.is_root() {
                continue;
            }
            let (local, path, kind) = (entry.local.clone(), entry.remote.clone(), entry.kind.clone());
            if matches!(kind, LocalKind::File { size } if size > FILE_MAX) {
                preview.skipped.push(Skipped::too_large(local));
                continue;
            }
            let there = self.entry_at(&path).await?;
            if there.is_none() {
                new.add(&entry);
            }
            let action = if there.is_some() { Action::Replace } else { Action::Create };
            let (kind, bytes) = match kind {
                LocalKind::File { size } => (ItemKind::File, size),
                LocalKind::Directory => (ItemKind::Directory, 0),
                LocalKind::Symlink(_) => (ItemKind::Symlink, 0),
            };
            match plan(entry, there.as_ref()) {
                Plan::Present => {}
                Plan::Unchanged { .. } => preview.unchanged += 1,
                Plan::Edit(Edit::SetAttributes { .. }) => preview.push(Action::SetAttributes, path, kind, 0),
                Plan::Edit(_) | Plan::Send(_) => preview.push(action, path, kind, bytes),
                Plan::InTheWay => preview.skipped.push(Skipped::in_the_way(local)),
            }
        }
        preview.sifted = found.sifted();
        preview.skipped.append(&mut found.skipped);
        let refused = self.refused_of(new).await?;
        preview.steps.retain(|step| !refused.contains_key(&step.path));
        preview.skipped.extend(refused.into_values());
        for path in streams {
            let action = if self.replaced_by_stream(&path).await?.is_some() { Action::Replace } else { Action::Create };
            preview.push(action, path, ItemKind::File, 0);
        }
        Ok(preview)
    }

    /// What [`Client::get`] would do now.
    ///
    /// # Errors
    /// As there, as far as they show before anything is fetched.
    pub async fn preview_get(&self, items: &[GetItem], filter: &Filter) -> Result<Preview<PathBuf>, OperationError> {
        let plan = self.plan_get(items, filter).await?;
        let mut preview = Preview::new();
        preview.unchanged = plan.unchanged;
        preview.sifted = plan.sifted;
        for folder in plan.folders {
            if folder.missing {
                preview.push(Action::Create, folder.path, ItemKind::Directory, 0);
            }
        }
        let action = |replace| if replace { Action::Replace } else { Action::Create };
        for file in plan.files {
            let bytes = file.size();
            preview.push(action(file.replace), file.target, ItemKind::File, bytes);
        }
        for link in plan.links {
            preview.push(action(link.replace), link.target, ItemKind::Symlink, 0);
        }
        Ok(preview)
    }

    /// What [`Client::remove`] would do now.
    ///
    /// # Errors
    /// As there.
    pub async fn preview_remove(
        &self,
        paths: &[RemotePath],
        recursive: bool,
    ) -> Result<Preview<RemotePath>, OperationError> {
        self.sync().await?;
        let root = self.root().await?;
        let edits: Vec<_> = paths.iter().map(|path| Edit::Remove { path: path.clone(), recursive }).collect();
        let naming = ConflictNaming { device: "", date: "" };
        let rules = Rules { parents: MissingParents::Refuse, naming };
        self.walk_steps(|nodes| apply(root.as_ref(), &edits, rules, nodes, &mut SystemRandom)).await?;
        let mut preview = Preview::new();
        for path in paths.iter().filter(|path| !paths.iter().any(|other| other != *path && other.contains(path))) {
            if let Some(entry) = self.entry_at(path).await? {
                let Item { kind, files, size, .. } = Item::of(&entry);
                let path = path.clone();
                preview.steps.push(PreviewStep { action: Action::Remove, path, kind, files, bytes: size });
            }
        }
        Ok(preview)
    }
}

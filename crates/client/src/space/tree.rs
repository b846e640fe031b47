//! The tree as a person sees it: looked at, and changed without content.

use core::ops::ControlFlow;
use std::collections::HashSet;
use std::sync::Arc;

use anonicloud_core::content::reference::Totals;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::edit::{Conflict, Edit, EditError, MissingParents};
use anonicloud_core::tree::lookup::{DirectoryRef, Found, find, list};
use anonicloud_core::tree::name::{EntryName, RemotePath};
use anonicloud_core::tree::node::{Attributes, Entry, EntryContent};
use anonicloud_core::tree::store::Step;

use crate::client::Client;
use crate::error::OperationError;
use crate::item::Item;
use crate::notice::Notice;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::upload::reservation::{Reservation, make_upload_id};

/// Rights of a folder that a person makes here.
const DIRECTORY_MODE: u16 = 0o755;

impl<R: Remote, S: LocalState> Client<R, S> {
    /// What is in the folder at `path`, by name; of a file, the file itself. Each item is made when it is wanted.
    ///
    /// # Errors
    /// When nothing is there, or the server does not answer or verify.
    pub async fn list(&self, path: &RemotePath) -> Result<impl Iterator<Item = Item> + use<R, S>, OperationError> {
        self.sync().await?;
        let entries = match self.found(path).await? {
            Found::Entry(entry) if !entry.content.is_directory() => vec![entry],
            found => self.children(&found).await?,
        };
        self.clear_nodes().await?;
        Ok(entries.into_iter().map(|entry| Item::of(&entry)))
    }

    /// What is at `path`.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub async fn stat(&self, path: &RemotePath) -> Result<Item, OperationError> {
        self.sync().await?;
        let item = match self.found(path).await? {
            Found::Entry(entry) => Item::of(&entry),
            _ => Item::root(self.root().await?.map(|root| root.totals).unwrap_or_default()),
        };
        self.clear_nodes().await?;
        Ok(item)
    }

    /// Files and bytes at and below `path`.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub async fn totals(&self, path: &RemotePath) -> Result<Totals, OperationError> {
        let item = self.stat(path).await?;
        Ok(Totals { files: item.files, bytes: item.size })
    }

    /// Shows everything below `path`, folders before what is in them, by name; `show` gets the names from `path` on, and ends the
    /// walk by [`ControlFlow::Break`].
    ///
    /// # Errors
    /// As [`Client::list`].
    pub async fn walk(
        &self,
        path: &RemotePath,
        show: &mut dyn FnMut(&[EntryName], &Item) -> ControlFlow<()>,
    ) -> Result<(), OperationError> {
        self.sync().await?;
        let start = self.found(path).await?;
        let mut open: Vec<(Vec<EntryName>, Arc<Entry>)> = Vec::new();
        let push = |open: &mut Vec<_>, names: &[EntryName], entries: Vec<Arc<Entry>>| {
            for entry in entries.into_iter().rev() {
                open.push(([names, std::slice::from_ref(&entry.name)].concat(), entry));
            }
        };
        match &start {
            Found::Entry(entry) if !entry.content.is_directory() => {
                push(&mut open, &[], vec![Arc::clone(entry)]);
            }
            _ => push(&mut open, &[], self.children(&start).await?),
        }
        // In a tree each folder is in one place; in anything else this would not end.
        let mut met = HashSet::new();
        while let Some((names, entry)) = open.pop() {
            if show(&names, &Item::of(&entry)).is_break() {
                return Ok(());
            }
            if entry.content.is_directory() {
                if !met.insert(entry.id) {
                    return Err(Rejected.into());
                }
                let children = self.children(&Found::Entry(entry)).await?;
                push(&mut open, &names, children);
                self.nodes().shrink();
            }
        }
        self.clear_nodes().await
    }

    /// Makes a folder; with `parents` also those above it, and an existing one is no error.
    ///
    /// # Errors
    /// When something is there, or the folder above is not.
    pub async fn make_directory(&self, path: &RemotePath, parents: bool) -> Result<(), OperationError> {
        self.refuse_halted().await?;
        self.sync().await?;
        let attributes = Attributes { mtime: self.clock().now_ns(), mode: DIRECTORY_MODE };
        let missing = if parents { MissingParents::Create(attributes) } else { MissingParents::Refuse };
        self.change(vec![Edit::MakeDirectory { path: path.clone(), attributes }], missing).await
    }

    /// Moves or renames. Nothing is sent but the folders on the way; into an existing folder when `to` is one.
    ///
    /// # Errors
    /// When `from` is not there, or `to` is taken.
    pub async fn rename(&self, from: &RemotePath, to: &RemotePath) -> Result<(), OperationError> {
        self.refuse_halted().await?;
        self.sync().await?;
        let to = self.place_for(from, to).await?;
        self.change(vec![Edit::Move { from: from.clone(), to, replace: false }], MissingParents::Refuse).await
    }

    /// Copies by reference: no content is sent. Into an existing folder when `to` is one.
    ///
    /// # Errors
    /// When `from` is not there, or `to` is taken.
    pub async fn copy(&self, from: &RemotePath, to: &RemotePath) -> Result<(), OperationError> {
        self.refuse_halted().await?;
        self.sync().await?;
        let to = self.place_for(from, to).await?;
        self.change(vec![Edit::Copy { from: from.clone(), to }], MissingParents::Refuse).await
    }

    /// Removes what is at `paths`; all or, when one cannot be removed, nothing.
    ///
    /// # Errors
    /// When something is not there, or is a folder with entries and not `recursive`.
    pub async fn remove(&self, paths: &[RemotePath], recursive: bool) -> Result<(), OperationError> {
        self.refuse_halted().await?;
        self.door().manage();
        self.sync().await?;
        let edits = paths.iter().map(|path| Edit::Remove { path: path.clone(), recursive });
        self.change(edits.collect(), MissingParents::Refuse).await
    }

    /// What is at `path` in the newest tree that is known here.
    pub(crate) async fn find(&self, path: &RemotePath) -> Result<Found, OperationError> {
        let root = self.root().await?;
        self.walk_steps(|nodes| find(root.as_ref(), path, nodes)).await
    }

    /// What is at `path`, which must be there.
    pub(crate) async fn found(&self, path: &RemotePath) -> Result<Found, OperationError> {
        match self.find(path).await? {
            Found::Missing(_) => Err(EditError::NotFound(path.clone()).into()),
            Found::NotDirectory(_) => Err(EditError::NotDirectory(path.clone()).into()),
            found => Ok(found),
        }
    }

    /// The entries of a folder that was found.
    pub(crate) async fn children(&self, found: &Found) -> Result<Vec<Arc<Entry>>, OperationError> {
        let directory = match found {
            Found::Entry(entry) => DirectoryRef::of(entry),
            _ => self.root().await?.as_ref().map(DirectoryRef::root),
        };
        match directory {
            None => Ok(Vec::new()),
            Some(directory) => self.walk_steps(|nodes| -> Result<Step<_>, _> { list(&directory, nodes) }).await,
        }
    }

    /// `to`, or the place in it when it is a folder.
    async fn place_for(&self, from: &RemotePath, to: &RemotePath) -> Result<RemotePath, OperationError> {
        let is_directory = match self.find(to).await? {
            Found::Root => true,
            Found::Entry(entry) => matches!(entry.content, EntryContent::Directory { .. }),
            _ => false,
        };
        match (is_directory, from.split()) {
            (true, Some((_, name))) => Ok(to.join(name)),
            _ => Ok(to.clone()),
        }
    }

    /// Commits edits that bring no content.
    async fn change(&self, edits: Vec<Edit>, parents: MissingParents) -> Result<(), OperationError> {
        let reservation = Reservation::new(make_upload_id());
        let committed = self.commit_edits(&edits, parents, Vec::new(), &reservation).await?;
        for Conflict { path, copy } in committed.conflicts {
            self.notify(&Notice::Conflict { path, copy });
        }
        self.tidy_upload(reservation.upload()).await?;
        self.clear_nodes().await
    }
}

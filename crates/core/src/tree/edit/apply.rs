//! One edit at a time.

use std::sync::Arc;

use super::copy::copy;
use super::{Before, Conflict, Edit, EditError, MissingParents, Rules};
use crate::crypto::random::Random;
use crate::tree::dirty::{Blocked, DirtyDirectory, DirtyTree};
use crate::tree::merge::ConflictNaming;
use crate::tree::merge::conflict::conflict_name;
use crate::tree::name::{DEPTH_MAX, EntryName, RemotePath};
use crate::tree::node::{Attributes, Entry, EntryContent, MODE_BITS, NodeId, TARGET_MAX};
use crate::tree::opened::DirtyEntry;
use crate::tree::store::{NodeSource, ReadTreeError, Stop};

pub(super) struct Editor<'a> {
    pub(super) tree: &'a mut DirtyTree,
    pub(super) rules: Rules<'a>,
    pub(super) source: &'a dyn NodeSource,
    pub(super) random: &'a mut dyn Random,
    pub(super) conflicts: &'a mut Vec<Conflict>,
}

impl Editor<'_> {
    pub(super) fn apply(&mut self, edit: &Edit) -> Result<(), Stop<EditError>> {
        match edit {
            Edit::PutFile { path, attributes, size, version, id, before } => {
                let content = EntryContent::File { size: *size, version: version.duplicate() };
                self.put(path, *attributes, (*id, content), before)
            }
            Edit::PutSymlink { path, attributes, target, before } => {
                if target.is_empty() || target.len() > TARGET_MAX || target.contains(&0) {
                    return Err(Stop::Fail(EditError::Unrepresentable(path.clone())));
                }
                let id = NodeId::make(self.random);
                self.put(path, *attributes, (id, EntryContent::Symlink { target: target.clone() }), before)
            }
            Edit::MakeDirectory { path, attributes } => self.make_directory(path, *attributes),
            Edit::Remove { path, recursive } => self.remove(path, *recursive),
            Edit::Move { from, to, replace } => self.rename(from, to, *replace),
            Edit::Copy { from, to } => self.copy(from, to),
            Edit::SetAttributes { path, attributes, before } => {
                check_mode(path, *attributes)?;
                let (source, (directory, name)) = (self.source, self.parent(path)?);
                if !before.is(directory.entry(name, source)?.ok_or_else(|| not_found(path))?) {
                    return Ok(());
                }
                let entry = directory.take(name, source)?.ok_or_else(|| not_found(path))?;
                directory.put(name, entry.with_attributes(*attributes), source)
            }
            Edit::MoveRecord { path, from, version } => self.move_record(path, from, version),
            Edit::Reseal { path } => self.reseal(path),
        }
    }

    fn put(
        &mut self,
        path: &RemotePath,
        attributes: Attributes,
        (id, content): (NodeId, EntryContent),
        before: &Before,
    ) -> Result<(), Stop<EditError>> {
        check_mode(path, attributes)?;
        let (source, naming) = (self.source, self.rules.naming);
        let (directory, name) = self.made_parent(path)?;
        let mut entry = Entry { id, name: name.clone(), attributes, content };
        match directory.entry(name, source)? {
            Some(old) if old.is_directory() => {
                return Err(Stop::Fail(EditError::IsDirectory(path.clone())));
            }
            Some(old) if before.is(old) => entry.id = old.id(),
            // Put before, by this device or another one that went on with it.
            Some(old) if is_put_already(old, &entry) => return Ok(()),
            Some(_) => {
                let Some(free) = free_beside(directory, naming, &entry, source)? else {
                    return Ok(());
                };
                let copy = path.split().map(|(parent, _)| parent).unwrap_or_default().join(&free);
                entry.name = free;
                let name = entry.name.clone();
                directory.put::<EditError>(&name, DirtyEntry::Kept(Arc::new(entry)), source)?;
                self.conflicts.push(Conflict { path: path.clone(), copy });
                return Ok(());
            }
            None => check_collision(directory, path, name, source)?,
        }
        directory.put(name, DirtyEntry::Kept(Arc::new(entry)), source)
    }

    fn make_directory(&mut self, path: &RemotePath, attributes: Attributes) -> Result<(), Stop<EditError>> {
        check_mode(path, attributes)?;
        let (source, parents) = (self.source, self.rules.parents);
        if path.is_root() && parents != MissingParents::Refuse {
            return Ok(());
        }
        let id = NodeId::make(self.random);
        let (directory, name) = self.made_parent(path)?;
        match directory.entry(name, source)? {
            Some(old) if old.is_directory() && parents != MissingParents::Refuse => Ok(()),
            Some(_) => Err(Stop::Fail(EditError::Exists(path.clone()))),
            None => {
                check_collision(directory, path, name, source)?;
                let new = DirtyDirectory::empty(id, attributes);
                directory.put(name, DirtyEntry::Directory(Box::new(new)), source)
            }
        }
    }

    fn remove(&mut self, path: &RemotePath, recursive: bool) -> Result<(), Stop<EditError>> {
        let (source, (directory, name)) = (self.source, self.parent(path)?);
        if !recursive
            && let Some(DirtyEntry::Directory(below)) = directory.list_for(name, source)?.entry_mut(name)
            && !below.is_empty(source)?
        {
            return Err(Stop::Fail(EditError::NotEmpty(path.clone())));
        }
        directory.take(name, source)?.ok_or_else(|| not_found(path))?;
        Ok(())
    }

    fn rename(&mut self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<(), Stop<EditError>> {
        let source = self.source;
        let (directory, name) = self.parent(from)?;
        let is_directory = directory.entry(name, source)?.ok_or_else(|| not_found(from))?.is_directory();
        if from == to {
            return Ok(());
        }
        if from.contains(to) && is_directory {
            return Err(Stop::Fail(EditError::IntoItself { from: from.clone(), to: to.clone() }));
        }
        let moved = directory.take(name, source)?.ok_or_else(|| not_found(from))?;
        let (directory, name) = self.made_parent(to)?;
        match directory.entry(name, source)? {
            None => check_collision(directory, to, name, source)?,
            Some(old) if old.is_directory() && replace => {
                return Err(Stop::Fail(EditError::IsDirectory(to.clone())));
            }
            Some(_) if replace && !is_directory => {}
            Some(_) => return Err(Stop::Fail(EditError::Exists(to.clone()))),
        }
        directory.put(name, moved, source)
    }

    fn copy(&mut self, from: &RemotePath, to: &RemotePath) -> Result<(), Stop<EditError>> {
        let source = self.source;
        let (directory, name) = parent_of(self.tree, from, source)?;
        let entry = directory.entry(name, source)?.ok_or_else(|| not_found(from))?;
        if from.contains(to) && entry.is_directory() && from != to {
            return Err(Stop::Fail(EditError::IntoItself { from: from.clone(), to: to.clone() }));
        }
        let copied = copy(entry, to.names().len(), source, self.random).map_err(|stop| match stop {
            // What is copied is no deeper than a tree may be: it is where it goes that makes it so.
            Stop::Fail(EditError::Read(ReadTreeError::TooDeep)) => Stop::Fail(EditError::TooDeep(to.clone())),
            other => other,
        })?;
        let (directory, name) = self.made_parent(to)?;
        if directory.entry(name, source)?.is_some() {
            return Err(Stop::Fail(EditError::Exists(to.clone())));
        }
        check_collision(directory, to, name, source)?;
        directory.put(name, copied, source)
    }

    /// The directory that `path` is in, which must be there, and the name in it.
    pub(super) fn parent<'p>(
        &mut self,
        path: &'p RemotePath,
    ) -> Result<(&mut DirtyDirectory, &'p EntryName), Stop<EditError>> {
        parent_of(self.tree, path, self.source)
    }

    /// The directory that `path` is in, made with those above it when that is asked for.
    fn made_parent<'p>(
        &mut self,
        path: &'p RemotePath,
    ) -> Result<(&mut DirtyDirectory, &'p EntryName), Stop<EditError>> {
        if path.names().len() > DEPTH_MAX {
            return Err(Stop::Fail(EditError::TooDeep(path.clone())));
        }
        if let MissingParents::Create(attributes) = self.rules.parents {
            let above = path.names().split_last().map(|(_, above)| above).unwrap_or_default();
            let mut directory = &mut self.tree.root;
            for (index, name) in above.iter().enumerate() {
                if directory.entry(name, self.source)?.is_none() {
                    check_mode(&prefix(path, index), attributes)?;
                    check_collision(directory, &prefix(path, index), name, self.source)?;
                    let new = DirtyDirectory::empty(NodeId::make(self.random), attributes);
                    directory.put(name, DirtyEntry::Directory(Box::new(new)), self.source)?;
                }
                directory = match directory.list_for(name, self.source)?.entry_mut(name) {
                    Some(DirtyEntry::Directory(below)) => below,
                    _ => return Err(Stop::Fail(EditError::NotDirectory(prefix(path, index)))),
                };
            }
        }
        parent_of(self.tree, path, self.source)
    }
}

/// Whether `there` is what an edit that puts `own` made. One version of two lengths or times was sealed twice, of two contents:
/// neither is the other.
fn is_put_already(there: &DirtyEntry, own: &Entry) -> bool {
    let DirtyEntry::Kept(kept) = there else {
        return false;
    };
    let same_content = match (&kept.content, &own.content) {
        (EntryContent::File { size: there, .. }, EntryContent::File { size, .. }) => {
            there == size && kept.attributes.mtime == own.attributes.mtime
        }
        _ => true,
    };
    same_content && Before::of(Some(own)).is(there)
}

/// The first conflict name of `own` that is free; `None` when it stands under one of them already.
fn free_beside(
    directory: &mut DirtyDirectory,
    naming: ConflictNaming<'_>,
    own: &Entry,
    source: &dyn NodeSource,
) -> Result<Option<EntryName>, Stop<EditError>> {
    let mut counter = 1_usize;
    loop {
        let free = conflict_name(&own.name, naming, counter);
        let there = directory.entry::<EditError>(&free, source)?;
        match there.map(|there| is_put_already(there, own)) {
            Some(true) => return Ok(None),
            None if directory.collision::<EditError>(&free, source)?.is_none() => return Ok(Some(free)),
            Some(false) | None => {}
        }
        counter = counter.saturating_add(1);
    }
}

fn parent_of<'t, 'p>(
    tree: &'t mut DirtyTree,
    path: &'p RemotePath,
    source: &dyn NodeSource,
) -> Result<(&'t mut DirtyDirectory, &'p EntryName), Stop<EditError>> {
    let (name, above) = path.names().split_last().ok_or(Stop::Fail(EditError::Root))?;
    match tree.directory(above, source) {
        Ok(directory) => Ok((directory, name)),
        Err(Stop::Need(wanted)) => Err(Stop::Need(wanted)),
        Err(Stop::Fail(Blocked::Read(error))) => Err(Stop::Fail(error.into())),
        Err(Stop::Fail(Blocked::Missing(index))) => Err(Stop::Fail(EditError::NotFound(prefix(path, index)))),
        Err(Stop::Fail(Blocked::NotDirectory(index))) => Err(Stop::Fail(EditError::NotDirectory(prefix(path, index)))),
    }
}

/// The path down to its component `last`, from 0.
fn prefix(path: &RemotePath, last: usize) -> RemotePath {
    path.names().iter().take(last.saturating_add(1)).cloned().collect::<Vec<_>>().into()
}

fn not_found(path: &RemotePath) -> Stop<EditError> {
    Stop::Fail(EditError::NotFound(path.clone()))
}

fn check_mode(path: &RemotePath, attributes: Attributes) -> Result<(), Stop<EditError>> {
    if attributes.mode & !MODE_BITS == 0 { Ok(()) } else { Err(Stop::Fail(EditError::Unrepresentable(path.clone()))) }
}

fn check_collision(
    directory: &mut DirtyDirectory,
    path: &RemotePath,
    name: &EntryName,
    source: &dyn NodeSource,
) -> Result<(), Stop<EditError>> {
    match directory.collision::<EditError>(name, source)? {
        None => Ok(()),
        Some(existing) => Err(Stop::Fail(EditError::NameCollision { path: path.clone(), existing })),
    }
}

//! What would be new in the tree, put there without content: which of it the tree refuses, and why.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anonicloud_core::tree::edit::{Before, Edit, MissingParents, Rules, apply};
use anonicloud_core::tree::merge::ConflictNaming;
use anonicloud_core::tree::name::RemotePath;
use anonicloud_core::tree::node::Attributes;

use crate::client::Client;
use crate::error::OperationError;
use crate::local::scan::{LocalEntry, LocalKind, Skipped};
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::upload::{path_of, refused_by};

/// Stands for content, which a name that is refused never gets.
const NO_CONTENT: &[u8] = b".";
/// Of folders that nobody named.
const PARENT: Attributes = Attributes { mtime: 0, mode: 0o700 };

/// Entries that are not there yet, as edits, folders first.
#[derive(Default)]
pub(super) struct Newcomers {
    folders: Vec<(PathBuf, Edit)>,
    others: Vec<(PathBuf, Edit)>,
}

impl Newcomers {
    /// Adds an entry for which nothing is there.
    pub(super) fn add(&mut self, entry: &LocalEntry) {
        let (path, attributes) = (entry.remote.clone(), entry.attributes);
        if entry.kind == LocalKind::Directory {
            self.folders.push((entry.local.clone(), Edit::MakeDirectory { path, attributes }));
        } else {
            let target = match &entry.kind {
                LocalKind::Symlink(target) => target.clone(),
                _ => NO_CONTENT.to_vec(),
            };
            let edit = Edit::PutSymlink { path, attributes, target, before: Before::of(None) };
            self.others.push((entry.local.clone(), edit));
        }
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// What the tree would refuse, as a commit of an upload leaves it out.
    pub(super) async fn refused_of(&self, new: Newcomers) -> Result<BTreeMap<RemotePath, Skipped>, OperationError> {
        let Newcomers { mut folders, others } = new;
        folders.extend(others);
        let (mut locals, mut edits): (Vec<_>, Vec<_>) = folders.into_iter().unzip();
        let root = self.root().await?;
        let naming = ConflictNaming { device: "", date: "" };
        let rules = Rules { parents: MissingParents::Create(PARENT), naming };
        let mut refused = BTreeMap::new();
        while !edits.is_empty() {
            let applied = self.walk_steps(|nodes| apply(root.as_ref(), &edits, rules, nodes, &mut SystemRandom)).await;
            let Err(OperationError::Tree(error)) = applied else {
                applied?;
                break;
            };
            let Some((at, code)) = refused_by(&error) else {
                return Err(error.into());
            };
            let before = refused.len();
            for (local, edit) in std::mem::take(&mut locals).into_iter().zip(std::mem::take(&mut edits)) {
                if let Some(path) = path_of(&edit).filter(|path| at.contains(path)).cloned() {
                    refused.insert(path, Skipped::refused(local, code, &error));
                } else {
                    locals.push(local);
                    edits.push(edit);
                }
            }
            if refused.len() == before {
                return Err(error.into());
            }
        }
        Ok(refused)
    }
}

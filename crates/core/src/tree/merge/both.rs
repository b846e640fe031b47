//! What both sides changed since base, as deep as the merge needs it.

use std::collections::HashMap;

use super::MergeInput;
use super::changes::{Changes, Seen, same_content};
use crate::tree::name::DEPTH_MAX;
use crate::tree::node::NodeId;
use crate::tree::store::{Fetch, NodeSource, ReadTreeError, Stop};

/// What both sides changed.
#[derive(Debug, Default)]
pub(super) struct BothChanges {
    pub(super) ours: Changes,
    pub(super) theirs: Changes,
    /// New directories of ours that become one with a directory of theirs.
    twins: HashMap<NodeId, NodeId>,
}

impl BothChanges {
    /// Compares both sides with base as deep as the merge needs it.
    pub(super) fn of(input: MergeInput<'_>, source: &dyn NodeSource) -> Result<Self, Stop<ReadTreeError>> {
        let [base, ours, theirs] = [input.base, input.ours, input.theirs].map(|root| root.map(|root| &root.child));
        let mut fetch = Fetch::new(source);
        let mut both = Self::default();
        both.ours.compare(NodeId::ROOT, base, ours, &mut fetch)?;
        both.theirs.compare(NodeId::ROOT, base, theirs, &mut fetch)?;
        fetch.finish()?;
        // Each round goes a level down somewhere, on one of four ways.
        for _ in 0..DEPTH_MAX.saturating_mul(4) {
            let mut went_on = both.ours.follow(&mut fetch)? | both.theirs.follow(&mut fetch)?;
            if !went_on {
                let (ours, theirs) = (&mut both.ours, &mut both.theirs);
                went_on = ours.list_added(theirs, &mut fetch)?
                    | theirs.list_added(ours, &mut fetch)?
                    | both.list_twins(&mut fetch)?;
            }
            if !went_on {
                let (ours, theirs) = (&mut both.ours, &mut both.theirs);
                went_on = ours.list_removed(theirs, &mut fetch)? | theirs.list_removed(ours, &mut fetch)?;
            }
            fetch.finish()?;
            if !went_on {
                return Ok(both);
            }
        }
        Err(ReadTreeError::TooDeep.into())
    }

    /// How base had it.
    pub(super) fn base(&self, id: NodeId) -> Option<&Seen> {
        self.ours.before.get(&id).or_else(|| self.theirs.before.get(&id))
    }

    /// How theirs has it.
    pub(super) fn theirs(&self, id: NodeId) -> Option<&Seen> {
        if self.theirs.knows(id) { self.theirs.after.get(&id) } else { self.ours.before.get(&id) }
    }

    /// How ours has it.
    pub(super) fn ours(&self, id: NodeId) -> Option<&Seen> {
        if self.ours.knows(id) { self.ours.after.get(&id) } else { self.theirs.before.get(&id) }
    }

    /// Lists directories that ours added and that will be one with a directory of theirs: by their id, or by their name in one directory.
    fn list_twins(&mut self, fetch: &mut Fetch<'_>) -> Result<bool, ReadTreeError> {
        let key = |seen: &Seen| (seen.parent, seen.entry.name.collision_key().into_owned());
        let directories = self.theirs.after.values().filter(|seen| seen.child().is_some());
        let by_name: HashMap<_, _> = directories.map(|seen| (key(seen), seen.entry.id)).collect();
        let mut pairs = Vec::new();
        for seen in self.ours.added() {
            let (parent, name) = key(seen);
            let parent = self.twins.get(&parent).copied().unwrap_or(parent);
            let same_id = self.theirs.after.get(&seen.entry.id);
            if let Some(other) = same_id {
                if other.child().is_some() && !same_content(&other.entry.content, &seen.entry.content) {
                    pairs.push((seen.entry.id, seen.entry.id));
                }
            } else if let Some(other) = by_name.get(&(parent, name)) {
                pairs.push((seen.entry.id, *other));
            }
        }
        let mut went_on = false;
        for (ours, theirs) in pairs {
            went_on |= self.twins.insert(ours, theirs).is_none() | self.ours.list_after(ours, fetch)?;
            if !self.theirs.before.contains_key(&theirs) {
                went_on |= self.theirs.list_after(theirs, fetch)?;
            }
        }
        Ok(went_on)
    }
}

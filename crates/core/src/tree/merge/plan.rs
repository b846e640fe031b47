//! What becomes of each entry that ours changed: a table by node id, before anything is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::both::BothChanges;
use super::changes::{Changes, Seen, same_content};
use crate::tree::name::{DEPTH_MAX, EntryName};
use crate::tree::node::{Attributes, Entry, EntryContent, NodeId};

/// Where an entry goes, and what it is then.
#[derive(Debug)]
pub(super) struct Attach {
    pub(super) parent: NodeId,
    pub(super) name: EntryName,
    pub(super) what: What,
}

/// What is put somewhere.
#[derive(Debug)]
pub(super) enum What {
    /// What theirs has, taken from its place, with these attributes and, if ours changed it, our content.
    Taken(Attributes, Option<Arc<Entry>>),
    /// An entry that theirs does not have, with all below it.
    Brought(Arc<Entry>),
    /// A directory that theirs does not have; what is in it is put there one by one.
    Made(Attributes),
}

/// The plan of a merge.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Taken out of theirs, to be put elsewhere or not at all.
    pub(super) taken: BTreeSet<NodeId>,
    pub(super) attached: BTreeMap<NodeId, Attach>,
    /// Directories that ours removed and theirs touched: gone unless something is left in them.
    pub(super) removed_if_empty: BTreeSet<NodeId>,
    /// Files that both sides changed: ours, to be put beside theirs.
    pub(super) copies: BTreeMap<NodeId, Seen>,
    /// Directories whose move was refused.
    pub(super) refused: BTreeSet<NodeId>,
}

impl Plan {
    pub(super) fn of(both: &BothChanges) -> Self {
        let mut plan = Self::default();
        let known: BTreeSet<_> = both.ours.before.keys().chain(both.ours.after.keys()).copied().collect();
        for id in known {
            plan.decide(id, both);
        }
        for (id, before) in &both.theirs.before {
            // Removed with a directory that ours moved: it comes back with it.
            let is_ours = both.ours.before.contains_key(id) || both.ours.after.contains_key(id);
            if !is_ours && is_removal_void(*id, &both.theirs, &both.ours) {
                plan.bring(before, both.theirs.listed_before.contains(id));
            }
        }
        plan.make_parents(both);
        plan.refuse_cycles(both);
        plan
    }

    fn decide(&mut self, id: NodeId, both: &BothChanges) {
        let before = both.base(id);
        match (before, both.ours.after.get(&id), both.theirs(id)) {
            (_, None, None) | (None, None, Some(_)) => {}
            (Some(before), None, Some(theirs)) => self.decide_removal(id, before, theirs, both),
            (None, Some(ours), None) => self.bring(ours, both.ours.listed_after.contains(&id)),
            (Some(before), Some(ours), None) => {
                let is_void = is_removal_void(id, &both.theirs, &both.ours);
                let is_moved = !before.same_place(ours) || before.entry.attributes != ours.entry.attributes;
                let is_directory = ours.entry.content.is_directory();
                // A directory in which ours changed something comes back when that is put there.
                if is_void || is_moved || (!is_directory && !before.same(ours)) {
                    self.bring(ours, both.theirs.listed_before.contains(&id));
                }
            }
            (None, Some(ours), Some(theirs)) => {
                if !ours.entry.content.is_directory() && !same_content(&ours.entry.content, &theirs.entry.content) {
                    self.copies.insert(id, ours.clone());
                }
            }
            (Some(before), Some(ours), Some(theirs)) => {
                self.decide_change(id, before, ours, theirs);
            }
        }
    }

    fn decide_removal(&mut self, id: NodeId, before: &Seen, theirs: &Seen, both: &BothChanges) {
        if is_removal_void(id, &both.ours, &both.theirs) {
            return;
        }
        if before.same(theirs) {
            self.taken.insert(id);
        } else if theirs.entry.content.is_directory()
            && before.same_place(theirs)
            && before.entry.attributes == theirs.entry.attributes
        {
            self.removed_if_empty.insert(id);
        }
    }

    fn decide_change(&mut self, id: NodeId, before: &Seen, ours: &Seen, theirs: &Seen) {
        let moves = !before.same_place(ours) && before.same_place(theirs);
        let place = if moves { ours } else { theirs };
        let (was, our, their) = (before.entry.attributes, ours.entry.attributes, theirs.entry.attributes);
        let attributes = if our != was && their == was { our } else { their };
        let mut content = None;
        let changed = |side: &Seen| !same_content(&before.entry.content, &side.entry.content);
        if !ours.entry.content.is_directory()
            && changed(ours)
            && !same_content(&ours.entry.content, &theirs.entry.content)
        {
            if theirs.entry.content.is_directory() || changed(theirs) {
                self.copies.insert(id, ours.clone());
            } else {
                content = Some(Arc::clone(&ours.entry));
            }
        }
        if moves || attributes != their || content.is_some() {
            self.taken.insert(id);
            let what = What::Taken(attributes, content);
            self.attached.insert(id, Attach { parent: place.parent, name: place.entry.name.clone(), what });
        }
    }

    /// Puts an entry that theirs does not have where it is in `seen`.
    fn bring(&mut self, seen: &Seen, one_by_one: bool) {
        let what = match &seen.entry.content {
            EntryContent::Directory { .. } if one_by_one => What::Made(seen.entry.attributes),
            _ => What::Brought(Arc::clone(&seen.entry)),
        };
        let attach = Attach { parent: seen.parent, name: seen.entry.name.clone(), what };
        self.attached.insert(seen.entry.id, attach);
    }

    /// Adds the directories that something is put into and that theirs does not have.
    fn make_parents(&mut self, both: &BothChanges) {
        let mut open: Vec<_> = self.attached.values().map(|attach| attach.parent).collect();
        while let Some(parent) = open.pop() {
            let is_there =
                parent == NodeId::ROOT || self.attached.contains_key(&parent) || both.theirs(parent).is_some();
            if let (false, Some(ours)) = (is_there, both.ours(parent)) {
                self.bring(ours, true);
                open.push(ours.parent);
            }
        }
    }

    /// Leaves directories where theirs has them, when our move would put them under themselves.
    fn refuse_cycles(&mut self, both: &BothChanges) {
        let moved: Vec<_> = self
            .attached
            .iter()
            .filter(|(_, attach)| matches!(attach.what, What::Taken(..)))
            .map(|(id, _)| *id)
            .collect();
        let mut went_on = true;
        while went_on {
            went_on = false;
            for id in &moved {
                let (Some(theirs), true) = (both.theirs(*id), self.is_under_itself(*id, both)) else {
                    continue;
                };
                let Some(attach) = self.attached.get_mut(id) else {
                    continue;
                };
                if attach.parent == theirs.parent {
                    continue;
                }
                attach.parent = theirs.parent;
                attach.name = theirs.entry.name.clone();
                self.refused.insert(*id);
                self.keep_above(*id, both);
                went_on = true;
            }
        }
    }

    /// Keeps the directories that an entry stays in, although ours removed them.
    fn keep_above(&mut self, id: NodeId, both: &BothChanges) {
        let mut at = id;
        for _ in 0..DEPTH_MAX {
            let Some(seen) = both.theirs(at) else { return };
            at = seen.parent;
            if !self.attached.contains_key(&at) && self.taken.remove(&at) {
                self.removed_if_empty.insert(at);
            }
        }
    }

    /// The directory that an entry is in when the plan is done.
    pub(super) fn parent(&self, id: NodeId, both: &BothChanges) -> Option<NodeId> {
        match self.attached.get(&id) {
            Some(attach) => Some(attach.parent),
            None => both.theirs(id).map(|seen| seen.parent),
        }
    }

    fn is_under_itself(&self, id: NodeId, both: &BothChanges) -> bool {
        let above = core::iter::successors(self.parent(id, both), |above| self.parent(*above, both));
        above.take(DEPTH_MAX.saturating_mul(2)).any(|above| above == id)
    }

    /// How many directories are above an entry when the plan is done.
    pub(super) fn depth(&self, id: NodeId, both: &BothChanges) -> usize {
        let above = core::iter::successors(self.parent(id, both), |above| self.parent(*above, both));
        above.take(DEPTH_MAX.saturating_mul(2)).count()
    }
}

/// Whether `remover` removed an entry, but only with a directory that `other` moved: then it stays in that directory.
fn is_removal_void(id: NodeId, remover: &Changes, other: &Changes) -> bool {
    let mut at = id;
    for _ in 0..DEPTH_MAX {
        let Some(before) = remover.before.get(&at).filter(|_| !remover.after.contains_key(&at)) else {
            return false;
        };
        let moved =
            other.before.get(&at).zip(other.after.get(&at)).is_some_and(|(before, after)| !before.same_place(after));
        if moved && before.entry.content.is_directory() {
            return true;
        }
        at = before.parent;
    }
    false
}

//! The commits as they are, whatever a server says of them: what the properties are measured by.

use crate::state::{Change, Commit, CommitId, State};
use crate::tree::{Tree, Version, Versions};

impl State {
    pub(crate) fn commit(&self, id: CommitId) -> &Commit {
        self.commits.get(usize::from(id)).expect("every number that is passed around is one of a commit")
    }

    /// A commit and all before it, the newest first.
    pub(crate) fn chain(&self, from: CommitId) -> impl Iterator<Item = CommitId> + '_ {
        std::iter::successors(Some(from), |id| self.commit(*id).parent)
    }

    /// Whether `later` is `earlier`, or comes after it.
    pub(crate) fn follows(&self, later: CommitId, earlier: CommitId) -> bool {
        self.chain(later).any(|id| id == earlier)
    }

    /// Whether two commits are of one history.
    pub(crate) fn are_of_one_history(&self, one: CommitId, other: CommitId) -> bool {
        self.follows(one, other) || self.follows(other, one)
    }

    /// Whether `head` as the newest commit, or the log that ends with `log`, excludes `seen` or one another: the table of the
    /// spec (3-spaces, "Freshness"), said without the steps of a reader.
    pub(crate) fn contradicts(&self, seen: CommitId, head: CommitId, log: CommitId) -> bool {
        let (known, shown, last) = (self.commit(seen).seq, self.commit(head), self.commit(log).seq);
        if shown.seq <= known {
            return head != seen;
        }
        let is_forked = shown.seq == known + 1 && shown.parent != Some(seen);
        let is_log_forked = last > known && !self.follows(log, seen);
        is_forked || is_log_forked || (last >= shown.seq && !self.follows(log, head))
    }

    /// The version before `version` in the history of `head`.
    pub(crate) fn predecessor(&self, head: CommitId, version: Version) -> Option<Version> {
        let put = self.chain(head).map(|id| self.commit(id).change).find(|change| change.put == Some(version));
        put.and_then(|change| change.predecessor)
    }

    /// Whether the history of `head` put `version`.
    pub(crate) fn has_put(&self, head: CommitId, version: Version) -> bool {
        self.chain(head).any(|id| self.commit(id).change.put == Some(version))
    }

    /// Whether the tree of `head` lacks a version that its history put and no operation took out since.
    pub(crate) fn loses(&self, head: CommitId) -> bool {
        let tree = &self.commit(head).tree;
        let mut taken = Versions::default();
        self.chain(head).map(|id| self.commit(id).change).any(|change| {
            let is_lost = change.put.is_some_and(|version| !tree.has(version) && !taken.has(version));
            taken = taken.and(change.takes);
            is_lost
        })
    }

    /// Adds a commit on top of `parent`. Commits are numbered by what they are, not by when they came, so that orders of events
    /// that come to the same are one state: the later numbers go up by one, wherever they stand.
    pub(crate) fn append(&mut self, parent: CommitId, tree: Tree, change: Change) -> CommitId {
        let commit = Commit { seq: self.commit(parent).seq + 1, parent: Some(parent), tree, change };
        let place = self.commits.partition_point(|other| *other <= commit);
        let id = CommitId::try_from(place).expect("a run has fewer commits than a byte counts");
        self.commits.insert(place, commit);
        let parents = self.commits.iter_mut().flat_map(|commit| &mut commit.parent);
        let devices = self.devices.iter_mut();
        let known =
            devices.flat_map(|device| [&mut device.mark, &mut device.head, &mut device.seen].into_iter().flatten());
        for number in parents.chain(known).chain([&mut self.head]).filter(|number| **number >= id) {
            *number += 1;
        }
        id
    }
}

//! Three-way merge of trees: a pure function of base, ours and theirs, by node id and name (spec: 3-spaces, "Merge").

mod apply;
mod arrive;
mod both;
mod changes;
pub(super) mod conflict;
mod plan;

use apply::Merger;
use both::BothChanges;
use plan::Plan;

use super::dirty::DirtyTree;
use super::name::RemotePath;
use super::node::TreeRoot;
use super::store::{NodeSource, ReadTreeError, Step, step};

/// The three trees of a merge; `None` is the empty tree.
#[derive(Debug, Clone, Copy)]
pub struct MergeInput<'a> {
    /// The tree that both sides began with.
    pub base: Option<&'a TreeRoot>,
    /// The tree that lost the compare-and-swap.
    pub ours: Option<&'a TreeRoot>,
    /// The tree at the head.
    pub theirs: Option<&'a TreeRoot>,
}

/// What the name of a conflict copy tells.
#[derive(Debug, Clone, Copy)]
pub struct ConflictNaming<'a> {
    /// The device that ours was made on.
    pub device: &'a str,
    /// The day, `YYYY-MM-DD`.
    pub date: &'a str,
}

/// A merged tree: theirs, with what ours changed.
#[derive(Debug)]
pub struct Merged {
    /// The tree, not sealed yet.
    pub tree: DirtyTree,
    /// What a person should hear about.
    pub notes: Vec<MergeNote>,
}

/// Something that did not merge by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeNote {
    /// Both sides changed it, or put different things under one name: ours is beside theirs under another name.
    Conflict {
        /// The path theirs has.
        path: RemotePath,
        /// The path of ours.
        copy: RemotePath,
    },
    /// We moved a directory into one that they moved into it: it stays where theirs has it.
    MoveRefused {
        /// Where it is.
        path: RemotePath,
    },
}

/// Merges what ours changed since base into theirs. Where both changed the same, theirs keeps its name and place.
///
/// # Errors
/// [`ReadTreeError`] when one of the trees breaks the format.
pub fn merge(
    input: MergeInput<'_>,
    naming: ConflictNaming<'_>,
    source: &dyn NodeSource,
) -> Result<Step<Merged>, ReadTreeError> {
    let [base, ours, theirs] = [input.base, input.ours, input.theirs].map(|root| root.map(|root| root.child.hash));
    if ours == base || ours == theirs {
        return Ok(Step::Done(Merged { tree: DirtyTree::open(input.theirs), notes: Vec::new() }));
    }
    if theirs == base {
        return Ok(Step::Done(Merged { tree: DirtyTree::open(input.ours), notes: Vec::new() }));
    }
    step(BothChanges::of(input, source).and_then(|both| {
        let plan = Plan::of(&both);
        Merger::new(&both, plan, input, naming, source).run()
    }))
}

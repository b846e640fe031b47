//! Merges of random trees and edits: what must hold for all.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::memory::{Memory, PLAIN, make_directory, path_of, put, remove, rename, what};
use super::merges::merged;
use crate::tree::edit::{Edit, MissingParents};
use crate::tree::merge::MergeNote;
use crate::tree::name::RemotePath;
use crate::tree::node::{NodeId, TreeRoot};

#[derive(Debug, Clone)]
enum Act {
    Put(Vec<u8>),
    Make(Vec<u8>),
    Remove(Vec<u8>),
    Move(Vec<u8>, Vec<u8>),
    Copy(Vec<u8>, Vec<u8>),
}

fn any_path() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0_u8..3, 1..4)
}

fn any_acts(most: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => any_path().prop_map(Act::Put),
        1 => any_path().prop_map(Act::Make),
        2 => any_path().prop_map(Act::Remove),
        4 => (any_path(), any_path()).prop_map(|(from, to)| Act::Move(from, to)),
        1 => (any_path(), any_path()).prop_map(|(from, to)| Act::Copy(from, to)),
    ];
    prop::collection::vec(act, 0..most)
}

/// Does what can be done of `acts`; versions are numbered from `number`.
fn perform(store: &mut Memory, root: Option<&TreeRoot>, acts: &[Act], mut number: u8) -> Option<TreeRoot> {
    let mut root = root.map(TreeRoot::duplicate);
    let path =
        |names: &[u8]| names.iter().map(|name| format!("/{}", char::from(b'a' + name))).collect::<Vec<_>>().concat();
    for act in acts {
        number += 1;
        let edit = match act {
            Act::Put(at) => put(&path(at), number, &mut store.random),
            Act::Make(at) => make_directory(&path(at)),
            Act::Remove(at) => remove(&path(at)),
            Act::Move(from, to) => rename(&path(from), &path(to)),
            Act::Copy(from, to) => Edit::Copy { from: path_of(&path(from)), to: path_of(&path(to)) },
        };
        if let Ok(next) = store.try_edit(root.as_ref(), &[edit], MissingParents::Create(PLAIN)) {
            root = next;
        }
    }
    root
}

type Leaves = HashMap<NodeId, (RemotePath, String)>;

fn leaves(store: &mut Memory, root: Option<&TreeRoot>) -> Leaves {
    let all = store.walk(root).into_iter();
    all.map(|(path, entry)| (entry.id, (path, what(&entry)))).collect()
}

/// What `side` has and may not be lost: everything new or changed in it, and all that `other` did not remove or change.
fn owed(base: &Leaves, side: &Leaves, other: &Leaves) -> BTreeSet<String> {
    let is_owed = |(id, (path, what)): &(&NodeId, &(RemotePath, String))| match base.get(*id) {
        Some((was_at, was)) if was == what => match other.get(*id) {
            Some((_, theirs)) => theirs == what,
            None => {
                // Renamed or put into another directory: it was touched. A path that changed with a directory above may be that or not.
                was_at.split().map(|(_, name)| name.clone()) != path.split().map(|(_, name)| name.clone())
            }
        },
        _ => true,
    };
    side.iter().filter(|(_, (_, what))| what != "dir").filter(is_owed).map(|(_, (_, what))| what.clone()).collect()
}

fn contents(leaves: &Leaves) -> BTreeSet<String> {
    leaves.values().map(|(_, what)| what.clone()).filter(|what| what != "dir").collect()
}

proptest! {
    #[test]
    fn merges_lose_nothing_commute_and_converge(base in any_acts(12), ours in any_acts(7), theirs in any_acts(7)) {
        let mut store = Memory::new();
        let base = perform(&mut store, None, &base, 0);
        let ours = perform(&mut store, base.as_ref(), &ours, 80);
        let theirs = perform(&mut store, base.as_ref(), &theirs, 160);
        let (base, ours, theirs) = (base.as_ref(), ours.as_ref(), theirs.as_ref());

        let (result, _) = merged(&mut store, base, ours, theirs);
        let all = [base, ours, theirs, result.as_ref()].map(|root| leaves(&mut store, root));
        let [in_base, in_ours, in_theirs, in_result] = &all;
        let has = contents(in_result);
        for (side, other) in [(in_ours, in_theirs), (in_theirs, in_ours)] {
            let lost: Vec<_> = owed(in_base, side, other).difference(&has).cloned().collect();
            prop_assert!(lost.is_empty(), "lost {lost:?} of {side:?} in {in_result:?}");
        }
        for (id, (path, what)) in in_base {
            for (side, other) in [(in_ours, in_theirs), (in_theirs, in_ours)] {
                let above = |leaves: &Leaves| -> Vec<NodeId> {
                    let ids: HashMap<_, _> = leaves.iter().map(|(id, (path, _))| (path, *id)).collect();
                    let mut at = leaves.get(id).map(|(path, _)| path.clone()).unwrap_or_default();
                    core::iter::from_fn(|| { at = at.split()?.0; ids.get(&at).copied() }).collect()
                };
                let untouched = other.get(id) == Some(&(path.clone(), what.clone())) && above(other) == above(in_base);
                if !side.contains_key(id) && untouched && what != "dir" {
                    prop_assert!(!in_result.contains_key(id), "{path} was removed, but is there");
                }
            }
        }

        let (mirrored, _) = merged(&mut store, base, theirs, ours);
        let mirrored = leaves(&mut store, mirrored.as_ref());
        prop_assert_eq!(&has, &contents(&mirrored), "merges do not commute");

        let (again, notes) = merged(&mut store, base, ours, result.as_ref());
        let again = leaves(&mut store, again.as_ref());
        // A directory that ours moved into one that theirs has is gone from the result, as if theirs had removed it: what is
        // restored then is what theirs removed inside.
        let is_joined = |(id, (path, what)): (&NodeId, &(RemotePath, String))| {
            what == "dir" && in_ours.get(id).is_some_and(|(moved, _)| moved != path) && !in_result.contains_key(id)
        };
        if in_base.iter().any(is_joined) {
            prop_assert!(contents(&again).is_superset(&has), "merging ours again loses something");
        } else {
            prop_assert_eq!(&again, in_result, "merging ours again changes something");
            prop_assert!(notes.iter().all(|note| !matches!(note, MergeNote::Conflict { .. })), "{notes:?}");
        }
    }

    #[test]
    fn a_side_without_changes_adds_nothing(base in any_acts(12), other in any_acts(7)) {
        let mut store = Memory::new();
        let base = perform(&mut store, None, &base, 0);
        let other = perform(&mut store, base.as_ref(), &other, 80);
        let (base, other) = (base.as_ref(), other.as_ref());
        let expected = other.map(|root| root.child.hash);
        for (ours, theirs) in [(base, other), (other, base), (other, other)] {
            let (result, notes) = merged(&mut store, base, ours, theirs);
            prop_assert_eq!(result.map(|root| root.child.hash), expected);
            prop_assert!(notes.is_empty());
        }
    }
}

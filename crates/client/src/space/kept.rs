//! What the local state keeps of the tree: the newest root, and nodes by their place. A node counts only while its hash is the
//! one that the root or a node above vouches for.

use std::collections::HashSet;

use anonicloud_core::content::reference::Totals;
use anonicloud_core::space::state::SpaceState;
use anonicloud_core::tree::node::{ChildRef, DirectoryNode, TreeRoot};
use anonicloud_core::tree::store::{PlaceKey, Wanted};
use anonicloud_proto::codec::{Decode as _, DecodeError, Encode as _, Reader, Writer};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::SpaceId;

use super::head::Head;
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, StateError, Table};

/// Where the number of nodes is kept that the last clearing left.
const LEFT_KEY: &[u8] = b"left";
/// Nodes that may come before the first clearing.
const FIRST_CLEARING: usize = 256;

/// The change that keeps a node's piece.
pub(crate) fn keep_node(place: &PlaceKey, hash: &StoredHash, piece: &[u8]) -> StateChange {
    StateChange::put(Table::Nodes, place, [hash.as_bytes(), piece].concat())
}

/// The piece that was kept, if it is the one with this hash.
pub(super) fn piece_of<'r>(row: &'r [u8], hash: &StoredHash) -> Option<&'r [u8]> {
    row.strip_prefix(hash.as_bytes().as_slice())
}

/// The change that keeps the root of the tree that `head` vouches for.
pub(super) fn keep_root(head: &Head) -> StateChange {
    let mut out = Writer::default();
    head.state.valid().encode(&mut out);
    out.u8(u8::from(head.root.is_some()));
    if let Some(root) = &head.root {
        root.totals.encode(&mut out);
        root.child.encode(&mut out);
    }
    StateChange::put(Table::Heads, &root_key(&head.state.space()), out.into_bytes())
}

fn root_key(space: &SpaceId) -> Vec<u8> {
    [b"root".as_slice(), space.as_bytes()].concat()
}

/// The head that `state` has, unless the row is about another one.
fn read_head(row: &[u8], state: &SpaceState) -> Result<Option<Head>, DecodeError> {
    let Some(mut input) = row.strip_prefix(&*state.valid().to_bytes()).map(Reader::new) else {
        return Ok(None);
    };
    let root = match input.u8()? {
        0 => None,
        1 => Some(TreeRoot { totals: Totals::decode(&mut input)?, child: ChildRef::decode(&mut input)? }),
        _ => return Err(DecodeError::UnknownVariant),
    };
    input.finish()?;
    Ok(Some(Head { state: state.clone(), root, signed: None }))
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// The head that `state` has, if the root of its tree is kept.
    pub(super) async fn kept_head(&self, state: &SpaceState) -> Result<Option<Head>, OperationError> {
        let row = self.state().read(Table::Heads, &root_key(&state.space())).await?;
        let head = row.map(|row| read_head(&row, state)).transpose().map_err(|_| StateError::Corrupt)?;
        Ok(head.flatten())
    }

    /// Removes the nodes that are not in the tree any more, once they may be about as many as those that are. What another process
    /// of this device keeps of a newer tree stays.
    pub(crate) async fn clear_nodes(&self) -> Result<(), OperationError> {
        if !self.nodes().take_kept_more() {
            return Ok(());
        }
        let left = self.state().read(Table::Nodes, LEFT_KEY).await?;
        let left = left.and_then(|row| Some(u64::from_le_bytes(row.as_slice().try_into().ok()?)));
        let bound = usize::try_from(left.unwrap_or_default()).unwrap_or_default().saturating_mul(2);
        let kept = self.state().keys(Table::Nodes).await?;
        let bound = bound.saturating_add(FIRST_CLEARING);
        if kept.len() <= bound {
            return Ok(());
        }
        let (newest, seen) = self.kept_state().await?;
        if newest.as_ref() != self.head().borrow().as_ref().map(|head| &head.state) {
            return Ok(());
        }
        let (places, is_known) = self.places_in_tree().await?;
        // Below a folder of another tree may be what this one has. That is looked at some time, or there is too much.
        if !is_known && kept.len() <= bound.saturating_mul(2) {
            return Ok(());
        }
        let left = StateChange::put(Table::Nodes, LEFT_KEY, (places.len() as u64).to_le_bytes().to_vec());
        let live = places.iter().map(PlaceKey::as_slice).chain([LEFT_KEY]);
        Ok(self.state().retain(Table::Nodes, kept, live, &left, seen).await?)
    }

    /// The places of the tree's nodes, as far as nodes are kept; and whether all that are kept there are the tree's.
    async fn places_in_tree(&self) -> Result<(HashSet<PlaceKey>, bool), OperationError> {
        let (mut places, mut is_known) = (HashSet::new(), true);
        let root = self.root().await?;
        let mut open: Vec<Wanted> = root.iter().map(Wanted::root).collect();
        while let Some(wanted) = open.pop() {
            if !places.insert(wanted.place_key()) {
                continue;
            }
            let row = self.state().read(Table::Nodes, &wanted.place_key()).await?;
            let piece = row.as_deref().and_then(|row| piece_of(row, &wanted.child().hash));
            is_known &= row.is_none() || piece.is_some();
            let node = piece.and_then(|piece| wanted.open(self.realm(), &self.door().space(), piece).ok());
            open.extend(node.iter().flat_map(DirectoryNode::children));
        }
        Ok((places, is_known))
    }
}

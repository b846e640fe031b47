//! Whether a sweep keeps the tree of the commit that it is based on (spec: 3-spaces, "Sweeps").

use anonicloud_proto::commit::LoggedCommit;
use subtle::ConstantTimeEq as _;

use super::author::Unread;
use super::body::RootRef;
use super::private::PrivateSpace;
use super::state::LogPlace;
use super::verify::{NoOp, check_body_hash};

/// The commit that a sweep is based on, as far as the reader has it.
#[derive(Clone, Copy)]
pub(super) struct Base<'a>(Option<&'a LoggedCommit>);

impl<'a> Base<'a> {
    /// The reader has not fetched it.
    pub(super) const UNKNOWN: Self = Self(None);

    /// This commit, if it is the one.
    pub(super) const fn of(commit: &'a LoggedCommit) -> Self {
        Self(Some(commit))
    }
}

impl PrivateSpace {
    /// Checks that `root` is the tree of the commit at `place`, which is wanted when it is not `base`.
    pub(super) fn check_kept(&self, place: LogPlace, root: Option<&RootRef>, base: Base<'_>) -> Result<(), Unread> {
        let is_named = |commit: &&LoggedCommit| {
            let at = LogPlace { seq: commit.header.fields().seq, hash: commit.header.hash() };
            at == place && check_body_hash(commit).is_ok()
        };
        let base = base.0.filter(is_named).ok_or(Unread::NeedBase(place))?;
        let (_, kept) = self.open_body(base)?;
        if is_same(root, kept.as_ref()) { Ok(()) } else { Err(NoOp::Invalid.into()) }
    }
}

/// The same bytes, opened by the same key.
fn is_same(left: Option<&RootRef>, right: Option<&RootRef>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => {
            let places = (left.totals, left.piece, left.hash) == (right.totals, right.piece, right.hash);
            places && bool::from(left.key.expose_bytes().ct_eq(right.key.expose_bytes()))
        }
        _ => false,
    }
}

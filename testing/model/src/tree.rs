//! A tree of two paths, and the merge of three of them (`anonicloud_core::tree::merge`, `tree::edit::apply`).

/// The number of the put that made a version.
pub(crate) type Version = u8;
/// Paths in a tree.
const PATHS: usize = 2;

/// Versions, a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Versions(u8);

impl Versions {
    pub(crate) const fn with(self, version: Version) -> Self {
        Self(self.0 | 1 << version)
    }

    pub(crate) const fn has(self, version: Version) -> bool {
        self.0 & 1 << version != 0
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Version> {
        (0..8).filter(move |version| self.has(*version))
    }
}

/// What stands in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Tree {
    paths: [Option<Version>; PATHS],
    /// What stands under the names of conflict copies. No operation takes one out.
    pub(crate) copies: Versions,
}

impl Tree {
    pub(crate) fn at(self, path: u8) -> Option<Version> {
        self.paths.get(usize::from(path)).copied().flatten()
    }

    pub(crate) fn set(&mut self, path: u8, version: Option<Version>) {
        if let Some(place) = self.paths.get_mut(usize::from(path)) {
            *place = version;
        }
    }

    pub(crate) fn has(self, version: Version) -> bool {
        self.copies.has(version) || self.paths.contains(&Some(version))
    }

    /// All that stands somewhere.
    pub(crate) fn versions(self) -> Versions {
        self.paths.iter().flatten().fold(self.copies, |all, version| all.with(*version))
    }

    /// Whether a version stands at its path and beside it.
    pub(crate) fn has_twice(self) -> bool {
        self.paths.iter().flatten().any(|version| self.copies.has(*version))
    }

    /// The three-way merge: different entries both stand, an edit wins over a removal, of two edits theirs keeps the name.
    pub(crate) fn merge(base: Self, ours: Self, theirs: Self) -> Self {
        let mut merged = Self { paths: theirs.paths, copies: ours.copies.and(theirs.copies) };
        for (path, place) in merged.paths.iter_mut().enumerate() {
            let [base, ours, theirs] = [base, ours, theirs].map(|tree| tree.paths.get(path).copied().flatten());
            match (ours, theirs) {
                _ if ours == base || ours == theirs => {}
                (Some(_), None) => *place = ours,
                (_, Some(_)) if theirs == base => *place = ours,
                (Some(ours), Some(_)) => merged.copies = merged.copies.with(ours),
                (None, _) => {}
            }
        }
        merged
    }
}

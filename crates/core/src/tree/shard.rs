//! Which shard of a large directory a name is in (spec: 3-spaces, "Directories").

use core::fmt;

use super::name::EntryName;

/// Shards side by side.
pub(super) const FAN_OUT: u8 = 16;
/// Levels of shards below a directory's top node.
pub(super) const LEVELS_MAX: u8 = 12;

/// The key under which a directory hashes its names; all its levels have the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct NameKey(pub(super) [u8; 32]);

impl NameKey {
    /// The shard of `name` at `level`: the high nibble of byte 0, the low nibble of byte 0, the high nibble of byte 1, ...
    pub(super) fn nibble(&self, name: &EntryName, level: u8) -> u8 {
        let hash = blake3::keyed_hash(&self.0, name.as_bytes());
        let byte = hash.as_bytes().get(usize::from(level / 2)).copied().unwrap_or_default();
        if level.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
    }
}

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameKey(..)")
    }
}

/// Which node of a directory is meant: its top node, or the shard behind a row of nibbles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShardPlace {
    version: u64,
    name_key: Option<NameKey>,
}

impl ShardPlace {
    /// The node that the directory's entry names.
    pub(super) const TOP: Self = Self { version: 0, name_key: None };

    /// The shard `nibble` of the shards at this place.
    #[must_use]
    pub(super) const fn below(&self, name_key: NameKey, nibble: u8) -> Self {
        // At most 12 levels: 48 bits and a little.
        let version = self.version.wrapping_mul(16).wrapping_add(nibble as u64).wrapping_add(1);
        Self { version, name_key: Some(name_key) }
    }

    /// The version its wrap is bound to.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// The name key of the shards above; `None` at the top.
    pub(super) const fn name_key(&self) -> Option<NameKey> {
        self.name_key
    }

    /// How many levels of shards are above.
    pub(super) fn level(&self) -> u8 {
        let levels = core::iter::successors(Some(self.version), |version| Some(version.checked_sub(1)? / 16));
        u8::try_from(levels.skip(1).count()).unwrap_or(u8::MAX)
    }

    /// Whether `name` belongs to this shard.
    pub(super) fn holds(&self, name: &EntryName) -> bool {
        let Some(key) = self.name_key else {
            return true;
        };
        let hash = blake3::keyed_hash(&key.0, name.as_bytes());
        let mut nibbles = hash.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        let path = (0..self.level()).try_fold(0_u64, |version, _| {
            let nibble = u64::from(nibbles.next()?);
            version.checked_mul(16)?.checked_add(nibble)?.checked_add(1)
        });
        path == Some(self.version)
    }
}

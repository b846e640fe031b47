//! Who may sign up, and the invites, as kept.

use core::fmt::Debug;

use anonicloud_proto::hash::ChainHash;
use clap::ValueEnum;

use super::Answer;

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SignUp {
    /// Anybody.
    Open,
    /// Anybody whose device does some work for it.
    Puzzle,
    /// Who has an invite.
    Invite,
    /// Nobody.
    Closed,
}

impl SignUp {
    /// The word for it, on the command line and in the store.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Puzzle => "puzzle",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }

    /// The mode that a word is for.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|mode| mode.as_str() == word)
    }
}

/// The door in the metadata store.
pub(crate) trait DoorStore: Send + Sync + Debug {
    /// Who may sign up now.
    fn sign_up(&self) -> Answer<'_, SignUp>;

    /// Whether there is an invite with this hash.
    fn has_invite(&self, hash: ChainHash) -> Answer<'_, bool>;
}

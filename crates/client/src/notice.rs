//! What a person should hear of although nothing failed.

use core::fmt;

use anonicloud_core::tree::name::RemotePath;

/// Something noticed on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A commit in the space's log is not valid. It changes nothing; a program that breaks the rules made it, or a device that
    /// was shown another history.
    CommitSkipped {
        /// Its place in the log.
        seq: u64,
    },
    /// Another device changed the same, or put something else under the name: what this device has is beside it.
    Conflict {
        /// The path that the other device's has.
        path: RemotePath,
        /// The path of this device's.
        copy: RemotePath,
    },
    /// The server does not answer who watches; it is asked again until it does.
    ServerAway,
    /// The server does not have the tree that was told last to who watches: all that is there now is told as new.
    OlderTreeGone,
    /// Another device moved a folder to where this device's move of it would have ended under itself.
    MoveRefused {
        /// Where it is.
        path: RemotePath,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommitSkipped { seq } => {
                write!(
                    f,
                    "change {seq} of another device is not valid and was left out: look at what that device shows"
                )
            }
            Self::Conflict { path, copy } => {
                write!(f, "{path} was changed by another device too: what this device has is in {copy}")
            }
            Self::ServerAway => f.write_str("the server does not answer now: it is asked again until it does"),
            Self::OlderTreeGone => f.write_str(
                "what changed meanwhile cannot be told, as another device gave back its room: all that is there now is told as added",
            ),
            Self::MoveRefused { path } => {
                write!(f, "{path} stays where another device moved it: it would have ended inside itself")
            }
        }
    }
}

/// Who is told.
pub(crate) struct Listener(Box<dyn Fn(&Notice)>);

impl Listener {
    pub(crate) fn new(listen: impl Fn(&Notice) + 'static) -> Self {
        Self(Box::new(listen))
    }

    pub(crate) fn tell(&self, notice: &Notice) {
        (self.0)(notice);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener(..)")
    }
}

//! What a person should hear of although nothing failed.

use core::fmt;

/// Something noticed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A commit in the space's log is not valid. It changes nothing; a program that breaks the rules made it, or a device that
    /// was shown another history.
    CommitSkipped {
        /// Its place in the log.
        seq: u64,
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

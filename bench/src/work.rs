//! What every peer is asked to do.

use crate::arguments::Arguments;
use serde::Serialize;

/// One timed piece of work; in the order of a round, since each builds on what the ones before it stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// The large file, sent.
    FileUp,
    /// The large file, fetched.
    FileDown,
    /// The large file, sent again after one byte of it changed.
    ChangedByte,
    /// The folder of small files, sent.
    FilesUp,
    /// The folder of small files, fetched.
    FilesDown,
}

/// Whether a work moves data away from the client or towards it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To the server.
    Up,
    /// From the server.
    Down,
}

impl Work {
    /// All that the sizes asked for leave to do.
    pub(crate) fn all(arguments: &Arguments) -> Vec<Self> {
        let large: &[Self] = &[Self::FileUp, Self::FileDown, Self::ChangedByte];
        let small: &[Self] = &[Self::FilesUp, Self::FilesDown];
        let large = large.iter().filter(|_| arguments.size > 0);
        let small = small.iter().filter(|_| arguments.files > 0);
        large.chain(small).copied().collect()
    }

    /// Which way the data goes.
    pub(crate) fn direction(self) -> Direction {
        match self {
            Self::FileUp | Self::ChangedByte | Self::FilesUp => Direction::Up,
            Self::FileDown | Self::FilesDown => Direction::Down,
        }
    }

    /// Whether the work is on the large file.
    pub(crate) fn is_large(self) -> bool {
        matches!(self, Self::FileUp | Self::FileDown | Self::ChangedByte)
    }
}

//! Who is measured: each starts its own server, and says which command of its client does a work.

mod anonicloud;
mod curl;
mod nginx;
mod programs;
mod rclone;
mod restic;

pub(crate) use anonicloud::{Anonicloud, PASSWORD, QUOTA, listening_url};
pub(crate) use programs::{Program, SERVER, programs};

use crate::{
    content::{FILE, FILES, Source},
    identity::Identity,
    measure::MeasureError,
    place::Place,
    service::{Service, StartServiceError},
    work::Work,
};
use clap::ValueEnum;
use serde::Serialize;
use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// Who, in the order of the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// curl to nginx: TLS alone, nothing encrypted at rest.
    Curl,
    /// rclone crypt to nginx.
    Rclone,
    /// restic to a REST server.
    Restic,
    /// Ours.
    Anonicloud,
}

impl Kind {
    /// For the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Curl => "curl to nginx, plaintext",
            Self::Rclone => "rclone crypt to nginx",
            Self::Restic => "restic to a REST server",
            Self::Anonicloud => "**AnoniCloud**",
        }
    }

    /// How many times as fast we mean to be at least; none where there is no such target.
    pub(crate) fn target(self, work: Work) -> Option<f64> {
        match (self, work) {
            (Self::Curl, Work::FileUp | Work::FileDown) => Some(1.0),
            (Self::Rclone, Work::FileUp) => Some(2.0),
            (Self::Rclone, Work::FileDown) => Some(1.5),
            (Self::Rclone, Work::FilesUp | Work::FilesDown) => Some(50.0),
            (Self::Restic, Work::FileUp | Work::FileDown | Work::FilesUp | Work::FilesDown) => Some(3.0),
            _ => None,
        }
    }

    /// Whether only the first part of the small files is given to it, since all of them would take a quarter of an hour.
    pub(crate) fn gets_one_part(self) -> bool {
        self == Self::Rclone
    }

    /// Starts the server with an empty store, and makes the account or repository.
    ///
    /// # Errors
    /// When a program fails or the disk does.
    pub(crate) fn start(self, setup: &Setup<'_>) -> Result<Box<dyn Peer>, StartPeerError> {
        fs_err::create_dir_all(&setup.folder)?;
        Ok(match self {
            Self::Curl => Box::new(curl::Curl::start(setup)?),
            Self::Rclone => Box::new(rclone::Rclone::start(setup)?),
            Self::Restic => Box::new(restic::Restic::start(setup)?),
            Self::Anonicloud => Box::new(Anonicloud::start(setup)?),
        })
    }
}

/// What a peer starts with.
#[derive(Debug)]
pub(crate) struct Setup<'a> {
    /// The peer's own folder: store, state, and `DOWN` for what it fetches.
    pub(crate) folder: PathBuf,
    pub(crate) place: &'a Place,
    pub(crate) source: &'a Source,
    pub(crate) identity: &'a Identity,
    /// Where our own binaries lie.
    pub(crate) binaries: &'a Path,
}

impl Setup<'_> {
    /// Where the peer puts the large file it fetches.
    fn fetched_file(&self) -> PathBuf {
        self.folder.join(DOWN).join(FILE)
    }

    /// Where the peer puts the small files it fetches.
    fn fetched_files(&self) -> PathBuf {
        self.folder.join(DOWN).join(FILES)
    }
}

/// Why a peer is not there to be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartPeerError {
    #[error(transparent)]
    Service(#[from] StartServiceError),
    #[error("cannot make the account or repository")]
    Account(#[from] MeasureError),
    #[error("cannot write the configuration")]
    Configuration(#[from] io::Error),
}

/// A client with its running server.
pub(crate) trait Peer {
    /// The server, whose memory is measured.
    fn service(&self) -> &Service;

    /// The command that does a work; none when the peer is not measured in it.
    fn command(&self, work: Work) -> Option<Command>;
}

/// The folder in a peer's own where what it fetches goes: `DOWN/file.bin` and `DOWN/files`.
pub(crate) const DOWN: &str = "down";

//! rclone crypt to nginx: encrypted by the client, file by file.

use super::{Peer, Setup, StartPeerError, nginx::Nginx};
use crate::{service::Service, template, work::Work};
use std::{path::PathBuf, process::Command};

/// See the module.
#[derive(Debug)]
pub(super) struct Rclone {
    nginx: Nginx,
    flags: Vec<String>,
    sent_file: PathBuf,
    sent_files: PathBuf,
    fetched_file: PathBuf,
    fetched_files: PathBuf,
}

impl Rclone {
    /// Starts nginx.
    ///
    /// # Errors
    /// When the folder cannot be written or nginx does not come up.
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, StartPeerError> {
        let nginx = Nginx::start(setup)?;
        let configuration = setup.folder.join("rclone.conf");
        let values = [
            ("PORT", nginx.port.to_string()),
            ("CONFIG", template::text(&configuration)),
            ("AUTHORITY", template::text(&setup.identity.authority)),
        ];
        let template = include_str!("../../peers/rclone.conf.in");
        fs_err::write(&configuration, template::fill(template, &values))?;
        let flags = include_str!("../../peers/rclone-flags.conf.in");
        Ok(Self {
            nginx,
            flags: template::words(&template::fill(flags, &values)),
            sent_file: setup.source.file(),
            sent_files: setup.source.part(0),
            fetched_file: setup.fetched_file(),
            fetched_files: setup.fetched_files(),
        })
    }
}

impl Peer for Rclone {
    fn service(&self) -> &Service {
        &self.nginx.service
    }

    fn command(&self, work: Work) -> Option<Command> {
        let mut command = Command::new("rclone");
        command.args(&self.flags);
        match work {
            Work::FileUp | Work::ChangedByte => command.arg("copyto").arg(&self.sent_file).arg(REMOTE_FILE),
            Work::FileDown => command.arg("copyto").arg(REMOTE_FILE).arg(&self.fetched_file),
            Work::FilesUp => command.arg("copy").arg(&self.sent_files).arg(REMOTE_FILES),
            Work::FilesDown => command.arg("copy").arg(REMOTE_FILES).arg(&self.fetched_files),
        };
        Some(command)
    }
}

const REMOTE_FILE: &str = "crypt:file.bin";
const REMOTE_FILES: &str = "crypt:files";

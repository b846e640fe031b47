//! curl to nginx: the speed of files that the server can read.

use super::{Peer, Setup, StartPeerError, nginx::Nginx};
use crate::{content::FILE, service::Service, template, work::Work};
use std::{path::PathBuf, process::Command};

/// See the module.
#[derive(Debug)]
pub(super) struct Curl {
    nginx: Nginx,
    configuration: PathBuf,
    sent: PathBuf,
    fetched: PathBuf,
}

impl Curl {
    /// Starts nginx.
    ///
    /// # Errors
    /// When the folder cannot be written or nginx does not come up.
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, StartPeerError> {
        let values = [("AUTHORITY", template::text(&setup.identity.authority))];
        let configuration = setup.folder.join("curl.conf");
        let template = include_str!("../../peers/curl.conf.in");
        fs_err::write(&configuration, template::fill(template, &values))?;
        Ok(Self {
            nginx: Nginx::start(setup)?,
            configuration,
            sent: setup.source.file(),
            fetched: setup.fetched_file(),
        })
    }
}

impl Peer for Curl {
    fn service(&self) -> &Service {
        &self.nginx.service
    }

    fn command(&self, work: Work) -> Option<Command> {
        let mut command = Command::new("curl");
        command.arg("--config").arg(&self.configuration);
        match work {
            Work::FileUp | Work::ChangedByte => command.arg("--upload-file").arg(&self.sent),
            Work::FileDown => command.arg("--output").arg(&self.fetched),
            Work::FilesUp | Work::FilesDown => return None,
        };
        command.arg(format!("https://127.0.0.1:{}/{FILE}", self.nginx.port));
        Some(command)
    }
}

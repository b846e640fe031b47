//! restic to a REST server: encrypted by the client, cut into chunks and packed.

use super::{DOWN, Peer, Setup, StartPeerError};
use crate::{
    content::{FILE, FILES},
    measure,
    service::{self, Service},
    template,
    work::{Direction, Work},
};
use std::{path::PathBuf, process::Command};

/// See the module.
#[derive(Debug)]
pub(super) struct Restic {
    server: Service,
    flags: Vec<String>,
    source: PathBuf,
    fetched: PathBuf,
}

impl Restic {
    /// Starts the server and makes a repository.
    ///
    /// # Errors
    /// When the folder cannot be written, the server does not come up, or restic fails.
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, StartPeerError> {
        let port = service::free_port()?;
        let password = setup.folder.join("password");
        let configuration = setup.folder.join("rclone.conf");
        let store = setup.folder.join("store");
        let values = [
            ("PORT", port.to_string()),
            ("AUTHORITY", template::text(&setup.identity.authority)),
            ("CERTIFICATE", template::text(&setup.identity.certificate)),
            ("KEY", template::text(&setup.identity.key)),
            ("PASSWORD", template::text(&password)),
            ("CACHE", template::text(&setup.folder.join("cache"))),
            ("CONFIG", template::text(&configuration)),
            ("STORE", template::text(&store)),
        ];
        fs_err::write(&password, "a password for the benchmark")?;
        fs_err::write(&configuration, "")?;
        fs_err::create_dir_all(store)?;

        let words = include_str!("../../peers/restic-server-flags.conf.in");
        let mut command = Command::new("rclone");
        command.args(template::words(&template::fill(words, &values)));
        let server = Service::on_port(command, service::log_in(&setup.folder), port)?;
        let flags = include_str!("../../peers/restic-flags.conf.in");
        let restic = Self {
            server,
            flags: template::words(&template::fill(flags, &values)),
            source: setup.source.folder().to_owned(),
            fetched: setup.folder.join(DOWN),
        };
        let mut initialise = restic.restic();
        initialise.args(["init", "--repository-version=2"]);
        measure::run(initialise, setup.place)?;
        Ok(restic)
    }

    fn restic(&self) -> Command {
        let mut command = Command::new("restic");
        // Snapshots then hold relative paths, which are restored as they are.
        command.args(&self.flags).current_dir(&self.source);
        command
    }
}

impl Peer for Restic {
    fn service(&self) -> &Service {
        &self.server
    }

    fn command(&self, work: Work) -> Option<Command> {
        let what = if work.is_large() { FILE } else { FILES };
        let mut command = self.restic();
        match work.direction() {
            Direction::Up => command.args(["backup", "--tag", what, what]),
            Direction::Down => command.args(["restore", "latest", "--tag", what, "--target"]).arg(&self.fetched),
        };
        Some(command)
    }
}

//! Ours: the two binaries as they are shipped.

use super::{
    Peer, Setup, StartPeerError,
    programs::{CLIENT, SERVER},
};
use crate::{
    content::{FILE, FILES},
    measure,
    service::{self, Service},
    work::{Direction, Work},
};
use std::{path::PathBuf, process::Command};

/// See the module.
#[derive(Debug)]
pub(crate) struct Anonicloud {
    server: Service,
    program: PathBuf,
    state: PathBuf,
    source: PathBuf,
    fetched: PathBuf,
    url: String,
}

impl Anonicloud {
    /// Starts the server and signs up.
    ///
    /// # Errors
    /// When the folder cannot be written, the server does not come up, or the sign-up fails.
    pub(crate) fn start(setup: &Setup<'_>) -> Result<Self, StartPeerError> {
        let mut command = Command::new(setup.binaries.join(SERVER));
        command.args(["serve", "--listen", "127.0.0.1:0", "--quota", QUOTA]);
        command.arg("--data-dir").arg(setup.folder.join("store"));
        command.arg("--tls-cert").arg(&setup.identity.certificate);
        command.arg("--tls-key").arg(&setup.identity.key);
        let (server, url) = Service::start(command, service::log_in(&setup.folder), listening_url)?;

        let password = setup.folder.join(PASSWORD_FILE);
        fs_err::write(&password, PASSWORD)?;
        let anonicloud = Self {
            server,
            program: setup.binaries.join(CLIENT),
            state: setup.folder.join("state"),
            source: setup.source.folder().to_owned(),
            fetched: setup.folder.join(super::DOWN),
            url,
        };
        let mut sign_up = anonicloud.client();
        sign_up.arg("--server").arg(&anonicloud.url);
        sign_up.arg("--ca-file").arg(&setup.identity.authority);
        sign_up.args(["signup", "--handle", HANDLE]);
        sign_up.arg("--password-file").arg(password);
        sign_up.arg("--recovery-file").arg(setup.folder.join("recovery"));
        measure::run(sign_up, setup.place)?;
        Ok(anonicloud)
    }

    /// The client with the account's device.
    pub(crate) fn client(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--state-dir").arg(&self.state);
        command
    }

    /// The client with another device of the account, which it makes.
    ///
    /// # Errors
    /// When the log-in fails.
    pub(crate) fn other_device(&self, setup: &Setup<'_>) -> Result<Command, StartPeerError> {
        let client = || {
            let mut command = Command::new(&self.program);
            command.arg("--state-dir").arg(setup.folder.join("other-state"));
            command
        };
        let mut log_in = client();
        log_in.arg("--server").arg(&self.url).arg("--ca-file").arg(&setup.identity.authority);
        log_in.args(["login", "--handle", HANDLE]).arg("--password-file").arg(setup.folder.join(PASSWORD_FILE));
        measure::run(log_in, setup.place)?;
        Ok(client())
    }
}

impl Peer for Anonicloud {
    fn service(&self) -> &Service {
        &self.server
    }

    fn command(&self, work: Work) -> Option<Command> {
        let what = if work.is_large() { FILE } else { FILES };
        let mut command = self.client();
        match work.direction() {
            Direction::Up => command.arg("put").arg(self.source.join(what)).arg(format!("/{what}")),
            Direction::Down => command.arg("get").arg(format!("/{what}")).arg(self.fetched.join(what)),
        };
        Some(command)
    }
}

/// The address in the line by which the server says that it is up.
pub(crate) fn listening_url(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("listening on ")?;
    let (url, _) = rest.split_once(char::is_whitespace)?;
    Some(url.to_owned())
}

/// More than any disk the benchmark will be run on.
pub(crate) const QUOTA: &str = "1048576GiB";
const HANDLE: &str = "benchmark";
const PASSWORD_FILE: &str = "password";
/// Strong enough for a sign-up; nothing it protects outlives the run.
pub(crate) const PASSWORD: &str = "seven grey herons count slow trains at dawn";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_taken_from_a_whole_line() {
        assert_eq!(
            listening_url("starting\nlistening on https://127.0.0.1:4711\nmore"),
            Some("https://127.0.0.1:4711".to_owned())
        );
        assert_eq!(listening_url("listening on https://127.0.0.1:47"), None);
    }
}

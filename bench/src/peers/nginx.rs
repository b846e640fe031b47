//! nginx as a WebDAV server, by `bench/peers/nginx.conf.in`.

use super::{Setup, StartPeerError, programs::NGINX};
use crate::{
    service::{self, Service},
    template,
};
use std::process::Command;

/// A running nginx with an empty store.
#[derive(Debug)]
pub(super) struct Nginx {
    pub(super) service: Service,
    pub(super) port: u16,
}

impl Nginx {
    /// Starts it in the peer's folder.
    ///
    /// # Errors
    /// When the folder cannot be written or nginx does not come up.
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, StartPeerError> {
        let port = service::free_port()?;
        let values = [
            ("PORT", port.to_string()),
            ("CERTIFICATE", template::text(&setup.identity.certificate)),
            ("KEY", template::text(&setup.identity.key)),
        ];
        for folder in ["store", "body", "unused"] {
            fs_err::create_dir_all(setup.folder.join(folder))?;
        }
        let configuration = setup.folder.join("nginx.conf");
        let template = include_str!("../../peers/nginx.conf.in");
        fs_err::write(&configuration, template::fill(template, &values))?;

        let mut command = Command::new(NGINX);
        // The prefix has to end in a slash.
        command.arg("-p").arg(setup.folder.join(""));
        command.arg("-c").arg(&configuration);
        let service = Service::on_port(command, service::log_in(&setup.folder), port)?;
        Ok(Self { service, port })
    }
}

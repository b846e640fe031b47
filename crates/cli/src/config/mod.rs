//! What holds for the whole run: flags over environment over the config file over defaults.

mod file;

use core::time::Duration;
use std::path::{Path, PathBuf};

use anonicloud_client::remote::ServerAddress;

use self::file::ConfigFile;
use crate::args::{ColorWhen, GlobalOptions};
use crate::error::CliError;
use crate::ui::Ui;

/// Seconds to try again when nobody says how many.
const RETRY_FOR: u32 = 30;

/// The settings of a run.
#[derive(Debug)]
pub(crate) struct Settings {
    server: Option<String>,
    ca_file: Option<PathBuf>,
    /// How long a request is tried again before a person is told.
    pub(crate) patience: Duration,
    /// Where the local state lives.
    pub(crate) state_directory: PathBuf,
    /// Patterns that are left out of every `put`.
    pub(crate) exclude: Vec<String>,
}

impl Settings {
    /// Reads the flags, behind which clap has put the environment, and the config file.
    pub(crate) fn from_options(options: &GlobalOptions) -> Result<Self, CliError> {
        let folders = directories::BaseDirs::new();
        let profile = options.profile.as_deref();
        let usual = folders.as_ref().map(|folders| folders.config_dir().join("anonicloud").join("config.toml"));
        let section = ConfigFile::load(options.config.as_deref(), usual.as_deref())?.section(profile);
        let state_directory = options.state_dir.clone().or(section.state_dir);
        let usual = || folders.as_ref().map(|folders| state_directory_of(profile, folders.data_local_dir()));
        let state_directory = state_directory.or_else(usual).ok_or(CliError::StateDirectoryUnknown)?;
        // Certificates in the file are those of the server in the file.
        let file_ca = section.ca_file.filter(|_| options.server.is_none());
        Ok(Self {
            server: options.server.clone().or(section.server),
            ca_file: options.ca_file.clone().or(file_ca).map(absolute),
            patience: Duration::from_secs(options.retry_for.or(section.retry_for).unwrap_or(RETRY_FOR).into()),
            state_directory,
            exclude: section.exclude.unwrap_or_default(),
        })
    }

    /// The server that was named, if one was.
    pub(crate) fn named_server(&self) -> Option<ServerAddress> {
        let url = self.server.clone()?;
        Some(ServerAddress { url, ca_file: self.ca_file.clone() })
    }

    /// The server to use when `stored` is the one that was signed in to: what was named stands before it, and its
    /// certificates are good for its own address only.
    pub(crate) fn server_over(&self, stored: ServerAddress) -> ServerAddress {
        match self.named_server() {
            Some(named) if named.url != stored.url => named,
            _ => ServerAddress { ca_file: self.ca_file.clone().or(stored.ca_file), url: stored.url },
        }
    }
}

/// How the run prints.
pub(crate) fn ui(options: &GlobalOptions) -> Ui {
    #[expect(clippy::disallowed_methods, reason = "this module is where the environment is read")]
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let color = match options.color {
        ColorWhen::Never => false,
        ColorWhen::Auto => !plain && std::io::IsTerminal::is_terminal(&std::io::stderr()),
    };
    Ui::new(options.json, options.quiet, color)
}

/// How a run prints whose arguments could not be read, but ask for JSON.
pub(crate) const fn json_ui() -> Ui {
    Ui::new(true, false, false)
}

/// Each profile is a device of its own, in a folder beside the one of no profile.
fn state_directory_of(profile: Option<&str>, data: &Path) -> PathBuf {
    match profile {
        None => data.join("anonicloud"),
        Some(name) => data.join("anonicloud-profiles").join(name),
    }
}

/// A path that is good in another working folder too, since the account's record keeps it.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::path::PathBuf;

    use anonicloud_client::remote::ServerAddress;

    use super::Settings;

    fn address(url: &str, ca_file: Option<&str>) -> ServerAddress {
        ServerAddress { url: url.to_owned(), ca_file: ca_file.map(PathBuf::from) }
    }

    fn used(server: Option<&str>, ca_file: Option<&str>) -> ServerAddress {
        let settings = Settings {
            server: server.map(str::to_owned),
            ca_file: ca_file.map(PathBuf::from),
            patience: Duration::ZERO,
            state_directory: PathBuf::new(),
            exclude: Vec::new(),
        };
        settings.server_over(address("https://stored", Some("/stored.pem")))
    }

    #[test]
    fn what_is_named_stands_before_what_is_stored() {
        assert_eq!(used(None, None), address("https://stored", Some("/stored.pem")));
        assert_eq!(used(Some("https://stored"), None), address("https://stored", Some("/stored.pem")));
        assert_eq!(used(None, Some("/other.pem")), address("https://stored", Some("/other.pem")));
        assert_eq!(used(Some("https://other"), None), address("https://other", None));
    }
}

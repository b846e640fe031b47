//! What holds for the whole run: flags over environment over the config file over defaults.

mod file;

use core::num::NonZeroU64;
use core::time::Duration;
use std::path::PathBuf;

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
    /// The server that flags or the environment name.
    named: Option<String>,
    /// The certificates that they name.
    ca_file: Option<PathBuf>,
    /// The server that the config file names for new accounts.
    usual: Option<ServerAddress>,
    /// How long a request is tried again before a person is told.
    pub(crate) patience: Duration,
    /// Bytes a second at most.
    pub(crate) limit_rate: Option<NonZeroU64>,
    /// Where the local state lives.
    pub(crate) state_directory: PathBuf,
    /// Patterns that are left out of every `put`.
    pub(crate) exclude: Vec<String>,
    /// Whether `watch` gives back room.
    pub(crate) upkeep: bool,
}

impl Settings {
    /// Reads the flags, behind which clap has put the environment, and the config file.
    pub(crate) fn from_options(options: &GlobalOptions) -> Result<Self, CliError> {
        let folders = directories::BaseDirs::new();
        let profile = options.profile.as_deref();
        let file = folders.as_ref().map(|folders| folders.config_dir().join("anonicloud").join("config.toml"));
        let section = ConfigFile::load(options.config.as_deref(), file.as_deref())?.section(profile);
        let usual = || folders.as_ref().map(|folders| folders.data_local_dir().join("anonicloud"));
        let state_directory = match (&options.state_dir, section.state_dir) {
            (None, Some(own)) => own,
            (named, _) => {
                let folder = named.clone().or_else(usual).ok_or(CliError::StateDirectoryUnknown)?;
                state_directory_of(profile, folder)
            }
        };
        let ca_file = section.ca_file;
        Ok(Self {
            named: options.server.clone(),
            ca_file: options.ca_file.clone().map(absolute),
            usual: section.server.map(|url| ServerAddress { url, ca_file: ca_file.map(absolute) }),
            patience: Duration::from_secs(options.retry_for.or(section.retry_for).unwrap_or(RETRY_FOR).into()),
            limit_rate: options.limit_rate.or(section.limit_rate),
            state_directory,
            exclude: section.exclude.unwrap_or_default(),
            upkeep: section.upkeep.unwrap_or(false),
        })
    }

    /// The server for a new account or device, if one is named.
    pub(crate) fn server_to_begin(&self) -> Option<ServerAddress> {
        match (&self.named, &self.usual) {
            (Some(url), _) => Some(ServerAddress { url: url.clone(), ca_file: self.ca_file.clone() }),
            (None, Some(usual)) => Some(ServerAddress {
                ca_file: self.ca_file.clone().or_else(|| usual.ca_file.clone()),
                url: usual.url.clone(),
            }),
            (None, None) => None,
        }
    }

    /// The server to use when `stored` is the one that was signed in to: what flags or the environment name stands before it,
    /// and its certificates are good for its own address only. The config file does not: it may be written later.
    pub(crate) fn server_over(&self, stored: ServerAddress) -> ServerAddress {
        match &self.named {
            Some(named) if *named != stored.url => ServerAddress { url: named.clone(), ca_file: self.ca_file.clone() },
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

/// Each profile is a device of its own, in a folder below the one of no profile.
fn state_directory_of(profile: Option<&str>, folder: PathBuf) -> PathBuf {
    match profile {
        None => folder,
        Some(name) => folder.join("profiles").join(name),
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

    fn settings(server: Option<&str>, ca_file: Option<&str>) -> Settings {
        Settings {
            named: server.map(str::to_owned),
            ca_file: ca_file.map(PathBuf::from),
            usual: Some(address("https://usual", Some("/usual.pem"))),
            patience: Duration::ZERO,
            limit_rate: None,
            state_directory: PathBuf::new(),
            exclude: Vec::new(),
            upkeep: false,
        }
    }

    fn used(server: Option<&str>, ca_file: Option<&str>) -> ServerAddress {
        settings(server, ca_file).server_over(address("https://stored", Some("/stored.pem")))
    }

    #[test]
    fn a_new_account_goes_where_it_is_told_or_where_the_file_says() {
        let begun = |server, ca_file| settings(server, ca_file).server_to_begin().unwrap();
        assert_eq!(begun(None, None), address("https://usual", Some("/usual.pem")));
        assert_eq!(begun(None, Some("/other.pem")), address("https://usual", Some("/other.pem")));
        assert_eq!(begun(Some("https://other"), None), address("https://other", None));
    }

    #[test]
    fn what_is_named_stands_before_what_is_stored() {
        assert_eq!(used(None, None), address("https://stored", Some("/stored.pem")));
        assert_eq!(used(Some("https://stored"), None), address("https://stored", Some("/stored.pem")));
        assert_eq!(used(None, Some("/other.pem")), address("https://stored", Some("/other.pem")));
        assert_eq!(used(Some("https://other"), None), address("https://other", None));
    }
}

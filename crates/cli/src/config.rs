//! What holds for the whole run: flags over environment over defaults.

use core::time::Duration;
use std::path::PathBuf;

use anonicloud_client::remote::ServerAddress;

use crate::args::{ColorWhen, GlobalOptions};
use crate::error::CliError;
use crate::ui::Ui;

/// The settings of a run.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The server that was named, if one was.
    pub(crate) server: Option<ServerAddress>,
    /// How long a request is tried again before a person is told.
    pub(crate) patience: Duration,
    /// Where the local state lives.
    pub(crate) state_directory: PathBuf,
}

impl Settings {
    /// Reads the flags; clap has put the environment behind them.
    pub(crate) fn from_options(options: &GlobalOptions) -> Result<Self, CliError> {
        let server = options.server.as_deref().map(|url| ServerAddress {
            url: url.to_owned(),
            ca_file: options.ca_file.clone(),
        });
        let state_directory = match &options.state_dir {
            Some(directory) => directory.clone(),
            None => default_state_directory().ok_or(CliError::StateDirectoryUnknown)?,
        };
        Ok(Self {
            server,
            patience: Duration::from_secs(options.retry_for.into()),
            state_directory,
        })
    }
}

/// How the run prints.
pub(crate) fn ui(options: &GlobalOptions) -> Ui {
    #[expect(
        clippy::disallowed_methods,
        reason = "this module is where the environment is read"
    )]
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

fn default_state_directory() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|directories| directories.data_local_dir().join("anonicloud"))
}

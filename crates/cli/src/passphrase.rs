//! The passphrase of a locked device key.
//!
//! Enters: the options of every command, a terminal. Leaves: an opened key, or a refusal at once. Never: a question that
//! nobody can answer.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anonicloud_client::OperationError;
use anonicloud_client::state::{DeviceKey, KeyFile, PassphraseLock};
use zeroize::Zeroizing;

use crate::args::GlobalOptions;
use crate::error::CliError;
use crate::secrets;
use crate::ui::Ui;

/// How often a person may mistype it.
const TRIES: u32 = 3;

/// Where the passphrase comes from.
pub(crate) enum PassphraseSource {
    /// From a person, if one is there.
    Asked,
    /// From the first line of a file.
    File(PathBuf),
    /// From stdin, whose first line was read, until it is not needed any more.
    Read(Mutex<Option<Zeroizing<String>>>),
}

impl core::fmt::Debug for PassphraseSource {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PassphraseSource(..)")
    }
}

impl PassphraseSource {
    /// As the options say. A line of stdin is taken now, whether the key is locked or not: what follows is the command's.
    pub(crate) async fn from_options(options: &GlobalOptions) -> Result<Self, CliError> {
        if options.passphrase_stdin {
            return Ok(Self::Read(Mutex::new(Some(secrets::read_stdin(WHAT).await?))));
        }
        Ok(options.passphrase_file.clone().map_or(Self::Asked, Self::File))
    }

    /// Whether nobody is to be asked for it.
    pub(crate) const fn is_given(&self) -> bool {
        !matches!(self, Self::Asked)
    }

    /// The passphrase, if it was given.
    pub(crate) async fn given(&self) -> Result<Option<Zeroizing<String>>, CliError> {
        Ok(match self {
            Self::Asked => None,
            Self::File(file) => Some(secrets::read_file(file, WHAT).await?),
            Self::Read(passphrase) => passphrase.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        })
    }

    /// Forgets what was read, for the rest of the run.
    pub(crate) fn forget(&self) {
        if let Self::Read(passphrase) = self {
            passphrase.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// Opens a locked key: with what was given, or by asking.
    pub(crate) async fn open(&self, ui: Ui, lock: &PassphraseLock) -> Result<DeviceKey, CliError> {
        self.with(ui, |passphrase| lock.open(passphrase)).await
    }

    /// What `use_it` makes of the passphrase: of what was given, or of what a person types, who may mistype it.
    pub(crate) async fn with<T>(
        &self,
        ui: Ui,
        use_it: impl Fn(&str) -> Result<T, OperationError>,
    ) -> Result<T, CliError> {
        if let Some(passphrase) = self.given().await? {
            return Ok(use_it(&passphrase)?);
        }
        if !can_ask(ui) {
            return Err(CliError::Locked);
        }
        for _ in 1..TRIES {
            let typed = secrets::ask_hidden("passphrase: ", WHAT).await?;
            match use_it(&typed) {
                Err(OperationError::PassphraseWrong) => ui.tell("That is not the passphrase.")?,
                used => return Ok(used?),
            }
        }
        let typed = secrets::ask_hidden("passphrase: ", WHAT).await?;
        Ok(use_it(&typed)?)
    }

    /// A new passphrase, typed twice.
    pub(crate) async fn ask_new(&self, ui: Ui) -> Result<Zeroizing<String>, CliError> {
        if !can_ask(ui) {
            return Err(CliError::NewPassphraseMissing);
        }
        loop {
            let typed = secrets::ask_hidden("new passphrase: ", WHAT).await?;
            let again = secrets::ask_hidden("the same once more: ", WHAT).await?;
            if *again == *typed {
                return Ok(typed);
            }
            ui.tell("These were two different passphrases.")?;
        }
    }
}

/// How the device key is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyPlace {
    File,
    Passphrase,
    Keyring,
}

impl KeyPlace {
    /// Of the key in the folder.
    pub(crate) fn of(folder: &Path) -> Result<Self, CliError> {
        Ok(match KeyFile::read(folder)? {
            Some(KeyFile::Passphrase(_)) => Self::Passphrase,
            Some(KeyFile::Keyring(_)) => Self::Keyring,
            _ => Self::File,
        })
    }

    /// For programs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Passphrase => "passphrase",
            Self::Keyring => "keyring",
        }
    }

    /// For a person.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::File => "in a file that only you can read",
            Self::Passphrase => "locked under a passphrase",
            Self::Keyring => "locked, and opened by the keyring of the system",
        }
    }
}

const WHAT: &str = "passphrase";

/// Whether a person can see a question; it is answered on the terminal itself, whatever stdin is.
fn can_ask(ui: Ui) -> bool {
    !ui.is_json() && io::stderr().is_terminal()
}

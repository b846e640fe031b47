//! `lock`: puts the device key under a passphrase.

use std::path::PathBuf;

use anonicloud_client::state::{KeyFile, lock_device_key};
use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::passphrase::KeyPlace;
use crate::report::KeyKept;
use crate::secrets;

/// Lock the device key under a passphrase
///
/// What this device remembers, with the keys of the account, is encrypted under a key in a file that only you can read. Locked, that
/// file is of no use to who copies the disk and cannot guess the passphrase, and every command asks for it. Whoever forgets it
/// signs in anew with the account's password: what is on the server is safe, transfers that were cut begin again. The file with
/// the open key is overwritten, but drives with flash memory, snapshots and backups may keep what was in it. A file with the
/// passphrase on the same disk opens it for whoever has that disk: keep it elsewhere.
///
/// A key that is locked already gets a new passphrase; --passphrase-file is then the one it has.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud lock
  anonicloud lock --passphrase-file /media/stick/passphrase
  anonicloud lock --passphrase-file old --new-passphrase-file new
  pass show anonicloud-device | anonicloud ls / --passphrase-stdin")]
pub(crate) struct Arguments {
    /// Take the new passphrase from the first line of FILE; else it is asked for twice
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let folder = context.state_directory();
        let source = context.passphrase();
        let before = KeyFile::read(folder)?.ok_or(CliError::NotSignedIn)?;
        let opened;
        let (key, given) = match &before {
            KeyFile::Plain(key) => (key, source.given()?),
            KeyFile::Locked(locked) => {
                opened = source.open(context.ui, locked).await?;
                (&opened, None)
            }
        };
        let new = match (&self.new_passphrase_file, given) {
            (Some(file), _) => secrets::read_file(file, "new passphrase")?,
            (None, Some(given)) => given,
            (None, None) => source.ask_new(context.ui).await?,
        };
        lock_device_key(folder, &before, key, &new)?;
        let kept = KeyKept { device_key: KeyPlace::Passphrase.code() };
        context.ui.summary(&kept, "locked: from now on every command takes the passphrase")
    }
}

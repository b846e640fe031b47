//! `lock`: puts the device key under a passphrase, or in the care of the keyring of the system.

use std::path::PathBuf;

use anonicloud_client::state::{DeviceKey, KeyFile, lock_device_key, lock_device_key_by_keyring};
use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::passphrase::KeyPlace;
use crate::report::KeyKept;
use crate::secrets;

/// Lock the device key under a passphrase, or by the keyring of the system
///
/// What this device remembers, with the keys of the account, is encrypted under a key in a file that only you can read. Locked, that
/// file is of no use to who copies the disk and cannot guess the passphrase, and every command asks for it. Whoever forgets it
/// signs in anew with the account's password: what is on the server is safe, transfers that were cut begin again. The file with
/// the open key is overwritten, but drives with flash memory, snapshots and backups may keep what was in it. A file with the
/// passphrase on the same disk opens it for whoever has that disk: keep it elsewhere.
///
/// With --keyring, what opens the file is kept by the keyring of the desktop (Secret Service: that of GNOME, of KDE and others),
/// and no command asks as long as that is open, which for most people is while they are signed in: then every program that they run
/// may ask it too. Who copies the disk needs the password of the keyring. Without that keyring the file stays locked for good, so it has
/// to keep what it is given on the disk at once, as that of GNOME does; where saving after every change is a setting, turn it on.
///
/// A key that is locked already is locked anew; --passphrase-file is then the passphrase it has.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud lock
  anonicloud lock --keyring
  anonicloud lock --passphrase-file /media/stick/passphrase
  anonicloud lock --passphrase-file old --new-passphrase-file new
  pass show anonicloud-device | anonicloud ls / --passphrase-stdin
  anonicloud lock --forget")]
pub(crate) struct Arguments {
    /// Take the new passphrase from the first line of FILE; else it is asked for twice
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Have the keyring of the system open it instead of a passphrase
    #[arg(long, conflicts_with_all = ["new_passphrase_file", "forget"])]
    keyring: bool,
    /// Only end what `unlock --for` began
    #[arg(long, conflicts_with = "new_passphrase_file")]
    forget: bool,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let folder = context.state_directory();
        let before = KeyFile::read(folder)?.ok_or(CliError::NotSignedIn)?;
        let done = match &before {
            KeyFile::Passphrase(lock) if self.forget => {
                lock.forget()?;
                "locked: the next command takes the passphrase"
            }
            _ if self.forget => "no passphrase opens the device key, so there is none to be forgotten",
            _ => self.lock(context, &before).await?,
        };
        context.ui.summary(&KeyKept { device_key: KeyPlace::of(folder)?.code() }, done)
    }

    async fn lock(&self, context: &Context, before: &KeyFile) -> Result<&'static str, CliError> {
        // What the kernel remembers does not do for what changes how the key is kept.
        let opened;
        let key = match before {
            KeyFile::Plain(key) => key,
            KeyFile::Passphrase(lock) => {
                opened = context.passphrase().open(context.ui, lock).await?;
                &opened
            }
            KeyFile::Keyring(lock) => {
                opened = lock.open(context.state_directory()).await?;
                &opened
            }
        };
        if self.keyring {
            lock_device_key_by_keyring(context.state_directory(), before, key).await?;
            return Ok("locked: the keyring of the system opens it");
        }
        self.lock_under_new(context, before, key).await?;
        Ok("locked: from now on every command takes the passphrase")
    }

    /// Where there is a passphrase, the one that is given with every command is that one; else it is the new one.
    async fn lock_under_new(&self, context: &Context, before: &KeyFile, key: &DeviceKey) -> Result<(), CliError> {
        let source = context.passphrase();
        let given = if matches!(before, KeyFile::Passphrase(_)) { None } else { source.given().await? };
        let new = match (&self.new_passphrase_file, given) {
            (Some(file), _) => secrets::read_file(file, "new passphrase").await?,
            (None, Some(given)) => given,
            (None, None) => source.ask_new(context.ui).await?,
        };
        Ok(lock_device_key(context.state_directory(), before, key, &new).await?)
    }
}

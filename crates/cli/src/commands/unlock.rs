//! `unlock`: takes the passphrase off the device key.

use anonicloud_client::state::{KeyFile, unlock_device_key};
use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::passphrase::KeyPlace;
use crate::report::KeyKept;

/// Take the passphrase off the device key
///
/// The key is again in a file that only you can read, and no command asks for a passphrase.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud unlock
  anonicloud unlock --passphrase-file /media/stick/passphrase")]
pub(crate) struct Arguments {}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let folder = context.state_directory();
        let before = KeyFile::read(folder)?.ok_or(CliError::NotSignedIn)?;
        let done = match &before {
            KeyFile::Plain(_) => "the device key is not locked",
            KeyFile::Locked(locked) => {
                let key = context.passphrase().open(context.ui, locked).await?;
                unlock_device_key(folder, &before, &key)?;
                "unlocked: the device key is in a file that only you can read"
            }
        };
        context.ui.summary(&KeyKept { device_key: KeyPlace::File.code() }, done)
    }
}

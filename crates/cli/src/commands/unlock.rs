//! `unlock`: takes the lock off the device key, or spares a person the passphrase for a while.

use core::num::NonZeroU32;

use anonicloud_client::state::{KeyFile, unlock_device_key};
use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::passphrase::KeyPlace;
use crate::report::KeyKept;
use crate::units;

/// Take the passphrase, or the keyring, off the device key
///
/// The key is again in a file that only you can read, and nothing more is needed to open it.
///
/// With --for, the file stays locked, and the kernel remembers what opens it for that time (keyutils), in memory alone: no command
/// of yours asks for the passphrase until then, until a restart, or until `lock --forget`. Any program that you run may ask the
/// kernel meanwhile.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud unlock
  anonicloud unlock --for 15m
  anonicloud unlock --passphrase-file /media/stick/passphrase")]
pub(crate) struct Arguments {
    /// Only spare the passphrase for so long, a day at most: 90s, 15m, 2h
    #[arg(long = "for", value_name = "TIME", value_parser = units::seconds)]
    time: Option<NonZeroU32>,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let folder = context.state_directory();
        let before = KeyFile::read(folder)?.ok_or(CliError::NotSignedIn)?;
        let done = match (&before, self.time) {
            (KeyFile::Plain(_), _) => "the device key is not locked",
            (KeyFile::Keyring(_), Some(_)) => "the keyring of the system opens the device key: nobody is asked",
            (KeyFile::Passphrase(lock), Some(time)) => {
                context.passphrase().with(context.ui, |passphrase| lock.remember(passphrase, time)).await?;
                "the passphrase is not asked for until then, or until `anonicloud lock --forget`"
            }
            (KeyFile::Passphrase(lock), None) => {
                let key = context.passphrase().open(context.ui, lock).await?;
                unlock_device_key(folder, &before, &key).await?;
                UNLOCKED
            }
            (KeyFile::Keyring(lock), None) => {
                unlock_device_key(folder, &before, &lock.open(folder).await?).await?;
                UNLOCKED
            }
        };
        context.ui.summary(&KeyKept { device_key: KeyPlace::of(folder)?.code() }, done)
    }
}

const UNLOCKED: &str = "unlocked: the device key is in a file that only you can read";

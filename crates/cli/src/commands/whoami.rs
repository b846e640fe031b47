//! `whoami`: the account and device that this state folder is signed in to.

use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::passphrase::KeyPlace;
use crate::report::Identity;

/// Show the account and this device
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  anonicloud whoami")]
pub(crate) struct Arguments {}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let who = client.whoami().await?;
        let kept = KeyPlace::of(context.state_directory())?;
        let identity = Identity {
            handle: &who.handle,
            account_id: &who.account_id,
            device_id: &who.device_id,
            server: &who.server,
            devices: who.devices,
            device_key: kept.code(),
        };
        context.ui.answer(&identity, |out| {
            writeln!(out, "handle:   {}", identity.handle)?;
            writeln!(out, "account:  {}", identity.account_id)?;
            writeln!(out, "device:   {} (one of {})", identity.device_id, identity.devices)?;
            writeln!(out, "server:   {}", identity.server)?;
            writeln!(out, "key:      {}", kept.sentence())
        })
    }
}

//! `logout`: takes this device off the account and wipes the local state.

use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::report::SignedOut;

/// Take this device off the account and wipe the local state
///
/// Files on the server stay. Transfers that are not finished would be lost, so they hold a logout back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  anonicloud logout\n  anonicloud logout --force")]
pub(crate) struct Arguments {
    /// Give up transfers that are not finished
    #[arg(long)]
    force: bool,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        if !self.force {
            let waiting = client.queue().await?.len();
            if waiting > 0 {
                return Err(CliError::TransfersWaiting(waiting as u64));
            }
        }
        let report = client.logout().await?;
        let text = if report.server_told {
            "signed out"
        } else {
            "signed out here; the server could not be told, so it still lists this device"
        };
        context.ui.summary(&SignedOut { server_told: report.server_told }, text)
    }
}

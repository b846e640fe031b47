//! Whether the server is asked before this device answers.

use clap::Args;

use crate::context::{Context, NativeClient};
use crate::error::CliError;

/// The option of what only looks.
#[derive(Debug, Args)]
pub(super) struct Offline {
    /// Answer from what this device keeps, as of the last time it asked the server; nothing is sent
    #[arg(long)]
    offline: bool,
}

impl Offline {
    /// The client of the account that this device is signed in to.
    pub(super) async fn client(&self, context: &Context) -> Result<NativeClient, CliError> {
        let client = context.client().await?;
        Ok(if self.offline { client.offline() } else { client })
    }
}

//! `cancel`: gives up a transfer that is not finished.

use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::report::Cancelled;

/// Give up a transfer that is not finished
///
/// What it sent and did not finish goes from the server; files that were finished stay.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  anonicloud cancel ID    with an ID of `anonicloud status`")]
pub(crate) struct Arguments {
    /// Which one; see `anonicloud status`
    #[arg(value_name = "ID")]
    id: String,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        client.forget(&self.id).await?;
        context.ui.summary(&Cancelled { cancelled: &self.id }, &format!("gave up {}", self.id))
    }
}

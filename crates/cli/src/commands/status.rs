//! `status`: transfers that wait to be finished.

use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::escape;
use crate::report::{Queue, Transfer};

/// Show transfers that are not finished
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  anonicloud status")]
pub(crate) struct Arguments {}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let transfers = client.queue().await?.iter().map(Transfer::from).collect();
        let queue = Queue { transfers };
        context.ui.answer(&queue, |out| {
            if queue.transfers.is_empty() {
                return writeln!(out, "nothing waits");
            }
            for transfer in &queue.transfers {
                if transfer.sources.is_empty() {
                    writeln!(out, "{}  a stream that was cut; what it sent goes with the next transfer", transfer.id)?;
                }
                for source in &transfer.sources {
                    let (local, remote) = (escape::sentence(&source.local), escape::sentence(&source.remote));
                    writeln!(out, "{}  {local} to {remote}", transfer.id)?;
                }
            }
            writeln!(out, "\nrun `anonicloud resume` to go on")
        })
    }
}

//! `mv`: moves and renames.

use clap::Args;

use super::target::relocations;
use crate::context::Context;
use crate::error::CliError;
use crate::paths::RemoteArgument;
use crate::report::Changed;

/// Move or rename files and folders
///
/// Nothing is sent again: only names change.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  anonicloud mv /a.txt /b.txt\n  anonicloud mv /a.jpg /b.jpg /Photos/")]
pub(crate) struct Arguments {
    /// Paths in the cloud
    #[arg(required = true, num_args = 1.., value_name = "SOURCE", value_parser = RemoteArgument::parser())]
    sources: Vec<RemoteArgument>,
    /// The new name, or the folder to go into
    #[arg(value_name = "TARGET", value_parser = RemoteArgument::parser())]
    target: RemoteArgument,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        client.refuse_halted().await?;
        let mut changed = Vec::with_capacity(self.sources.len());
        for relocation in relocations(&client, &self.sources, &self.target).await? {
            client.rename(&relocation.from, &relocation.place).await?;
            context.ui.note(&format!("moved {} to {}", relocation.from, relocation.to))?;
            changed.push(relocation.to);
        }
        context.ui.object(&Changed::new(&changed))
    }
}

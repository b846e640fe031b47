//! `mkdir`: makes folders.

use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::paths::RemoteArgument;
use crate::report::Changed;

/// Make folders
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  anonicloud mkdir /Photos\n  anonicloud mkdir -p /Photos/2026/summer")]
pub(crate) struct Arguments {
    /// Paths in the cloud
    #[arg(required = true, value_name = "PATH", value_parser = RemoteArgument::parser())]
    paths: Vec<RemoteArgument>,
    /// Make the folders above too, and do not mind one that is there
    #[arg(long, short)]
    parents: bool,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        for argument in &self.paths {
            client.make_directory(&argument.path, self.parents).await?;
        }
        let made: Vec<_> = self.paths.iter().map(|argument| argument.path.clone()).collect();
        let shown: Vec<_> = made.iter().map(ToString::to_string).collect();
        context.ui.summary(&Changed::new(&made), &format!("made {}", shown.join(", ")))
    }
}

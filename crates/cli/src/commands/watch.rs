//! `watch`: what other devices change, as it comes.

use anonicloud_client::path::RemotePath;
use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::escape;
use crate::paths::RemoteArgument;
use crate::report::{ChangedPath, Watching};

/// Tell what changes in the cloud, as it comes
///
/// One line a path: `added`, `changed`, `removed` or `moved`. What is in a new folder is told too; a folder that is gone
/// or moved stands for what is in it. A server that is away is asked again until it is back, and what was missed
/// meanwhile is told then. Ctrl-C ends it. With --json each line is an object; the first says that it has begun.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud watch
  anonicloud watch /Photos
  anonicloud watch --once /inbox && anonicloud get /inbox .
  anonicloud watch --json / | jq -r 'select(.event == \"added\").path'")]
pub(crate) struct Arguments {
    /// Path in the cloud; nothing needs to be there yet
    #[arg(value_name = "PATH", default_value = "/", value_parser = RemoteArgument::parser())]
    path: RemoteArgument,
    /// End after the first changes
    #[arg(long)]
    once: bool,
}

impl Arguments {
    /// Whether it ends by what comes.
    pub(super) const fn is_once(&self) -> bool {
        self.once
    }

    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let mut watch = client.watch(&self.path.path).await?;
        Self::tell_begun(context, &self.path.path)?;
        loop {
            for change in client.next_changes(&mut watch).await? {
                let changed = ChangedPath::new(&change);
                context.ui.answer(&changed, |out| changed.write(out, context.ui.stdout_is_terminal()))?;
            }
            if self.once {
                return Ok(());
            }
        }
    }

    /// From here on nothing is missed.
    fn tell_begun(context: &Context, path: &RemotePath) -> Result<(), CliError> {
        let path = path.to_bytes();
        if context.ui.is_json() {
            return context.ui.object(&Watching::new(&path));
        }
        context.ui.note(&format!("watching {}: Ctrl-C ends it", escape::name(&path)))
    }
}

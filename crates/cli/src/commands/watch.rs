//! `watch`: what other devices change, as it comes.

use core::convert::Infallible;
use core::time::Duration;

use anonicloud_client::path::RemotePath;
use anonicloud_client::watch::Watch;
use clap::Args;

use crate::context::{Context, NativeClient};
use crate::error::CliError;
use crate::escape;
use crate::paths::RemoteArgument;
use crate::report::{ChangedPath, Watching};

/// Tell what changes in the cloud, as it comes
///
/// One line a path: `added`, `changed`, `removed` or `moved`. What is in a new folder is told too; a folder that is gone
/// or moved stands for what is in it. A server that is away is asked again until it is back, and what was missed
/// meanwhile is told then. Ctrl-C ends it. With --json each line is an object; the first says that it has begun.
///
/// With --upkeep, or `upkeep = true` in the config file, it also gives back the room of what was removed or replaced, as
/// `reclaim` does, once a day if anything changed since.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud watch
  anonicloud watch /Photos
  anonicloud watch --upkeep
  anonicloud watch --once /inbox && anonicloud get /inbox .
  anonicloud watch --json / | jq -r 'select(.event == \"added\").path'")]
pub(crate) struct Arguments {
    /// Path in the cloud; nothing needs to be there yet
    #[arg(value_name = "PATH", default_value = "/", value_parser = RemoteArgument::parser())]
    path: RemoteArgument,
    /// End after the first changes
    #[arg(long, conflicts_with = "upkeep")]
    once: bool,
    /// Give back room once a day, as `reclaim` does
    #[arg(long)]
    upkeep: bool,
}

/// How often it is looked whether upkeep is due.
const UPKEEP_EVERY: Duration = Duration::from_hours(1);

/// Gives back room whenever that is due, by a client of its own: what is watched is told meanwhile.
async fn keep_up(context: &Context) -> Infallible {
    loop {
        // What fails is tried again another day, and `reclaim` says why.
        if let Ok(client) = context.client().await
            && let Ok(Some(swept)) = client.upkeep().await
        {
            // Where not even a line can be written to stderr, the watch itself will fail to tell.
            drop(super::reclaim::warn(context.ui, swept.kept, swept.missing, false));
        }
        tokio::time::sleep(UPKEEP_EVERY).await;
    }
}

impl Arguments {
    /// Whether it ends by what comes.
    pub(super) const fn is_once(&self) -> bool {
        self.once
    }

    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        if self.upkeep {
            client.refuse_halted().await?;
        }
        let mut watch = client.watch(&self.path.path).await?;
        Self::tell_begun(context, &self.path.path)?;
        if self.once || !(self.upkeep || context.wants_upkeep()) {
            return self.tell_changes(context, &client, &mut watch).await;
        }
        // Both are large, and few programs run them.
        let tell = Box::pin(self.tell_changes(context, &client, &mut watch));
        let keep_up = Box::pin(keep_up(context));
        tokio::select! {
            told = tell => told,
            never = keep_up => match never {},
        }
    }

    async fn tell_changes(&self, context: &Context, client: &NativeClient, watch: &mut Watch) -> Result<(), CliError> {
        loop {
            for change in client.next_changes(watch).await? {
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

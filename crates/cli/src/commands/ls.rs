//! `ls`: what is in a folder.

use std::io::{self, Write};

use anonicloud_client::item::Item;
use clap::Args;

use super::listing::write_long;
use super::walked::{self, Walked};
use crate::context::{Context, NativeClient};
use crate::error::CliError;
use crate::escape;
use crate::paths::RemoteArgument;
use crate::report::{Listed, Listing};
use crate::ui::write_stdout;

/// List a folder
///
/// One name a line. On a terminal, characters of a name that would act on it are shown as escapes; into a pipe names go
/// as they are, so end them with NUL if they may hold line breaks.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud ls
  anonicloud ls -l /Photos
  anonicloud ls -R -0 / | xargs -0 -n1 echo
  anonicloud ls --json /Photos | jq '.items[].path'")]
pub(crate) struct Arguments {
    /// Path in the cloud
    #[arg(value_name = "PATH", default_value = "/", value_parser = RemoteArgument::parser())]
    path: RemoteArgument,
    /// Show type, permissions, size and time (UTC)
    #[arg(long, short)]
    long: bool,
    /// List all that is below, too
    #[arg(long, short = 'R')]
    recursive: bool,
    /// End each name with NUL instead of a line break, unescaped
    #[arg(long, short = '0', conflicts_with_all = ["long", "json"])]
    null: bool,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let items = self.items(&client).await?;
        if context.ui.is_json() {
            let items = items.iter().map(|walked| Listed::new(&walked.path, &walked.item)).collect();
            return context.ui.object(&Listing { items });
        }
        let escaped = context.ui.stdout_is_terminal();
        write_stdout(|out| items.iter().try_for_each(|walked| self.write(out, walked, escaped)))
    }

    async fn items(&self, client: &NativeClient) -> Result<Vec<Walked>, CliError> {
        if self.recursive {
            return walked::below(client, &self.path.path).await;
        }
        Ok(client.list(&self.path.path).await?.into_iter().map(named).collect())
    }

    fn write(&self, out: &mut dyn Write, walked: &Walked, escaped: bool) -> io::Result<()> {
        if self.long {
            return write_long(out, &walked.path, &walked.item);
        }
        if escaped && !self.null {
            return writeln!(out, "{}", escape::name(&walked.path));
        }
        out.write_all(&walked.path)?;
        out.write_all(if self.null { b"\0" } else { b"\n" })
    }
}

fn named(item: Item) -> Walked {
    Walked { path: item.name.clone(), depth: 1, item }
}

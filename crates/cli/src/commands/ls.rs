//! `ls`: what is in a folder.

use std::io::{self, Write};

use anonicloud_client::item::Item;
use clap::Args;

use super::listing::write_long;
use super::offline::Offline;
use super::walked;
use crate::context::Context;
use crate::error::CliError;
use crate::escape;
use crate::paths::RemoteArgument;
use crate::report::Listed;

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
    #[command(flatten)]
    offline: Offline,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = self.offline.client(context).await?;
        let (escaped, mut items) = (context.ui.stdout_is_terminal(), context.ui.items());
        let mut show = |path: &[u8], item: &Item| {
            items.item(|| Listed::new(path, item), |out| self.write(out, path, item, escaped))
        };
        if self.recursive {
            walked::below(&client, &self.path.path, |walked| show(walked.path, walked.item)).await?;
        } else {
            let mut list = client.list(&self.path.path).await?;
            list.try_for_each(|item| show(&item.name, &item)).map_err(CliError::Output)?;
        }
        items.end()
    }

    fn write(&self, out: &mut dyn Write, path: &[u8], item: &Item, escaped: bool) -> io::Result<()> {
        if self.long {
            return write_long(out, path, item);
        }
        if escaped && !self.null {
            return writeln!(out, "{}", escape::name(path));
        }
        out.write_all(path)?;
        out.write_all(if self.null { b"\0" } else { b"\n" })
    }
}

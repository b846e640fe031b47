//! `quota`: how much the account holds on the server.

use clap::Args;
use indicatif::HumanBytes;

use crate::context::Context;
use crate::error::CliError;
use crate::report::Space;

/// Show how much is stored and how much may be
///
/// The server counts what it sees: encrypted pieces with their padding. That is a little more than the files. What was
/// removed or replaced counts until `anonicloud reclaim` releases it, and 30 days more.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  anonicloud quota")]
pub(crate) struct Arguments {}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let quota = client.quota().await?;
        let space = Space {
            used: quota.used,
            released: quota.released.bytes,
            released_until: quota.released.free_from,
            reserved: quota.reserved,
            quota: quota.quota,
            free: quota.quota.saturating_sub(quota.used).saturating_sub(quota.reserved),
        };
        context.ui.answer(&space, |out| {
            writeln!(out, "used:      {}", HumanBytes(space.used))?;
            if let Some(date) = &space.released_until {
                let released = HumanBytes(space.released);
                writeln!(
                    out,
                    "released:  {released} of that; free on {date} if the server runs each day, or by `anonicloud reclaim --now`"
                )?;
            }
            writeln!(out, "reserved:  {} for uploads that are not finished", HumanBytes(space.reserved))?;
            writeln!(out, "free:      {} of {}", HumanBytes(space.free), HumanBytes(space.quota))
        })
    }
}

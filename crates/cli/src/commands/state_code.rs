//! `state-code`: twelve digits by which two devices see that they were shown the same.

use clap::Args;

use super::offline::Offline;
use crate::context::Context;
use crate::error::CliError;
use crate::report::StateCode;

/// Show twelve digits to compare with another device
///
/// They stand for the newest change and for all before it. Two devices of an account that show the same digits were shown the same
/// history; other digits, at the same number, mean that the server shows them two: see `halt`. At another number one of the two
/// has not looked since: look again on both.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud state-code
  anonicloud state-code --offline")]
pub(crate) struct Arguments {
    #[command(flatten)]
    offline: Offline,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let (seq, code) = self.offline.client(context).await?.state_code().await?;
        let answer = StateCode { code: code.to_string(), seq };
        context.ui.answer(&answer, |out| writeln!(out, "{}  (change {seq})", answer.code))
    }
}

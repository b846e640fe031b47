//! `reclaim`: gives back the room of what was removed or replaced.

use std::path::PathBuf;

use anonicloud_client::reclaim::PasswordProof;
use clap::{ArgGroup, Args};
use indicatif::HumanBytes;

use crate::context::Context;
use crate::error::CliError;
use crate::report::Reclaimed;
use crate::secrets::{self, PasswordSource};

/// Give back the room of what was removed or replaced
///
/// What no file and no folder needs any more is released; the server keeps it for 30 days, so that nobody who has this
/// device, but not the password, can destroy anything. Until then it counts. `put`, `rm` and `mv` release by themselves
/// once a day. With --now it is gone at once, for good, and the password is asked for.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("password_from").requires("now"))]
#[command(after_help = "\
Examples:
  anonicloud reclaim
  anonicloud reclaim --dry-run
  anonicloud reclaim --now
  pass show anonicloud | anonicloud reclaim --now --password-stdin")]
pub(crate) struct Arguments {
    /// Free at once what is released, for good; asks for the password
    #[arg(long)]
    now: bool,
    /// Only show what would be released
    #[arg(long, conflicts_with = "now")]
    dry_run: bool,
    #[command(flatten)]
    password: PasswordSource,
    /// Ask for the account key too
    #[arg(long, conflicts_with = "account_key_file", requires = "now")]
    account_key: bool,
    /// Take the account key from the first line of FILE
    #[arg(long, value_name = "FILE", requires = "now")]
    account_key_file: Option<PathBuf>,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let (swept, freed) = if self.dry_run {
            (client.find_unused().await?, 0)
        } else if self.now {
            client.reclaim_now(self.proof().await?).await?
        } else {
            (client.sweep().await?, 0)
        };
        let waiting = client.quota().await?.released;
        let reclaimed = Reclaimed {
            dry_run: self.dry_run,
            released: swept.bytes,
            released_blobs: swept.blobs,
            freed,
            waiting: waiting.bytes,
            waiting_until: waiting.free_from,
        };
        context.ui.summary(&reclaimed, &sentence(&reclaimed, self.now))
    }

    async fn proof(&self) -> Result<PasswordProof, CliError> {
        let password = match self.password.read()? {
            Some(password) => password,
            None => secrets::ask_hidden("password: ", "password").await?,
        };
        let account_key = match &self.account_key_file {
            Some(file) => Some(secrets::read_file(file, "account key")?),
            None if self.account_key => Some(secrets::ask_hidden("account key: ", "account key").await?),
            None => None,
        };
        Ok(PasswordProof { password, account_key })
    }
}

fn sentence(reclaimed: &Reclaimed, now: bool) -> String {
    let bytes = HumanBytes;
    if now {
        return format!("freed {}", bytes(reclaimed.freed));
    }
    let verb = if reclaimed.dry_run { "would release" } else { "released" };
    let waiting = match &reclaimed.waiting_until {
        Some(date) => format!("{} released in all, free on {date} at the latest", bytes(reclaimed.waiting)),
        None => "nothing is waiting to be freed".to_owned(),
    };
    format!("{verb} {}; {waiting}", bytes(reclaimed.released))
}

//! `reclaim`: gives back the room of what was removed or replaced.

use std::path::PathBuf;

use anonicloud_client::reclaim::{PasswordProof, RepackReport, SweepReport};
use clap::{ArgGroup, Args};
use indicatif::HumanBytes;

use crate::context::{Context, NativeClient};
use crate::error::CliError;
use crate::report::Reclaimed;
use crate::secrets::{self, PasswordSource};
use crate::ui::Ui;

/// Give back the room of what was removed or replaced
///
/// What no file and no folder needs any more is released; the server keeps it for 30 days on which it runs, and until then
/// it counts. What lives in packs that are mostly dead is sent anew first, so that these packs are released too;
/// --now leaves that to a run before it. Other devices that sent something meanwhile lose nothing; update AnoniCloud on each of them before the first
/// reclaim. With --now it is gone at once, for good: the password is asked for, what is freed is shown, and you are asked
/// once more.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("password_from").requires("now"))]
#[command(after_help = "\
Examples:
  anonicloud reclaim
  anonicloud reclaim --dry-run
  anonicloud reclaim --now
  pass show anonicloud | anonicloud reclaim --now --yes --password-stdin")]
pub(crate) struct Arguments {
    /// Free at once all that is released, for good; asks for the password
    #[arg(long)]
    now: bool,
    /// Only show what would be released
    #[arg(long, short = 'n', conflicts_with = "now")]
    dry_run: bool,
    /// Free it without asking once more
    #[arg(long, short, requires = "now")]
    yes: bool,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    key: KeySource,
}

/// Where the account key comes from, of an account that has one.
#[derive(Debug, Args)]
struct KeySource {
    /// Ask for the account key too
    #[arg(long, conflicts_with = "account_key_file", requires = "now")]
    account_key: bool,
    /// Take the account key from the first line of FILE
    #[arg(long, value_name = "FILE", requires = "now")]
    account_key_file: Option<PathBuf>,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        if self.now && !self.yes && !context.ui.is_interactive() {
            return Err(CliError::FreeingUnconfirmed);
        }
        let client = context.client().await?;
        if !self.dry_run {
            client.refuse_halted().await?;
        }
        let (repacked, swept, freed) = if self.dry_run {
            (client.find_sparse().await?, client.find_unused().await?, 0)
        } else if self.now {
            // What was just moved stays where it was for who reads it now: it is not freed by the run that moves it.
            let (swept, freed) = self.free(context, &client).await?;
            (RepackReport::default(), swept, freed)
        } else {
            let repacked = client.repack(&context.bar()).await;
            // Whatever became of that, what nothing needs is released.
            let swept = client.sweep().await?;
            (repacked?, swept, 0)
        };
        let waiting = client.quota().await?.released;
        let reclaimed = Reclaimed {
            dry_run: self.dry_run,
            repacked_packs: repacked.packs,
            repacked: repacked.bytes,
            moved: repacked.sent,
            left_files: repacked.left,
            short_of_room: repacked.is_short_of_room,
            under_way: repacked.is_under_way,
            released: swept.bytes,
            released_blobs: swept.blobs,
            kept_blobs: swept.kept,
            missing_blobs: swept.missing,
            freed,
            waiting: waiting.bytes,
            waiting_since: waiting.since,
            waiting_until: waiting.free_from,
        };
        tell(context.ui, &reclaimed)?;
        context.ui.summary(&reclaimed, &sentence(&reclaimed, self.now))
    }

    /// Frees what is released, when somebody says so who was shown how much it is; gives also the bytes that were freed.
    async fn free(&self, context: &Context, client: &NativeClient) -> Result<(SweepReport, u64), CliError> {
        let freeing = client.prepare_to_free(self.proof().await?).await?;
        let (swept, released) = (freeing.swept(), freeing.released());
        let Some(since) = &released.since else {
            return Ok((swept, 0));
        };
        let what = format!("{}, released since {since}", HumanBytes(released.bytes));
        if self.yes {
            context.ui.note(&format!("freeing {what}"))?;
        } else {
            let answer = context.ask(&format!("free {what}, for good? [y/N] ")).await?;
            if !matches!(answer.to_lowercase().as_str(), "y" | "yes") {
                return Ok((swept, 0));
            }
        }
        Ok((swept, client.free(freeing).await?))
    }

    async fn proof(&self) -> Result<PasswordProof, CliError> {
        let password = match self.password.read().await? {
            Some(password) => password,
            None => secrets::ask_hidden("password: ", "password").await?,
        };
        let account_key = match &self.key.account_key_file {
            Some(file) => Some(secrets::read_file(file, "account key").await?),
            None if self.key.account_key => Some(secrets::ask_hidden("account key: ", "account key").await?),
            None => None,
        };
        Ok(PasswordProof { password, account_key })
    }
}

/// Says what was repacked and what was not, and what is wrong.
fn tell(ui: Ui, reclaimed: &Reclaimed) -> Result<(), CliError> {
    if reclaimed.repacked_packs > 0 {
        let (packs, sent) = (HumanBytes(reclaimed.repacked), HumanBytes(reclaimed.moved));
        let text = if reclaimed.dry_run {
            format!(
                "{packs} in packs that are mostly dead would be released too, for which at most {sent} would be sent"
            )
        } else {
            format!("repacked {packs} that were mostly dead, for which {sent} were sent")
        };
        ui.note(&text)?;
    }
    if reclaimed.under_way {
        ui.tell("another process of this device repacks now: what it moves is released by the next reclaim")?;
    }
    if reclaimed.left_files > 0 {
        let left = reclaimed.left_files;
        ui.tell(&format!(
            "{left} files stay in packs that are mostly dead: run it again; `anonicloud check` finds damage"
        ))?;
    }
    if reclaimed.short_of_room {
        ui.tell("more could be given back if more of the quota were free: repacking needs room for a while")?;
    }
    warn(ui, reclaimed.kept_blobs, reclaimed.missing_blobs, reclaimed.dry_run)
}

/// Says what another sweep got wrong, and what is gone.
pub(super) fn warn(ui: Ui, kept: u64, missing: u64, dry_run: bool) -> Result<(), CliError> {
    if kept > 0 {
        let done = if dry_run { "would be kept" } else { "was kept" };
        ui.tell(&format!("warning: a sweep had released what is needed: {kept} of the stored pieces; it {done}"))?;
    }
    if missing > 0 {
        ui.tell(&format!("warning: the server does not have {missing} of the pieces that files and folders need"))?;
    }
    Ok(())
}

fn sentence(reclaimed: &Reclaimed, now: bool) -> String {
    let bytes = HumanBytes;
    if now {
        return format!("freed {}", bytes(reclaimed.freed));
    }
    let verb = if reclaimed.dry_run { "would release" } else { "released" };
    let waiting = match &reclaimed.waiting_until {
        Some(date) => {
            format!("{} released in all, free on {date} if the server runs each day", bytes(reclaimed.waiting))
        }
        None => "nothing is waiting to be freed".to_owned(),
    };
    format!("{verb} {}; {waiting}", bytes(reclaimed.released))
}

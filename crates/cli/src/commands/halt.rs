//! `halt`: why this device does not write any more, the evidence, and how a person goes on.

use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anonicloud_client::halt::Acceptance;
use clap::Args;
use fs_err::File;
use fs_err::os::unix::fs::OpenOptionsExt as _;

use crate::context::{Context, NativeClient};
use crate::error::CliError;
use crate::escape;
use crate::report::{Accepting, Halted, LostPaths};

/// Names that are shown when a person is asked.
const NAMES_ASKED: usize = 20;

/// Show why this device does not write any more, and go on
///
/// A server that shows an older state than this device knows, or another history, was put back from a backup, or lies. From
/// then on this device changes nothing there: commands that would change something fail with `space_halted`. It still reads, also
/// with --offline. What the server showed is kept, with a signature that only the keys of the space make, and stays when you go
/// on: the first time and the newest 15. `logout` removes it: write it to a file before.
///
/// Ask the operator first. With --accept-loss this device verifies all that the server shows now, from its beginning, and takes
/// it for the newest, after it has asked; with --dry-run it only tells what is lost. That is told as far as this device had read
/// it, by path: what another device removed or moved since is among it. Nothing is put back by itself: look whether another
/// device or a folder still has it, and `put` that again. Each device of the account is asked for itself. One that knows of
/// devices which the server lost has to `logout` and `login` instead.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud halt
  anonicloud halt --output evidence.json
  anonicloud halt --accept-loss --dry-run
  anonicloud halt --accept-loss
  anonicloud halt --accept-loss --yes --json")]
pub(crate) struct Arguments {
    /// Also write the evidence to FILE, which must not be there; it holds no key, no name and no content
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Take what the server shows now for the newest
    #[arg(long)]
    accept_loss: bool,
    /// Show what would be lost, and accept nothing
    #[arg(long, short = 'n', requires = "accept_loss")]
    dry_run: bool,
    /// Accept it without asking
    #[arg(long, short, requires = "accept_loss")]
    yes: bool,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        if self.accept_loss && !self.yes && !self.dry_run && !context.ui.is_interactive() {
            return Err(CliError::LossUnconfirmed);
        }
        let client = context.client().await?;
        let halted = Halted::new(&client.halts().await?);
        // First, so that a loss is not accepted when the evidence cannot be kept.
        let mut file = self.output.as_deref().map(create).transpose().map_err(CliError::EvidenceUnwritten)?;
        write(file.as_mut(), &halted).map_err(CliError::EvidenceUnwritten)?;
        if self.accept_loss {
            return self.accept(context, &client, halted, file).await;
        }
        context.ui.answer(&halted, |out| halted.write(out))
    }

    /// Goes on from what the server shows now, when somebody says so who was told what that is.
    async fn accept(
        &self,
        context: &Context,
        client: &NativeClient,
        halted: Halted,
        mut file: Option<File>,
    ) -> Result<(), CliError> {
        context.ui.note("verifying all that the server shows, from its beginning, and looking for what is lost ...")?;
        let acceptance = client.prepare_to_accept().await?;
        if self.dry_run {
            let answer = Accepting::new(halted, acceptance.lost());
            context.ui.answer(&answer, |out| answer.write(out))?;
            return context.ui.note(&sentence(&acceptance));
        }
        if !self.is_confirmed(context, &acceptance).await? {
            return context.ui.answer(&halted, |out| halted.write(out));
        }
        let lost = LostPaths::new(acceptance.lost());
        client.accept(acceptance).await?;
        let halted = Halted::new(&client.halts().await?);
        let written = write(file.as_mut(), &halted).map_err(CliError::EvidenceUnwritten);
        let answer = Accepting::with(halted, lost);
        context.ui.answer(&answer, |out| answer.write(out))?;
        written
    }

    async fn is_confirmed(&self, context: &Context, acceptance: &Acceptance) -> Result<bool, CliError> {
        let mut what = sentence(acceptance);
        if self.yes {
            context.ui.note(&what)?;
            return Ok(true);
        }
        let lost = acceptance.lost();
        let names =
            lost.named.iter().take(NAMES_ASKED).map(|lost| format!("\n  {}", escape::name(&lost.path.to_bytes())));
        what.extend(names);
        if lost.count() > NAMES_ASKED as u64 {
            what += "\n  and more, which --dry-run shows";
        }
        let answer = context.ask(&format!("{what}\ngo on from there? [y/N] ")).await?;
        Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
    }
}

/// A file that is not there yet.
fn create(path: &Path) -> io::Result<File> {
    fs_err::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Writes all of it anew, if there is a file; durable when this returns.
fn write(file: Option<&mut File>, halted: &Halted) -> io::Result<()> {
    let Some(file) = file else { return Ok(()) };
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(halted.evidence().as_bytes())?;
    file.sync_all()
}

fn sentence(acceptance: &Acceptance) -> String {
    let (known, shown) = (acceptance.known_seq(), acceptance.shown_seq());
    if !acceptance.is_loss() {
        return format!("the server shows changes up to number {shown}, and nothing that this device knows is lost");
    }
    let what = if shown < known {
        format!("the server shows none after number {shown}, and perhaps others before")
    } else {
        format!("the server shows others, up to number {shown}")
    };
    let lost = match acceptance.lost().count() {
        0 => "nothing that this device has read".to_owned(),
        lost => format!("{lost} of what this device has read"),
    };
    format!("this device knows changes up to number {known}, and {what}; not there as it was: {lost}")
}

//! `signup`: makes an account, and sees to it that its recovery words are kept.

use std::path::PathBuf;

use anonicloud_client::ErrorKind;
use anonicloud_client::session::{NewAccount, SignUpDraft, check_password, generate_handle, generate_passphrase};
use clap::Args;
use zeroize::Zeroizing;

use super::recovery;
use crate::context::{Beginning, Context};
use crate::error::CliError;
use crate::report::SignedIn;
use crate::secrets::{self, PasswordSource};

/// Make an account
///
/// Nothing but a handle and a password is asked for. 24 recovery words are shown once, and three of them are asked
/// back; with --recovery-file they go to a file instead. Keep them: they are what a forgotten password will be replaced with
/// (no command does that yet), and the operator of the server cannot help.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud signup --server https://cloud.example.org
  anonicloud signup --server https://cloud.example.org --handle alice --account-key
  anonicloud signup --server https://cloud.example.org --invite-file invite
  anonicloud signup --handle backup-host --password-file pw --recovery-file words --json")]
pub(crate) struct Arguments {
    /// The public name; one is made up if there is nobody to ask
    #[arg(long, value_name = "HANDLE")]
    handle: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
    /// Make a password of six random words and show it
    #[arg(long, group = "password_from")]
    generate_password: bool,
    /// Make an account key too: with it, even who has the server's whole disk cannot guess the password
    #[arg(long)]
    account_key: bool,
    /// Take an invite from the first line of FILE, for a server that wants one; without it, it is asked for
    #[arg(long, value_name = "FILE", env = "ANONICLOUD_INVITE_FILE")]
    invite_file: Option<PathBuf>,
    /// Write the recovery words, and the account key, to a new file that only you can read
    #[arg(long, value_name = "FILE")]
    recovery_file: Option<PathBuf>,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        if self.recovery_file.is_none() && !context.ui.is_interactive() {
            return Err(CliError::WordsUnconfirmed);
        }
        let Beginning { address, remote, state } = context.beginning().await?;
        let handle = self.choose_handle(context).await?;
        let password = self.choose_password(context, &handle).await?;
        let generated = self.generate_password.then(|| password.clone());
        let account = |invite| NewAccount {
            handle: handle.clone(),
            password: password.clone(),
            account_key: self.account_key,
            invite,
        };
        let invite = match &self.invite_file {
            Some(file) => Some(secrets::read_file(file, "invite").await?),
            None => None,
        };
        let draft = match SignUpDraft::begin(&remote, account(invite)).await {
            Err(error) if error.code() == "invite_required" && context.ui.is_interactive() => {
                let invite = secrets::ask_hidden("invite: ", "invite").await?;
                SignUpDraft::begin(&remote, account(Some(invite))).await?
            }
            begun => begun?,
        };
        let words = match &self.recovery_file {
            Some(file) => recovery::write(file, &draft)?,
            None => recovery::confirm(context, &draft).await?,
        };
        let handle = draft.handle().to_owned();
        if let Err(error) = draft.finish(remote, state, &address, &words).await {
            if let Some(file) = &self.recovery_file {
                // No account was made for certain only when the server said so; else the words may be needed.
                if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Usage | ErrorKind::Auth) {
                    fs_err::remove_file(file).ok();
                } else {
                    context.ui.tell(&format!("{} is kept: the account may have been made", file.display()))?;
                }
            }
            return Err(error.into());
        }
        let signed_in = SignedIn {
            handle: &handle,
            server: &address.url,
            recovery_file: self.recovery_file.as_ref().map(|file| file.display().to_string()),
            password: generated.as_ref().map(|password| password.as_str()),
        };
        context.ui.answer(&signed_in, |out| {
            writeln!(out, "handle:    {handle}")?;
            signed_in.password.map_or(Ok(()), |password| writeln!(out, "password:  {password}"))
        })
    }

    async fn choose_handle(&self, context: &Context) -> Result<String, CliError> {
        if let Some(handle) = &self.handle {
            return Ok(handle.clone());
        }
        let made_up = generate_handle();
        if !context.ui.is_interactive() {
            return Ok(made_up);
        }
        let typed = context.ask(&format!("handle (Enter takes {made_up}): ")).await?;
        Ok(if typed.is_empty() { made_up } else { typed.to_string() })
    }

    async fn choose_password(&self, context: &Context, handle: &str) -> Result<Zeroizing<String>, CliError> {
        if self.generate_password {
            return Ok(generate_passphrase());
        }
        if let Some(password) = self.password.read().await? {
            check_password(&password, handle, self.account_key)?;
            return Ok(password);
        }
        let offered = generate_passphrase();
        context.ui.tell("A password that nobody guesses:")?;
        for part in ["\n    ", offered.as_str(), "\n\n"] {
            context.ui.show_secret(part)?;
        }
        loop {
            let typed = secrets::ask_hidden("password (Enter takes the one above): ", "password").await?;
            if typed.is_empty() {
                return Ok(offered);
            }
            if let Err(error) = check_password(&typed, handle, self.account_key) {
                context.ui.refusal(&CliError::from(error).report());
                continue;
            }
            let again = secrets::ask_hidden("the same once more: ", "password").await?;
            if *again == *typed {
                return Ok(typed);
            }
            context.ui.tell("These were two different passwords.")?;
        }
    }
}

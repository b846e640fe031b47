//! `login`: signs this device in to an account that exists.

use std::path::PathBuf;

use anonicloud_client::session::{Credentials, login};
use clap::Args;

use crate::context::{Beginning, Context};
use crate::error::CliError;
use crate::report::SignedIn;
use crate::secrets::{self, PasswordSource};

/// Sign this device in to an account
///
/// The password is asked for without showing it, or read from a file or stdin; it is never an argument, since other
/// programs can see those.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud login --server https://cloud.example.org --handle alice
  anonicloud login --handle alice --password-file ~/.secrets/anonicloud
  pass show anonicloud | anonicloud login --handle alice --password-stdin")]
pub(crate) struct Arguments {
    /// The account's public name
    #[arg(long, value_name = "HANDLE")]
    handle: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
    /// Ask for the account key too
    #[arg(long, conflicts_with = "account_key_file")]
    account_key: bool,
    /// Take the account key from the first line of FILE
    #[arg(long, value_name = "FILE")]
    account_key_file: Option<PathBuf>,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let Beginning { address, remote, state } = context.beginning().await?;
        let handle = match &self.handle {
            Some(handle) => handle.clone(),
            None if context.ui.is_interactive() => context.ask("handle: ").await?.to_string(),
            None => return Err(CliError::HandleMissing),
        };
        let password = match self.password.read().await? {
            Some(password) => password,
            None => secrets::ask_hidden("password: ", "password").await?,
        };
        let account_key = match &self.account_key_file {
            Some(file) => Some(secrets::read_file(file, "account key").await?),
            None if self.account_key => Some(secrets::ask_hidden("account key: ", "account key").await?),
            None => None,
        };
        login(remote, state, &address, Credentials { handle: handle.clone(), password, account_key }).await?;
        let signed_in = SignedIn { handle: &handle, server: &address.url, recovery_file: None, password: None };
        context.ui.summary(&signed_in, &format!("signed in as {handle} at {}", address.url))
    }
}

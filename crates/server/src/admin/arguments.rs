//! What may be typed after `admin`.

use core::str::FromStr;
use std::path::PathBuf;

use anonicloud_proto::ids::AccountId;
use clap::{Args, Subcommand};
use data_encoding::HEXLOWER;
use thiserror::Error;

use crate::config::ByteSize;
use crate::store::meta::{InviteId, SignUp};

const EXAMPLES: &str = "\
Examples:
  anonicloud-server admin --data-dir /var/lib/anonicloud signup invite
  anonicloud-server admin --data-dir /var/lib/anonicloud invite --count 5 --quota 50GiB
  anonicloud-server admin --data-dir /var/lib/anonicloud accounts --json

A server may use the folder meanwhile; what is changed holds from its next request on.";

/// What to administer.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AdminArguments {
    /// Data folder of a server
    #[arg(long, value_name = "DIR", env = "ANONICLOUD_SERVER_DATA_DIR")]
    pub(crate) data_dir: PathBuf,

    /// What to do
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
}

/// What an operator decides or sees.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Show who may sign up, or change it
    Signup(SignUpArguments),
    /// Make invites; each is shown once, and good for one account
    Invite(InviteArguments),
    /// List the invites that nobody has used yet, by their ids
    Invites(ListArguments),
    /// End an invite that nobody has used yet
    RevokeInvite(RevokeArguments),
    /// List the accounts by their ids, with what they store
    Accounts(ListArguments),
    /// Change how much an account may store
    Quota(QuotaArguments),
}

/// Who may sign up.
#[derive(Debug, Args)]
pub(crate) struct SignUpArguments {
    /// Who may sign up from now on; without it, nothing is changed
    #[arg(value_enum, value_name = "MODE")]
    pub(crate) mode: Option<SignUp>,
}

/// Which invites to make.
#[derive(Debug, Args)]
pub(crate) struct InviteArguments {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) count: u32,

    /// Bytes that the account may store, such as 50GiB; else what the server gives to all
    #[arg(long, value_name = "BYTES")]
    pub(crate) quota: Option<ByteSize>,

    /// Print them as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How to list.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Print the list as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which invite to end.
#[derive(Debug, Args)]
pub(crate) struct RevokeArguments {
    /// Id of the invite, as it is listed
    #[arg(value_name = "ID")]
    pub(crate) id: InviteName,
}

/// Which quota to change.
#[derive(Debug, Args)]
pub(crate) struct QuotaArguments {
    /// Id of the account, as it is listed and as its owner sees it
    #[arg(value_name = "ACCOUNT_ID")]
    pub(crate) account: AccountId,

    /// Bytes that it may store, such as 500MiB or 10GiB
    #[arg(value_name = "SIZE")]
    pub(crate) size: ByteSize,
}

/// Names an invite on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InviteName(pub(crate) InviteId);

/// A text that names no invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected 16 lower-case hex digits")]
pub(crate) struct NotAnInvite;

impl FromStr for InviteName {
    type Err = NotAnInvite;

    fn from_str(text: &str) -> Result<Self, NotAnInvite> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotAnInvite)?;
        bytes.try_into().map(Self).map_err(|_| NotAnInvite)
    }
}

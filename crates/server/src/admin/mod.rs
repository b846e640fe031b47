//! What who runs a server decides about it, beside the server that uses the data folder or without one: who may sign up,
//! invites, quotas. Accounts are known by their ids alone.

mod arguments;

use std::io::{self, Write};

use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::limits::INVITE_LEN;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::Serialize;
use thiserror::Error;
use tokio::runtime::Builder;
use zeroize::Zeroizing;

pub(crate) use self::arguments::AdminArguments;

use self::arguments::{AdminCommand, InviteArguments, ListArguments};
use crate::clock::{Clock as _, SystemClock};
use crate::data_folder;
use crate::random::random;
use crate::store::meta::{Admin, MetaError, NewInvite, SignUp};

/// Why it was not done.
#[derive(Debug, Error)]
pub(crate) enum AdminError {
    /// There is no metadata.
    #[error("there is no metadata.sqlite in the data folder")]
    NoFolder,
    /// The metadata cannot be read or written.
    #[error(transparent)]
    Metadata(#[from] MetaError),
    /// No account has this id.
    #[error("no account has this id")]
    NoAccount,
    /// No open invite has this id.
    #[error("no invite that is open has this id")]
    NoInvite,
    /// The system gave no thread.
    #[error("the command could not be run")]
    System(#[source] io::Error),
    /// Nobody takes the answer.
    #[error("the answer could not be written")]
    Output(#[from] io::Error),
}

impl AdminError {
    /// What its reader can do.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NoFolder => "check that --data-dir names the data folder of a server",
            Self::Metadata(MetaError::OtherVersion) => {
                "use the program of the version that serves the folder; `serve` of a newer one brings it up to date"
            }
            Self::Metadata(_) => "run this as the user who runs the server, and check the disk",
            Self::NoAccount => "see the ids with `anonicloud-server admin accounts`",
            Self::NoInvite => "see the open ones with `anonicloud-server admin invites`",
            Self::System(_) => "check the limits of this user, and run it again",
            Self::Output(_) => "check where the output goes; invites that were made can be revoked",
        }
    }
}

/// Does it, and prints the answer.
pub(crate) fn run(arguments: &AdminArguments) -> Result<(), AdminError> {
    let metadata = data_folder::metadata_in(&arguments.data_dir);
    if !metadata.is_file() {
        return Err(AdminError::NoFolder);
    }
    let runtime = Builder::new_current_thread().enable_all().build().map_err(AdminError::System)?;
    runtime.block_on(async {
        let mut admin = Admin::open(&metadata).await?;
        answer(&mut admin, &arguments.command, &mut io::stdout().lock()).await
    })
}

async fn answer(admin: &mut Admin, command: &AdminCommand, out: &mut impl Write) -> Result<(), AdminError> {
    match command {
        AdminCommand::Signup(signup) => return sign_up(admin, signup.mode, out).await,
        AdminCommand::Invite(invite) => return make_invites(admin, invite, out).await,
        AdminCommand::Invites(list) => return list_invites(admin, list, out).await,
        AdminCommand::Accounts(list) => return list_accounts(admin, list, out).await,
        AdminCommand::RevokeInvite(revoke) => {
            if !admin.revoke_invite(revoke.id.0).await? {
                return Err(AdminError::NoInvite);
            }
            writeln!(out, "revoked")?;
        }
        AdminCommand::Quota(quota) => {
            if !admin.set_quota(quota.account, quota.size.0).await? {
                return Err(AdminError::NoAccount);
            }
            writeln!(out, "the account may store {} bytes", quota.size.0)?;
        }
    }
    Ok(())
}

async fn sign_up(admin: &mut Admin, mode: Option<SignUp>, out: &mut impl Write) -> Result<(), AdminError> {
    if let Some(mode) = mode {
        admin.set_sign_up(mode).await?;
    }
    writeln!(out, "{}", admin.sign_up().await?.as_str())?;
    Ok(())
}

/// A new invite, which is shown once.
#[derive(Serialize)]
struct MadeInvite<'a> {
    id: &'a str,
    invite: &'a str,
}

async fn make_invites(admin: &mut Admin, made: &InviteArguments, out: &mut impl Write) -> Result<(), AdminError> {
    let day = SystemClock.today();
    let mut shown = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..made.count {
        let (id, invite) = (random(), Zeroizing::new(random::<INVITE_LEN>()));
        kept.push(NewInvite { id, hash: ChainHash::of(invite.as_slice()), quota: made.quota.map(|size| size.0), day });
        shown.push((HEXLOWER.encode(&id), show_invite(invite.as_slice())));
    }
    admin.add_invites(&kept).await?;
    if made.json {
        let invites: Vec<_> = shown.iter().map(|(id, invite)| MadeInvite { id, invite }).collect();
        return Ok(write_json(out, &Listed { invites: &invites })?);
    }
    for (id, invite) in &shown {
        writeln!(out, "{id}  {}", invite.as_str())?;
    }
    Ok(())
}

/// An invite as it is given away: groups of four letters and digits.
fn show_invite(invite: &[u8]) -> Zeroizing<String> {
    let plain = Zeroizing::new(BASE32_NOPAD.encode(invite));
    let mut shown = Zeroizing::new(String::with_capacity(plain.len() * 5 / 4));
    for (at, letter) in plain.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            shown.push('-');
        }
        shown.push(letter);
    }
    shown
}

#[derive(Serialize)]
struct Listed<'a, T> {
    invites: &'a [T],
}

#[derive(Serialize)]
struct OpenInvite {
    id: String,
    made: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<u64>,
}

async fn list_invites(admin: &mut Admin, list: &ListArguments, out: &mut impl Write) -> Result<(), AdminError> {
    let invites = admin.invites().await?.into_iter();
    let invites: Vec<_> =
        invites.map(|invite| OpenInvite { id: invite.id, made: invite.made, quota: invite.quota }).collect();
    if list.json {
        return Ok(write_json(out, &Listed { invites: &invites })?);
    }
    for OpenInvite { id, made, quota } in &invites {
        let quota = quota.map(|quota| format!("  {quota} bytes")).unwrap_or_default();
        writeln!(out, "{id}  {made}{quota}")?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Accounts {
    accounts: Vec<ListedAccount>,
}

#[derive(Serialize)]
struct ListedAccount {
    account: String,
    registered: String,
    used: u64,
    reserved: u64,
    quota: u64,
}

async fn list_accounts(admin: &mut Admin, list: &ListArguments, out: &mut impl Write) -> Result<(), AdminError> {
    let accounts = admin.accounts().await?.into_iter().map(|row| ListedAccount {
        account: row.account.to_string(),
        registered: row.registered,
        used: row.used,
        reserved: row.reserved,
        quota: row.quota,
    });
    let accounts = Accounts { accounts: accounts.collect() };
    if list.json {
        return Ok(write_json(out, &accounts)?);
    }
    writeln!(out, "{:<32}  {:<10}  {:>16}  {:>16}  {:>16}", "account", "registered", "used", "reserved", "quota")?;
    for ListedAccount { account, registered, used, reserved, quota } in &accounts.accounts {
        writeln!(out, "{account:<32}  {registered:<10}  {used:>16}  {reserved:>16}  {quota:>16}")?;
    }
    Ok(())
}

fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

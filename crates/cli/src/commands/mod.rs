//! The commands, one file each: what may be typed, what the client does, what is answered.

mod cancel;
mod completions;
mod cp;
mod du;
mod get;
mod listing;
mod login;
mod logout;
mod ls;
mod man;
mod mkdir;
mod mv;
mod previewed;
mod put;
mod quota;
mod reclaim;
mod recovery;
mod resume;
mod rm;
mod selection;
mod signup;
mod stat;
mod status;
mod target;
mod transferred;
mod tree;
mod walked;
mod whoami;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CliError;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Signup(signup::Arguments),
    Login(login::Arguments),
    Logout(logout::Arguments),
    Whoami(whoami::Arguments),
    Put(put::Arguments),
    Get(get::Arguments),
    Ls(ls::Arguments),
    Tree(tree::Arguments),
    Stat(stat::Arguments),
    Mkdir(mkdir::Arguments),
    Mv(mv::Arguments),
    Cp(cp::Arguments),
    Rm(rm::Arguments),
    Du(du::Arguments),
    Quota(quota::Arguments),
    Reclaim(reclaim::Arguments),
    Status(status::Arguments),
    Resume(resume::Arguments),
    Cancel(cancel::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

impl Command {
    /// Does it.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Signup(arguments) => arguments.run(context).await,
            Self::Login(arguments) => arguments.run(context).await,
            Self::Logout(arguments) => arguments.run(context).await,
            Self::Whoami(arguments) => arguments.run(context).await,
            Self::Put(arguments) => arguments.run(context).await,
            Self::Get(arguments) => arguments.run(context).await,
            Self::Ls(arguments) => arguments.run(context).await,
            Self::Tree(arguments) => arguments.run(context).await,
            Self::Stat(arguments) => arguments.run(context).await,
            Self::Mkdir(arguments) => arguments.run(context).await,
            Self::Mv(arguments) => arguments.run(context).await,
            Self::Cp(arguments) => arguments.run(context).await,
            Self::Rm(arguments) => arguments.run(context).await,
            Self::Du(arguments) => arguments.run(context).await,
            Self::Quota(arguments) => arguments.run(context).await,
            Self::Reclaim(arguments) => arguments.run(context).await,
            Self::Status(arguments) => arguments.run(context).await,
            Self::Resume(arguments) => arguments.run(context).await,
            Self::Cancel(arguments) => arguments.run(context).await,
            Self::Completions(arguments) => arguments.run(),
            Self::Man(arguments) => arguments.run(),
        }
    }

    /// How to go on after Ctrl-C.
    pub(crate) fn after_interrupt(&self) -> Option<&'static str> {
        match self {
            Self::Put(put) if put.reads_stdin() => {
                Some("what came from stdin cannot go on: run the same command again, from its start")
            }
            Self::Put(_) | Self::Resume(_) => Some("run `anonicloud resume` to go on"),
            Self::Get(_) => Some("run the same command again to go on"),
            _ => None,
        }
    }
}

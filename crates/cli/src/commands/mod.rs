//! The commands, one file each: what may be typed, what the client does, what is answered.

mod cancel;
mod check;
mod completions;
mod cp;
mod du;
mod find;
mod get;
mod halt;
mod listing;
mod lock;
mod login;
mod logout;
mod ls;
mod man;
mod mkdir;
mod mv;
mod offline;
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
mod state_code;
mod status;
mod target;
mod transferred;
mod tree;
mod unlock;
mod walked;
mod watch;
mod whoami;

use clap::Subcommand;

use crate::again::Again;
use crate::context::Context;
use crate::error::CliError;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Signup(signup::Arguments),
    Login(login::Arguments),
    Logout(logout::Arguments),
    Whoami(whoami::Arguments),
    Lock(lock::Arguments),
    Unlock(unlock::Arguments),
    Put(put::Arguments),
    Get(get::Arguments),
    Ls(ls::Arguments),
    Tree(tree::Arguments),
    Find(find::Arguments),
    Stat(stat::Arguments),
    Mkdir(mkdir::Arguments),
    Mv(mv::Arguments),
    Cp(cp::Arguments),
    Rm(rm::Arguments),
    Du(du::Arguments),
    Watch(watch::Arguments),
    Quota(quota::Arguments),
    Check(check::Arguments),
    Halt(halt::Arguments),
    StateCode(state_code::Arguments),
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
            Self::Lock(arguments) => arguments.run(context).await,
            Self::Unlock(arguments) => arguments.run(context).await,
            Self::Put(arguments) => arguments.run(context).await,
            Self::Get(arguments) => arguments.run(context).await,
            Self::Ls(arguments) => arguments.run(context).await,
            Self::Tree(arguments) => arguments.run(context).await,
            Self::Find(arguments) => arguments.run(context).await,
            Self::Stat(arguments) => arguments.run(context).await,
            Self::Mkdir(arguments) => arguments.run(context).await,
            Self::Mv(arguments) => arguments.run(context).await,
            Self::Cp(arguments) => arguments.run(context).await,
            Self::Rm(arguments) => arguments.run(context).await,
            Self::Du(arguments) => arguments.run(context).await,
            Self::Watch(arguments) => arguments.run(context).await,
            Self::Quota(arguments) => arguments.run(context).await,
            Self::Check(arguments) => arguments.run(context).await,
            Self::Halt(arguments) => arguments.run(context).await,
            Self::StateCode(arguments) => arguments.run(context).await,
            Self::Reclaim(arguments) => arguments.run(context).await,
            Self::Status(arguments) => arguments.run(context).await,
            Self::Resume(arguments) => arguments.run(context).await,
            Self::Cancel(arguments) => arguments.run(context).await,
            Self::Completions(arguments) => arguments.run(),
            Self::Man(arguments) => arguments.run(),
        }
    }

    /// Whether Ctrl-C is how it ends.
    pub(crate) const fn ends_by_interrupt(&self) -> bool {
        matches!(self, Self::Watch(watch) if !watch.is_once())
    }

    /// How to go on after Ctrl-C; `again` is the command of this run.
    pub(crate) fn after_interrupt(&self, again: &Again) -> Option<String> {
        let line = again.line();
        Some(match self {
            Self::Put(put) if put.reads_stdin() => {
                "what came from stdin cannot go on: run the same command again, from its start".to_owned()
            }
            Self::Get(get) if get.writes_stdout() => {
                "what went to stdout cannot go on: run the same command again, from its start".to_owned()
            }
            Self::Put(_) | Self::Resume(_) | Self::Get(_) => match line {
                Some(line) => format!("go on with: {line}"),
                None => "run the same command again to go on".to_owned(),
            },
            Self::Check(_) => match line {
                Some(line) => format!("a check that was stopped says nothing of the rest; begin again with: {line}"),
                None => "a check that was stopped says nothing of the rest: run the same command again".to_owned(),
            },
            _ => return None,
        })
    }
}

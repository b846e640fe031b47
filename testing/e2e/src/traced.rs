//! A run under strace, which kills it or fails it at a call to the system.

use std::process::Command;

/// `run` under strace, which does `what` (as `signal=KILL:when=3`, `error=EPERM`) to its `calls` (as `rename,unlink`).
#[must_use]
pub fn inject(run: &Command, calls: &str, what: &str) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    traced.args(["-e", &format!("inject={calls}:{what}"), "--"]);
    within(traced, run)
}

/// `run` under strace, which writes what it asks of `calls` to the file `report`.
#[must_use]
pub fn report(run: &Command, calls: &str, report: &std::path::Path) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-e", &format!("trace={calls}"), "-o"]).arg(report).arg("--");
    within(traced, run)
}

/// `run`, with its arguments and all of its environment, as the arguments of another command.
#[must_use]
pub fn within(mut around: Command, run: &Command) -> Command {
    around.arg(run.get_program()).args(run.get_args()).env_clear();
    around.envs(run.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    around
}

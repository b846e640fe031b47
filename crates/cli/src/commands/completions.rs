//! `completions`: a script that lets a shell complete commands and options.

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::generate;

use crate::args::Cli;
use crate::error::CliError;
use crate::ui::write_stdout;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud completions bash > ~/.local/share/bash-completion/completions/anonicloud
  anonicloud completions zsh > ~/.zfunc/_anonicloud
  anonicloud completions fish > ~/.config/fish/completions/anonicloud.fish")]
pub(crate) struct Arguments {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Arguments {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let shell = match self.shell {
            Shell::Bash => clap_complete::Shell::Bash,
            Shell::Zsh => clap_complete::Shell::Zsh,
            Shell::Fish => clap_complete::Shell::Fish,
        };
        // The generator panics when its writer fails, so it never sees stdout.
        let mut script = Vec::new();
        generate(shell, &mut Cli::command(), "anonicloud", &mut script);
        write_stdout(|out| out.write_all(&script))
    }
}

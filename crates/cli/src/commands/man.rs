//! `man`: manual pages of this version.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use crate::args::Cli;
use crate::error::CliError;
use crate::ui;

/// Write the manual pages
///
/// Without a folder the page of `anonicloud` itself goes to stdout; with one, a page for each command is written there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud man | man -l -
  anonicloud man ~/.local/share/man/man1")]
pub(crate) struct Arguments {
    /// Folder to write to; it is made when it is not there
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let mut cli = Cli::command();
        cli.build();
        let Some(folder) = &self.folder else {
            return ui::write_stdout(|out| Man::new(cli).render(out));
        };
        fs_err::create_dir_all(folder).map_err(CliError::Output)?;
        for page in cli.get_subcommands().cloned().chain([cli.clone()]) {
            let man = Man::new(page);
            let file = fs_err::File::create(folder.join(man.get_filename()));
            file.and_then(|mut file| man.render(&mut file)).map_err(CliError::Output)?;
        }
        Ok(())
    }
}

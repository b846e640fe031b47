//! What may be typed.

use core::num::NonZeroU64;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, ValueEnum};

use crate::again::Again;
use crate::commands::Command;
use crate::config;
use crate::error::CliError;
use crate::units;

/// Store files where the server cannot read them.
///
/// Files are encrypted on this device before they leave it. The server keeps what it cannot read: no names, no folders,
/// no contents. Whoever has your password or your recovery words has your files; nobody can reset either for you.
#[derive(Debug, Parser)]
#[command(
    name = "anonicloud",
    version,
    after_help = AFTER_HELP,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalOptions {
    /// Address of the server; after signing in, the one signed in to
    #[arg(long, global = true, value_name = "URL", env = "ANONICLOUD_SERVER")]
    pub(crate) server: Option<String>,
    /// Certificates (PEM) to trust instead of those of the system
    #[arg(long, global = true, value_name = "FILE", env = "ANONICLOUD_CA_FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Account to use, when this person has several: each profile signs in by itself
    #[arg(long, global = true, value_name = "NAME", env = "ANONICLOUD_PROFILE", value_parser = profile_name)]
    pub(crate) profile: Option<String>,
    /// Config file; else `anonicloud/config.toml` among those of the user, if it is there
    #[arg(long, global = true, value_name = "FILE", env = "ANONICLOUD_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the local state: keys and unfinished transfers, encrypted
    #[arg(long, global = true, value_name = "DIR", env = "ANONICLOUD_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Seconds to try again when the server does not answer [default: 30]
    #[arg(long, global = true, value_name = "SECONDS", env = "ANONICLOUD_RETRY_FOR")]
    pub(crate) retry_for: Option<u32>,
    /// Bytes a second at most, up and down together, over all connections: 500K, 2M
    #[arg(long, global = true, value_name = "RATE", env = "ANONICLOUD_LIMIT_RATE", value_parser = units::rate)]
    pub(crate) limit_rate: Option<NonZeroU64>,
    /// Take the passphrase of a locked device key from the first line of FILE; else it is asked for
    #[arg(long, global = true, value_name = "FILE", env = "ANONICLOUD_PASSPHRASE_FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Take it from the first line of stdin instead
    #[arg(long, global = true)]
    pub(crate) passphrase_stdin: bool,
    /// Answer in JSON on stdout, refuse in JSON on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress and no notes
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Colour on stderr
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto)]
    pub(crate) color: ColorWhen,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// Never
    Never,
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
}

/// A name that may be that of a folder.
fn profile_name(name: &str) -> Result<String, String> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        return Err("a profile's name is up to 64 letters, digits, - and _".to_owned());
    }
    Ok(name.to_owned())
}

/// What came of reading the arguments.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// A command to run, and how it is run again.
    Run(Box<Cli>, Again),
    /// All is said, a help text or a refusal.
    Done(ExitCode),
}

/// Reads the arguments of the process.
pub(crate) fn parse() -> Parsed {
    let words: Vec<_> = std::env::args_os().collect();
    let read = Cli::command().try_get_matches_from(&words).and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, Again::new(words, &matches)))
    });
    match read {
        Ok((cli, again)) => Parsed::Run(Box::new(cli), again),
        Err(error) => Parsed::Done(explain(&error)),
    }
}

/// Prints a help text or a refusal of clap's; the latter in JSON if that was asked for.
fn explain(error: &clap::Error) -> ExitCode {
    let asked_for_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked_for_help && std::env::args_os().any(|argument| argument == "--json") {
        let rendered = error.render().to_string();
        let sentence = rendered.lines().next().unwrap_or_default();
        let report = CliError::Arguments(sentence.trim_start_matches("error: ").to_owned()).report();
        config::json_ui().refusal(&report);
        return report.exit_code();
    }
    match error.print() {
        Ok(()) => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1)),
        Err(error) => CliError::Output(error).report().exit_code(),
    }
}

const AFTER_HELP: &str = "\
Paths in the cloud begin with a slash: /Photos/a.jpg

Examples:
  anonicloud signup --server https://cloud.example.org
  anonicloud put Pictures /
  anonicloud ls -l /Pictures
  anonicloud get /Pictures/a.jpg .

Options stand before the environment (ANONICLOUD_SERVER, ...), which stands before the config file, whose
server is for new accounts and new devices:
  server = \"https://cloud.example.org\"     also ca_file, state_dir, retry_for, limit_rate, exclude
  [profile.work]                            the same, with --profile work

Exit codes:
  0 done             4 not found      8 no connection         12 done in part
  1 failure          5 conflict       9 proof of tampering   130 interrupted
  2 wrong use        6 quota         10 server failed        141 reader of stdout gone
  3 not signed in    7 local disk    11 busy, try again";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Cli;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_explains_itself() {
        let cli = Cli::command();
        for command in cli.get_subcommands() {
            assert!(command.get_about().is_some(), "{} says nothing", command.get_name());
            assert!(command.get_after_help().is_some(), "{} shows no example", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }

    #[test]
    fn no_option_takes_a_secret() {
        for command in Cli::command().get_subcommands() {
            for argument in command.get_arguments() {
                let names_secret =
                    ["password", "key", "words"].iter().any(|word| argument.get_id().as_str().contains(word));
                let takes_text = argument.get_action().takes_values() && !argument.get_id().as_str().ends_with("_file");
                assert!(!(names_secret && takes_text), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "anonicloud",
            "anonicloud put onlyone",
            "anonicloud put a relative",
            "anonicloud ls relative",
            "anonicloud login --password-stdin --password-file f",
            "anonicloud signup --generate-password --password-stdin",
            "anonicloud get",
            "anonicloud reclaim --dry-run --now",
            "anonicloud reclaim --password-stdin",
            "anonicloud reclaim --account-key",
            "anonicloud ls --profile ../other",
            "anonicloud lock --keyring --forget",
            "anonicloud lock --keyring --new-passphrase-file f",
            "anonicloud unlock --for 0s",
            "anonicloud unlock --for 25h",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn options_of_every_command_may_stand_anywhere() {
        let cli = Cli::try_parse_from(["anonicloud", "ls", "/a", "--json", "--state-dir", "s"]).unwrap();
        assert!(cli.global.json);
        assert_eq!(cli.global.state_dir.as_deref(), Some(std::path::Path::new("s")));
    }
}

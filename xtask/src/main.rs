//! Every command of the project: `cargo xtask <command>`.
//!
//! Enters: a command line. Leaves: an exit code, and what a person needs to read. Never: a network address or a secret.

mod advisories;
mod api_fuzz;
mod bench;
mod check;
mod crypto_crates;
mod demo;
mod fuzz;
mod hot_paths;
mod house;
mod layers;
mod models;
mod reproducible;
mod server;
mod shell;
mod sources;
mod storm;
mod test;
mod tools;
mod ui;
mod unused_pub;
mod wasm;

use clap::{Parser, Subcommand};
use shell::{Shell, ShellError};
use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", about = "Every command of the project")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All checks, the counts of the hot paths, the models, fuzzing, a second build, then all tests: what CI runs
    Ci,
    /// Format, lints, documentation, licences, layers, dead code and the wasm build, without the tests
    Check,
    /// Install what tests need, build the binaries and run all tests
    Test {
        /// Passed on to `cargo nextest run`, for instance `-p anonicloud-core`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Fail on a dependency or a mention that crosses the layers of ARCHITECTURE.md
    Layers,
    /// Fail on public items that only tests mention
    UnusedPub,
    /// Fail on the habits that no lint knows: allowed lints, ignored tests, long files, orphan files
    House,
    /// Fail where docs/crypto-crates.toml and the cryptographic crates that are linked differ
    CryptoCrates,
    /// Fail when a weakness is known in a dependency; needs no network, but a clone of the database of advisories
    Advisories {
        /// The folder of the clone
        #[arg(value_name = "FOLDER")]
        database: PathBuf,
    },
    /// Check that proto, core and client build for the browser
    Wasm,
    /// Sign up, send, kill, go on, get back and compare, on real programs in a temporary folder
    Demo,
    /// Leave a server up on this machine, for trying by hand
    Serve {
        /// Where to listen
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8420")]
        listen: SocketAddr,
    },
    /// Fail when a hot path of core takes more instructions than bench/hot-paths.txt says
    HotPaths {
        /// Write what was counted into bench/hot-paths.txt instead
        #[arg(long)]
        accept: bool,
    },
    /// Look for attacks in the models of docs/spec/models, which must find those expected and no others
    Models,
    /// Give hostile bytes to every parser of what comes from the other side
    Fuzz {
        /// How long for each target
        #[arg(long, value_name = "NUMBER", default_value_t = 60)]
        seconds: u32,
        /// Only these, by the names of the files in `fuzz/fuzz_targets`
        targets: Vec<String>,
    },
    /// Send requests drawn from the API's description to a real server, which must not fail at any
    ApiFuzz {
        /// About how many
        #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
        requests: u64,
        /// What they are drawn from; the same number draws the same ones
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        seed: u64,
    },
    /// Random operations of several devices while clients, server, network and disk break, seed after seed
    Storm {
        /// `--seeds A..B`, `--seed N` or `--runs N`, `--devices N`, `--operations N`; `--help` lists all
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build the programs a second time, in another folder, and fail when a byte differs
    Reproducible {
        /// As they ship, with their checksums, rather than as tests run them; takes twice as long as a release build
        #[arg(long)]
        release: bool,
    },
    /// Time AnoniCloud beside what a person would pick instead
    Bench {
        /// Passed on to the benchmark; `--help` lists what it takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// For each fuzz target in CI.
const FUZZ_SECONDS: u32 = 10;

/// Why a command did not succeed; the exit code is 1 for all of them.
#[derive(Debug, thiserror::Error)]
enum TaskError {
    #[error(transparent)]
    Shell(#[from] ShellError),
    #[error(transparent)]
    Tools(#[from] tools::InstallToolError),
    #[error(transparent)]
    Sources(#[from] sources::LoadSourcesError),
    #[error(transparent)]
    Record(#[from] crypto_crates::RecordError),
    #[error(transparent)]
    Demo(#[from] demo::DemoError),
    #[error(transparent)]
    HotPaths(#[from] hot_paths::CountError),
    #[error(transparent)]
    Models(#[from] models::ModelsError),
    #[error(transparent)]
    Reproducible(#[from] reproducible::CompareError),
    #[error(transparent)]
    Fuzz(#[from] api_fuzz::FuzzError),
    #[error("there is no fuzz target `{name}`, but {targets}")]
    NoFuzzTarget { name: String, targets: String },
    #[error("the folder for what fuzzing finds cannot be made")]
    FuzzFolder(#[source] io::Error),
    #[error("the database of advisories cannot be read")]
    Advisories(#[source] io::Error),
    #[error("{check}: {count} found")]
    Found {
        /// The check that found something.
        check: &'static str,
        /// How many places it found.
        count: usize,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), TaskError> {
    let shell = Shell::new()?;
    match command {
        Command::Ci => {
            check::run(&shell)?;
            hot_paths::run(&shell, false)?;
            models::run(&shell)?;
            fuzz::run(&shell, FUZZ_SECONDS, &[])?;
            reproducible::run(&shell, false)?;
            test::run(&shell, &[])
        }
        Command::Check => check::run(&shell),
        Command::Test { arguments } => test::run(&shell, &arguments),
        Command::Layers => layers::run(&shell),
        Command::UnusedPub => unused_pub::run(&shell),
        Command::House => house::run(&shell),
        Command::Advisories { database } => advisories::run(&shell, &database),
        Command::CryptoCrates => crypto_crates::run(&shell),
        Command::Wasm => wasm::run(&shell),
        Command::Demo => demo::run(&shell),
        Command::Serve { listen } => Ok(server::serve(&shell, listen)?),
        Command::HotPaths { accept } => hot_paths::run(&shell, accept),
        Command::Fuzz { seconds, targets } => fuzz::run(&shell, seconds, &targets),
        Command::Models => models::run(&shell),
        Command::ApiFuzz { requests, seed } => api_fuzz::run(&shell, requests, seed),
        Command::Storm { arguments } => storm::run(&shell, &arguments),
        Command::Reproducible { release } => reproducible::run(&shell, release),
        Command::Bench { arguments } => bench::run(&shell, &arguments),
    }
}

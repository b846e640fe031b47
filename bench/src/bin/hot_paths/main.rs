//! The hot paths of `core`, each by itself: `cargo xtask hot-paths` counts the instructions that one round of each takes.
//!
//! Enters: the name of a path and a number of rounds. Leaves: an exit code. Never: a clock, the disk or real randomness, so
//! that two runs do the same.

mod content;
mod folder;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// What is counted.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum HotPath {
    /// Address and seal a full segment
    SealSegment,
    /// Open a full segment and check its hash
    OpenSegment,
    /// Seal 64 small files with their records into packs
    PackSmallFiles,
    /// Put one file into a folder of 2,048 and seal what changed
    EditFolder,
    /// Open the folder of 2,048 and list it
    ListFolder,
    /// Merge two trees that changed different files of the folder
    MergeFolders,
}

#[derive(Debug, Parser)]
#[command(name = "anonicloud-hot-paths", about = "Run a hot path of core, for counting its instructions")]
struct Arguments {
    /// Which
    path: HotPath,
    /// How often
    rounds: u32,
}

fn main() -> ExitCode {
    let Arguments { path, rounds } = Arguments::parse();
    let mut round: Box<dyn FnMut()> = match path {
        HotPath::SealSegment => Box::new(content::seal_segments()),
        HotPath::OpenSegment => Box::new(content::open_segments()),
        HotPath::PackSmallFiles => Box::new(content::pack_small_files()),
        HotPath::EditFolder => Box::new(folder::edits()),
        HotPath::ListFolder => Box::new(folder::lists()),
        HotPath::MergeFolders => Box::new(folder::merges()),
    };
    for _ in 0..rounds {
        round();
    }
    ExitCode::SUCCESS
}

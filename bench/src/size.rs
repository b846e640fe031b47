//! What is large: `cargo xtask bench --only size`.
//!
//! A folder of many entries is listed, by the device that sent it and by one that never saw it, and renamed beside an empty one;
//! a tree of many files is sent and looked through; a large file goes up and comes down beside one of a tenth, so that memory
//! shows whether it grows with the file.

use crate::{
    arguments::Arguments,
    content::{Source, is_written, write_bytes},
    identity::Identity,
    measure::{Run, measure},
    peers::{Anonicloud, Peer as _, Setup},
    place::Place,
    ui,
    units::size,
};
use std::{error::Error, fmt::Write as _, path::Path, process::Command};

type Failed = Box<dyn Error>;

/// Files in one folder of the large tree.
const FILES_IN_FOLDER: u32 = 1000;
/// Bytes of a file of the large folder and of the large tree.
const SMALL: u64 = 64;

/// Measures all of it and gives the table.
///
/// # Errors
/// When the server does not come up, the disk refuses, a command fails, or what comes down is not what went up.
pub(crate) fn run(arguments: &Arguments, place: &Place, binaries: &Path) -> Result<String, Failed> {
    let source = Source::make(place.folder().join("source"), 0, 0)?;
    let identity = Identity::make(&place.folder().join("tls"))?;
    let setup =
        Setup { folder: place.folder().join("anonicloud"), place, source: &source, identity: &identity, binaries };
    fs_err::create_dir_all(&setup.folder)?;
    let mut bench = Bench { ours: Anonicloud::start(&setup)?, setup: &setup, table: TITLE.to_owned() };
    bench.folder(arguments.entries)?;
    bench.tree(arguments.tree)?;
    bench.file(arguments.file / 10)?;
    bench.file(arguments.file)?;
    Ok(bench.table)
}

const TITLE: &str =
    "| Work | Seconds | Client CPU | Server CPU | Client peak | Server peak |\n|---|---|---|---|---|---|\n";

struct Bench<'a> {
    ours: Anonicloud,
    setup: &'a Setup<'a>,
    table: String,
}

impl Bench<'_> {
    /// A folder of `entries` files.
    fn folder(&mut self, entries: u32) -> Result<(), Failed> {
        let local = self.setup.source.folder().join("folder");
        fs_err::create_dir_all(&local)?;
        ui::step(&format!("writing {entries} files into one folder"));
        for entry in 0..entries {
            write_bytes(&local.join(format!("entry-{entry:08}")), u64::from(entry), SMALL)?;
        }
        let put = self.command(&["put", "-q"], &[&local, Path::new("/")]);
        self.row(&format!("put a folder of {entries} entries"), put)?;
        self.setup.place.put_away(&local)?;
        let list = self.command(&["ls"], &[Path::new("/folder")]);
        self.row("list it", list)?;
        let mut cold = self.ours.other_device(self.setup)?;
        cold.args(["ls", "/folder"]);
        self.row("list it on a device that never saw it", cold)?;
        let make = self.command(&["mkdir"], &[Path::new("/empty")]);
        self.row("make an empty folder", make)?;
        for (from, to) in [("/empty", "/void"), ("/folder", "/renamed")] {
            let rename = self.command(&["mv"], &[Path::new(from), Path::new(to)]);
            self.row(&format!("rename {from}"), rename)?;
        }
        Ok(())
    }

    /// A tree of `files` files.
    fn tree(&mut self, files: u32) -> Result<(), Failed> {
        let local = self.setup.source.folder().join("tree");
        ui::step(&format!("writing {files} files into a tree"));
        for file in 0..files {
            let folder = local.join(format!("folder-{:05}", file / FILES_IN_FOLDER));
            if file % FILES_IN_FOLDER == 0 {
                fs_err::create_dir_all(&folder)?;
            }
            write_bytes(&folder.join(format!("file-{file:08}")), u64::from(file), SMALL)?;
        }
        let put = self.command(&["put", "-q"], &[&local, Path::new("/")]);
        self.row(&format!("put a tree of {files} files"), put)?;
        let again = self.command(&["put", "-q"], &[&local, Path::new("/")]);
        self.row("put it again", again)?;
        self.setup.place.put_away(&local)?;
        for words in [["ls", "/tree"], ["du", "/tree"], ["tree", "/tree"], ["ls", "-R"]] {
            let look = self.command(&words, &[]);
            self.row(&words.join(" "), look)?;
        }
        let find = self.command(&["find", "--offline", "--name", "*7"], &[Path::new("/tree")]);
        self.row("find --offline --name '*7' /tree", find)?;
        let rename = self.command(&["mv"], &[Path::new("/tree"), Path::new("/moved")]);
        self.row("mv /tree /moved", rename)?;
        Ok(())
    }

    /// A file of `bytes`, up and down.
    fn file(&mut self, bytes: u64) -> Result<(), Failed> {
        let local = self.setup.folder.join(format!("file-{bytes}"));
        ui::step(&format!("writing a file of {}", size(bytes)));
        write_bytes(&local, bytes, bytes)?;
        let put = self.command(&["put", "-q"], &[&local, Path::new("/")]);
        self.row(&format!("put a file of {}", size(bytes)), put)?;
        fs_err::remove_file(&local)?;
        let remote = Path::new("/").join(local.file_name().unwrap_or_default());
        let get = self.command(&["get", "-q"], &[&remote, &local]);
        self.row("get it", get)?;
        if !is_written(&local, bytes, bytes)? {
            return Err("what came down is not what went up".into());
        }
        Ok(fs_err::remove_file(&local)?)
    }

    fn command(&self, words: &[&str], paths: &[&Path]) -> Command {
        let mut command = self.ours.client();
        command.args(words).args(paths);
        command
    }

    /// Runs a command and adds its row.
    fn row(&mut self, work: &str, command: Command) -> Result<(), Failed> {
        let Run { seconds, client_cpu, server_cpu, client_peak, server_peak, wire: _ } =
            measure(command, self.ours.service(), self.setup.place)?;
        let (client_peak, server_peak) = (client_peak >> 20, server_peak >> 20);
        let row = format!(
            "| {work} | {seconds:.2} | {client_cpu:.2} s | {server_cpu:.2} s | {client_peak} MiB | {server_peak} MiB |"
        );
        ui::step(&row);
        Ok(writeln!(self.table, "{row}")?)
    }
}

//! `cargo xtask reproducible`: the programs are built a second time, in another folder, and have to be the same bytes.
//!
//! Enters: the files of the repository. Leaves: where the two builds of a program differ, or a checksum of each.
//! A folder may show in a program by its name alone, so the name is what the second build replaces: by the name that the
//! first build has there or, for a release, both by the same names, so that other machines come to the same bytes.

mod elf;
mod wrapper;

use crate::{
    TaskError, check,
    shell::{self, Shell, ShellError},
    tools, ui,
};
use fs_err::File;
use std::{
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use wrapper::Names;

/// What ships.
const PROGRAMS: [&str; 2] = ["anonicloud", "anonicloud-server"];

/// As `cargo xtask test` builds them. Naming examples, of which there are none, brings in the features that tests bring in
/// there, without the tests.
const AS_TESTED: &[&str] =
    &["build", "--workspace", "--locked", "--bin", "anonicloud", "--bin", "anonicloud-server", "--examples"];

/// As they ship.
const AS_SHIPPED: &[&str] = &["build", "--release", "--locked", "-p", "anonicloud-cli", "-p", "anonicloud-server"];

/// What would make another program of the same source.
const CHANGING: [&str; 6] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CFLAGS", "CC", "CARGO_INCREMENTAL"];

/// What the folders of a release are called in it.
const SOURCE_NAME: &str = "/anonicloud";
const TARGET_NAME: &str = "/target";
const CARGO_NAME: &str = "/cargo";

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    /// A build or git failed.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// A folder or program cannot be read or written.
    #[error(transparent)]
    Files(#[from] io::Error),
}

/// Builds and compares the programs as tests run them or, with `release`, as they ship.
///
/// # Errors
/// When they differ, or cannot be built.
pub(crate) fn run(shell: &Shell, release: bool) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    ui::step("the same programs from another folder");
    let findings = find(shell, release)?;
    check::conclude("programs that another folder changes", &findings)
}

fn find(shell: &Shell, release: bool) -> Result<Vec<String>, CompareError> {
    let source = tempfile::tempdir()?;
    let folders = Folders::new(shell, release, source.path())?;
    folders.copy_source(shell)?;
    if release { compare_release(shell, &folders) } else { compare_tested(shell, &folders) }
}

/// What the second build keeps beside the first one's target folder. Its target folder stays: what it once compiled there of
/// other people's crates has seen no other folder.
#[derive(Debug)]
struct Folders {
    source: PathBuf,
    first: PathBuf,
    second: PathBuf,
    /// Other checkouts that have the same target folder wait.
    _lock: File,
}

impl Folders {
    fn new(shell: &Shell, release: bool, source: &Path) -> io::Result<Self> {
        let folder = shell.target().join("reproducible");
        fs_err::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        let first = if release { folder.join("first") } else { shell.target().to_path_buf() };
        Ok(Self { source: source.to_path_buf(), first, second: folder.join("second"), _lock: lock })
    }

    /// A copy of what git knows or would take.
    fn copy_source(&self, shell: &Shell) -> Result<(), CompareError> {
        // Parts of an earlier build are no second build.
        remove(&self.second.join("debug/incremental"))?;
        fs_err::create_dir_all(&self.second)?;
        let listed = shell.command("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        for name in shell::capture(listed)?.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
            let name = OsStr::from_bytes(name);
            let (from, to) = (shell.root().join(name), self.source.join(name));
            // What was removed is listed until that is committed.
            if fs_err::exists(&from)? {
                fs_err::create_dir_all(to.parent().unwrap_or(&self.source))?;
                fs_err::copy(from, to)?;
            }
        }
        Ok(())
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs_err::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn compare_tested(shell: &Shell, folders: &Folders) -> Result<Vec<String>, CompareError> {
    shell::run(shell.cargo(AS_TESTED))?;
    let names = Names::new([(folders.source.as_path(), shell.root()), (&folders.second, &folders.first)]);
    shell::run(build(shell, AS_TESTED, &folders.source, &folders.second, &names)?)?;
    let stripped = [folders.source.join("first"), folders.source.join("second")];
    for (target, stripped) in [&folders.first, &folders.second].into_iter().zip(&stripped) {
        fs_err::create_dir_all(stripped)?;
        for program in PROGRAMS {
            shell::run(strip(shell, &target.join("debug").join(program), &stripped.join(program)))?;
        }
    }
    let [first, second] = stripped;
    compare(&first, &second)
}

/// Leaves what a release holds too. What is compiled anew in parts, as the first build is, gives some of its symbols other
/// names than what is compiled at once, and the build id is a hash of those too.
fn strip(shell: &Shell, program: &Path, stripped: &Path) -> Command {
    let mut command = shell.command("objcopy", ["--strip-all", "--remove-section=.note.gnu.build-id"]);
    command.args([program, stripped]);
    command
}

fn compare_release(shell: &Shell, folders: &Folders) -> Result<Vec<String>, CompareError> {
    for (source, target) in [(shell.root(), &folders.first), (&folders.source, &folders.second)] {
        fs_err::create_dir_all(target)?;
        let names = Names::new([
            (source, Path::new(SOURCE_NAME)),
            (target.as_path(), Path::new(TARGET_NAME)),
            (shell.cargo_home(), Path::new(CARGO_NAME)),
        ]);
        let mut command = build(shell, AS_SHIPPED, source, target, &names)?;
        for variable in CHANGING {
            command.env_remove(variable);
        }
        shell::run(command)?;
    }
    let release = folders.first.join("release");
    let mut sums = shell.command("sha256sum", PROGRAMS);
    sums.current_dir(&release);
    ui::line(&format!("in {}:", release.display()));
    shell::run(sums)?;
    compare(&release, &folders.second.join("release"))
}

fn build(shell: &Shell, arguments: &[&str], source: &Path, target: &Path, names: &Names<'_>) -> io::Result<Command> {
    let mut command = shell.cargo(arguments);
    command.current_dir(source).env("CARGO_TARGET_DIR", target).env("RUSTC_WRAPPER", names.wrapper(target)?);
    Ok(command)
}

fn compare(first: &Path, second: &Path) -> Result<Vec<String>, CompareError> {
    let mut findings = Vec::new();
    for program in PROGRAMS {
        let (first, second) = (fs_err::read(first.join(program))?, fs_err::read(second.join(program))?);
        findings.extend(elf::difference(&first, &second).map(|difference| format!("{program}: {difference}")));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn the_second_source_is_a_copy_without_what_was_built() {
        let shell = Shell::new().expect("HOME is set");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let place = |name: &str| folder.path().join(name);
        let lock = File::create(place("lock")).expect("it can be made");
        let folders = Folders { source: place("source"), first: place("first"), second: place("second"), _lock: lock };
        let stale = place("second/debug/incremental/of-before");
        fs_err::create_dir_all(stale.parent().expect("it has one")).expect("a folder can be made");
        fs_err::write(&stale, "stale").expect("it can be written");
        folders.copy_source(&shell).expect("git lists the files");
        let read = |root: &Path| fs_err::read(root.join("xtask/src/reproducible/mod.rs")).expect("it is there");
        assert_eq!(read(shell.root()), read(&folders.source));
        for absent in [place("source/.git"), place("source/target"), stale] {
            assert!(!absent.exists(), "{}", absent.display());
        }
    }

    #[test]
    fn without_symbols_a_program_still_runs_and_another_byte_of_it_still_shows() {
        let shell = Shell::new().expect("HOME is set");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let place = |name: &str| folder.path().join(name);
        let mut program = fs_err::read("/bin/true").expect("it can be read");
        fs_err::copy("/bin/true", place("one")).expect("it can be copied");
        let at = program.windows(4).position(|window| window == b"GNU ").expect("its text names its makers");
        program[at] = b'g';
        fs_err::write(place("other"), program).expect("it can be written");
        for name in ["one", "other"] {
            let stripped = place(&format!("{name}-stripped"));
            shell::run(strip(&shell, &place(name), &stripped)).expect("objcopy reads it");
        }
        assert!(shell::succeeds(shell.command(place("one-stripped"), [""; 0])));
        let read = |name| fs_err::read(place(name)).expect("it is there");
        assert!(elf::difference(&read("one-stripped"), &read("other-stripped")).is_some());
    }

    #[test]
    fn a_program_that_is_not_the_same_is_named_and_one_that_is_missing_is_an_error() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder can be made"));
        let [first, second] = folders.each_ref().map(TempDir::path);
        for program in PROGRAMS {
            assert!(compare(first, second).is_err(), "{program} is in neither folder");
            fs_err::write(first.join(program), program).expect("it can be written");
            fs_err::write(second.join(program), program).expect("it can be written");
        }
        assert!(compare(first, second).expect("they can be read").is_empty());
        fs_err::write(second.join("anonicloud-server"), "anonicloud-Server").expect("it can be written");
        let found = compare(first, second).expect("they can be read");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("anonicloud-server: 17 and 17 bytes, different from 0xb on"), "{found:?}");
    }
}

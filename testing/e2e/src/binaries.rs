//! Where cargo has put the binaries of this workspace.

use std::path::{Path, PathBuf};

/// The built binary `name`: in the folder that the running test was built into.
pub(crate) fn find(name: &str) -> PathBuf {
    let found = own_folders().into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.expect(
        "built before the tests: by `cargo xtask test`, or `cargo build -p anonicloud-cli -p anonicloud-server`",
    )
}

/// A folder for temporary files beside the build output, which is on a disk: the system's own may be in memory.
pub(crate) fn scratch() -> PathBuf {
    let folders = own_folders();
    let scratch = folders.last().expect("a test runs from a folder").join("e2e");
    fs_err::create_dir_all(&scratch).expect("the build output can be written to");
    scratch
}

/// The folder of the running test, and the one above it: `debug/deps` and `debug`.
fn own_folders() -> Vec<PathBuf> {
    let test = std::env::current_exe().expect("the system knows what runs");
    test.ancestors().skip(1).take(2).map(Path::to_path_buf).collect()
}

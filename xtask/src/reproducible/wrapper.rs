//! Other names for folders in what the compiler writes.
//!
//! A wrapper around the compiler gives them to it rather than `RUSTFLAGS`: flags that name a folder would have everything
//! compiled anew wherever the folder has another name.

use std::{
    fs::Permissions,
    io,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Folders, and what they are called in a program.
#[derive(Debug)]
pub(super) struct Names<'a>(Vec<(&'a Path, &'a Path)>);

impl<'a> Names<'a> {
    pub(super) fn new(names: impl IntoIterator<Item = (&'a Path, &'a Path)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Writes a wrapper into a folder.
    pub(super) fn wrapper(&self, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join("rustc-with-names");
        fs_err::write(&path, self.script())?;
        fs_err::set_permissions(&path, Permissions::from_mode(0o755))?;
        Ok(path)
    }

    fn script(&self) -> Vec<u8> {
        let mut script = b"#!/bin/sh\nexec \"$@\"".to_vec();
        for (folder, name) in &self.0 {
            let flag = [b"--remap-path-prefix=", folder.as_os_str().as_bytes(), b"=", name.as_os_str().as_bytes()];
            script.push(b' ');
            script.extend(quoted(&flag.concat()));
        }
        script.push(b'\n');
        script
    }
}

/// One word to a shell, whatever is in it.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in word {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_wrapper_passes_on_what_it_gets_and_adds_the_names() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let names =
            Names::new([(Path::new("/it's a folder"), Path::new("/one")), (Path::new("/b"), Path::new("/two"))]);
        let wrapper = names.wrapper(folder.path()).expect("it can be written");
        let output = Command::new(wrapper).args(["printf", "%s\n", "a b"]).output().expect("it runs");
        let lines = String::from_utf8(output.stdout).expect("it is text");
        assert_eq!(lines, "a b\n--remap-path-prefix=/it's a folder=/one\n--remap-path-prefix=/b=/two\n");
    }
}

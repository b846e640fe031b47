//! Passwords, account keys and recovery words on their way in and out.
//!
//! Enters: what is typed at a hidden prompt, or stands in a file or on stdin. Leaves: zeroizing strings, and one file
//! that only its owner reads. Never: a secret from the arguments or the environment, which other processes can see.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use clap::Args;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::error::CliError;

/// Why a secret could not be taken or kept.
#[derive(Debug, Error)]
pub(crate) enum SecretError {
    #[error("there is no terminal to ask for the {0}")]
    NoTerminal(&'static str),
    #[error("the {0} is not UTF-8 text")]
    NotText(&'static str),
    #[error("the {0} is empty")]
    Empty(&'static str),
    #[error("the {0} is longer than {MAXIMUM} bytes")]
    TooLong(&'static str),
    #[error("cannot read the {0}")]
    Read(&'static str, #[source] io::Error),
    #[error("the recovery file exists already")]
    FileExists(#[source] io::Error),
    #[error("cannot write the recovery file")]
    Write(#[source] io::Error),
}

impl SecretError {
    /// Stable, for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoTerminal(_) => "no_terminal",
            Self::NotText(_) => "secret_not_text",
            Self::Empty(_) => "secret_empty",
            Self::TooLong(_) => "secret_too_long",
            Self::Read(..) => "secret_unreadable",
            Self::FileExists(_) => "recovery_file_exists",
            Self::Write(_) => "recovery_file_unwritable",
        }
    }

    /// What to do.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NoTerminal(_) => "put it in a file that only you can read and name that file; see --help",
            Self::NotText(_) | Self::Empty(_) | Self::TooLong(_) => "it is the first line of what is read",
            Self::Read(..) => "see whether the file is there and may be read",
            Self::FileExists(_) => "name a file that is not there yet; it may hold the words of another account",
            Self::Write(_) => "name a file in a folder where you may write; nothing was made yet",
        }
    }

    /// Whether the local disk is at fault.
    pub(crate) const fn is_disk(&self) -> bool {
        matches!(self, Self::Read(..) | Self::Write(_))
    }
}

/// Where the password comes from, if not from a prompt.
#[derive(Debug, Args)]
pub(crate) struct PasswordSource {
    /// Take the password from the first line of FILE
    #[arg(long, value_name = "FILE", group = "password_from")]
    password_file: Option<PathBuf>,
    /// Take the password from the first line of stdin
    #[arg(long, group = "password_from")]
    password_stdin: bool,
}

impl PasswordSource {
    /// The password of the file or of stdin; none when neither is named.
    pub(crate) async fn read(&self) -> Result<Option<Zeroizing<String>>, CliError> {
        match &self.password_file {
            Some(file) => read_file(file, "password").await.map(Some),
            None if self.password_stdin => read_stdin("password").await.map(Some),
            None => Ok(None),
        }
    }
}

/// The first line of a file, which may be a pipe that another program writes to when it likes.
pub(crate) async fn read_file(path: &Path, what: &'static str) -> Result<Zeroizing<String>, CliError> {
    let path = path.to_owned();
    let read = move || {
        let file = fs_err::File::open(path).map_err(|error| SecretError::Read(what, error))?;
        read_line(file, what)
    };
    aside(read).await
}

/// The first line of stdin that was not read yet. What follows it stays to be read.
pub(crate) async fn read_stdin(what: &'static str) -> Result<Zeroizing<String>, CliError> {
    let read = move || {
        let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(|error| SecretError::Read(what, error))?;
        read_line(Unbuffered(File::from(stdin)), what)
    };
    aside(read).await
}

/// Reads on a thread that may wait: Ctrl-C is heard meanwhile.
async fn aside<R>(read: R) -> Result<Zeroizing<String>, CliError>
where
    R: FnOnce() -> Result<Zeroizing<String>, SecretError> + Send + 'static,
{
    tokio::task::spawn_blocking(read).await.map_or(Err(CliError::NoAnswer), |read| Ok(read?))
}

/// Takes a byte at a time: none after the line, and none into a buffer where it would stay.
struct Unbuffered<R>(R);

impl<R: Read> Read for Unbuffered<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(1);
        self.0.read(&mut out[..len])
    }
}

/// Asks without showing what is typed.
pub(crate) async fn ask_hidden(question: &'static str, what: &'static str) -> Result<Zeroizing<String>, CliError> {
    let asked = tokio::task::spawn_blocking(move || rpassword::prompt_password(question).map(Zeroizing::new));
    match asked.await {
        Ok(Ok(typed)) => Ok(typed),
        Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
            Err(CliError::Interrupted { done: None, hint: None })
        }
        Ok(Err(_)) => Err(SecretError::NoTerminal(what).into()),
        Err(_) => Err(CliError::NoAnswer),
    }
}

/// Writes `text` to a new file that only its owner reads; durable when it returns.
pub(crate) fn write_new_file(path: &Path, text: &str) -> Result<(), SecretError> {
    let opened = fs_err::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => SecretError::FileExists(error),
        _ => SecretError::Write(error),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(SecretError::Write)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    fs_err::File::open(folder).and_then(|folder| folder.sync_all()).map_err(SecretError::Write)
}

/// The longest secret that is read, in bytes.
const MAXIMUM: usize = 4096;

/// Reads the first line. The buffer never grows, so that no copy stays behind.
fn read_line(mut reader: impl Read, what: &'static str) -> Result<Zeroizing<String>, SecretError> {
    let mut bytes = Zeroizing::new(vec![0_u8; MAXIMUM + 1]);
    let mut filled = 0;
    let end = loop {
        let read = match reader.read(&mut bytes[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| SecretError::Read(what, error))?,
        };
        let line = bytes[filled..filled + read].iter().position(|byte| *byte == b'\n');
        filled += read;
        match line {
            Some(position) => break filled - read + position,
            None if read == 0 => break filled,
            None => {}
        }
    };
    if end > MAXIMUM {
        return Err(SecretError::TooLong(what));
    }
    let line = core::str::from_utf8(&bytes[..end]).map_err(|_| SecretError::NotText(what))?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(SecretError::Empty(what));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{MAXIMUM, SecretError, Unbuffered, read_line, write_new_file};

    #[test]
    fn the_first_line_is_the_secret() {
        for text in ["pass word", "pass word\n", "pass word\r\n", "pass word\nmore\n"] {
            assert_eq!(read_line(text.as_bytes(), "password").unwrap().as_str(), "pass word");
        }
        let longest = "x".repeat(MAXIMUM);
        assert_eq!(read_line(longest.as_bytes(), "password").unwrap().as_str(), longest);
    }

    #[test]
    fn what_follows_the_line_stays_to_be_read() {
        let mut rest = &b"pass phrase\npass word\ncontent"[..];
        for line in ["pass phrase", "pass word"] {
            assert_eq!(read_line(Unbuffered(&mut rest), "password").unwrap().as_str(), line);
        }
        assert_eq!(rest, b"content");
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused() {
        let too_long = "x".repeat(MAXIMUM + 1);
        assert!(matches!(read_line(too_long.as_bytes(), "key"), Err(SecretError::TooLong("key"))));
        assert!(matches!(read_line(&b"\n"[..], "key"), Err(SecretError::Empty("key"))));
        assert!(matches!(read_line(&b""[..], "key"), Err(SecretError::Empty("key"))));
        assert!(matches!(read_line(&b"\xff\n"[..], "key"), Err(SecretError::NotText("key"))));
    }

    #[test]
    fn a_recovery_file_is_private_and_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words");
        write_new_file(&path, "one two").unwrap();
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(write_new_file(&path, "other"), Err(SecretError::FileExists(_))));
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "one two");
    }
}

//! The answers for programs (`--json`): one object a command, each shape in this file.
//!
//! Names that are not UTF-8 come twice: readable with replacement characters, and exact in base64 in a field of their
//! own, which is left out when the readable form is exact. Fields are added, never renamed.

mod changed;
mod checked;
mod halted;
mod moved;
mod would;

use std::path::Path;

use anonicloud_client::item::{Item, ItemKind};
use anonicloud_client::path::RemotePath;
use anonicloud_client::transfer::Job;
use data_encoding::BASE64;
use serde::Serialize;

pub(crate) use self::changed::{ChangedPath, Watching};
pub(crate) use self::checked::{Checked, Found};
pub(crate) use self::halted::{Accepting, Halted, LostPaths};
pub(crate) use self::moved::{Moved, SkippedFile};
pub(crate) use self::would::{Would, WouldStep};
use crate::units;

/// `signup` and `login`.
#[derive(Debug, Serialize)]
pub(crate) struct SignedIn<'a> {
    pub(crate) handle: &'a str,
    pub(crate) server: &'a str,
    /// Where `signup --recovery-file` wrote the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_file: Option<String>,
    /// What `signup --generate-password` made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<&'a str>,
}

/// `logout`.
#[derive(Debug, Serialize)]
pub(crate) struct SignedOut {
    /// Whether the server knows that this device is gone.
    pub(crate) server_told: bool,
}

/// `whoami`.
#[derive(Debug, Serialize)]
pub(crate) struct Identity<'a> {
    pub(crate) handle: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) device_id: &'a str,
    pub(crate) server: &'a str,
    pub(crate) devices: usize,
    /// How the device key is kept, as in [`KeyKept`].
    pub(crate) device_key: &'static str,
}

/// `lock` and `unlock`.
#[derive(Debug, Serialize)]
pub(crate) struct KeyKept {
    /// `file`, `passphrase` or `keyring`.
    pub(crate) device_key: &'static str,
}

/// `state-code`.
#[derive(Debug, Serialize)]
pub(crate) struct StateCode {
    /// Twelve digits in groups of three.
    pub(crate) code: String,
    /// The place of the newest change.
    pub(crate) seq: u64,
}

/// `quota`, in bytes as the server counts them.
#[derive(Debug, Serialize)]
pub(crate) struct Space {
    pub(crate) used: u64,
    /// What of that nothing needs any more.
    pub(crate) released: u64,
    /// When none of it counts any more, as `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) released_until: Option<String>,
    pub(crate) reserved: u64,
    pub(crate) quota: u64,
    pub(crate) free: u64,
}

/// `reclaim`, in bytes as the server counts them.
#[derive(Debug, Serialize)]
pub(crate) struct Reclaimed {
    /// Whether nothing was done.
    pub(crate) dry_run: bool,
    /// Packs that were mostly dead, and out of which this run has brought what lives in them.
    pub(crate) repacked_packs: u64,
    /// Their bytes: they are among what is released.
    pub(crate) repacked: u64,
    /// Sent for that.
    pub(crate) moved: u64,
    /// Files that stay in such packs for now.
    pub(crate) left_files: u64,
    /// Whether more could be repacked with more of the quota free.
    pub(crate) short_of_room: bool,
    /// Whether another process of this device repacks, so that this run did not.
    pub(crate) under_way: bool,
    /// Released by this run.
    pub(crate) released: u64,
    pub(crate) released_blobs: u64,
    /// Needed, released by another sweep, and kept by this run.
    pub(crate) kept_blobs: u64,
    /// Needed, and not there any more.
    pub(crate) missing_blobs: u64,
    /// Freed by this run.
    pub(crate) freed: u64,
    /// Released and not freed, by this run and earlier ones.
    pub(crate) waiting: u64,
    /// The day of the oldest release, as `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waiting_since: Option<String>,
    /// When none of that counts any more, as `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waiting_until: Option<String>,
}

/// One file, folder or link: the answer of `stat`, and each of the items of `ls`, `tree` and `find`.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path_base64: Option<String>,
    pub(crate) kind: &'static str,
    /// Content bytes; of a folder, of all below it.
    pub(crate) size: u64,
    /// Of a folder, files below it.
    pub(crate) files: u64,
    /// UTC, to the second.
    pub(crate) modified: String,
    pub(crate) mtime_ns: i64,
    /// Octal.
    pub(crate) mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_base64: Option<String>,
}

impl Listed {
    /// `item` under the name `path`.
    pub(crate) fn new(path: &[u8], item: &Item) -> Self {
        let (path, path_base64) = readable(path);
        let (target, target_base64) = item.target.as_deref().map(readable).unzip();
        Self {
            path,
            path_base64,
            kind: kind(item.kind),
            size: item.size,
            files: item.files,
            modified: units::utc(item.mtime_ns),
            mtime_ns: item.mtime_ns,
            mode: format!("{:04o}", item.mode),
            target,
            target_base64: target_base64.flatten(),
        }
    }
}

/// `du`.
#[derive(Debug, Serialize)]
pub(crate) struct Usage {
    pub(crate) totals: Vec<UsageOf>,
}

/// What a path holds.
#[derive(Debug, Serialize)]
pub(crate) struct UsageOf {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl UsageOf {
    /// What is at and below `path`.
    pub(crate) fn new(path: &RemotePath, files: u64, bytes: u64) -> Self {
        let (path, path_base64) = readable(&path.to_bytes());
        Self { path, path_base64, files, bytes }
    }
}

/// `mkdir`, `mv`, `cp` and `rm`: the paths that are there now, or for `rm` are no more.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    paths: Vec<String>,
    /// All of them in order, when one is not exact in `paths`.
    #[serde(skip_serializing_if = "Option::is_none")]
    paths_base64: Option<Vec<String>>,
}

impl Changed {
    /// These paths.
    pub(crate) fn new(paths: &[RemotePath]) -> Self {
        let bytes: Vec<_> = paths.iter().map(RemotePath::to_bytes).collect();
        let (paths, inexact): (Vec<_>, Vec<_>) = bytes.iter().map(|path| readable(path)).unzip();
        let is_inexact = inexact.iter().any(Option::is_some);
        Self { paths, paths_base64: is_inexact.then(|| bytes.iter().map(|path| BASE64.encode(path)).collect()) }
    }
}

/// `status`.
#[derive(Debug, Serialize)]
pub(crate) struct Queue {
    pub(crate) transfers: Vec<Transfer>,
}

/// An upload that waits to be finished.
#[derive(Debug, Serialize)]
pub(crate) struct Transfer {
    /// For `cancel`.
    pub(crate) id: String,
    /// None of a stream that was cut.
    pub(crate) sources: Vec<TransferSource>,
}

/// A part of an upload.
#[derive(Debug, Serialize)]
pub(crate) struct TransferSource {
    pub(crate) local: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) local_base64: Option<String>,
    pub(crate) remote: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remote_base64: Option<String>,
}

impl From<&Job> for Transfer {
    fn from(job: &Job) -> Self {
        let sources = job.sources().iter().map(|source| {
            let (local, local_base64) = readable_path(&source.local);
            let (remote, remote_base64) = readable(&source.remote.to_bytes());
            TransferSource { local, local_base64, remote, remote_base64 }
        });
        Self { id: job.id(), sources: sources.collect() }
    }
}

/// `resume`.
#[derive(Debug, Serialize)]
pub(crate) struct Resumed {
    /// Transfers that are finished now.
    pub(crate) transfers: usize,
    /// With `--from`, where the file is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path_base64: Option<String>,
    #[serde(flatten)]
    pub(crate) moved: Moved,
}

/// `cancel`.
#[derive(Debug, Serialize)]
pub(crate) struct Cancelled<'a> {
    pub(crate) cancelled: &'a str,
}

/// `3 files`, `1 file`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// How programs and people call a kind.
pub(crate) const fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::File => "file",
        ItemKind::Directory => "folder",
        ItemKind::Symlink => "link",
        _ => "other",
    }
}

/// A local path, readable and, if that is not exact, in base64.
fn readable_path(path: &Path) -> (String, Option<String>) {
    readable(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

/// A path in the cloud, in the same way.
pub(crate) fn readable_remote(path: &RemotePath) -> (String, Option<String>) {
    readable(&path.to_bytes())
}

fn readable(bytes: &[u8]) -> (String, Option<String>) {
    match core::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(BASE64.encode(bytes))),
    }
}

#[cfg(test)]
mod tests {
    use super::checked::tests::checked;
    use super::halted::tests::{accepting, halted};
    use super::moved::tests::moved;
    use super::would::tests::would;
    use super::*;

    pub(super) fn listed() -> Listed {
        let (target, target_base64) = readable(b"../caf\xe9");
        Listed {
            path: "Photos/caf\u{e9}".to_owned(),
            path_base64: None,
            kind: "link",
            size: 0,
            files: 0,
            modified: units::utc(1_795_426_200_123_456_789),
            mtime_ns: 1_795_426_200_123_456_789,
            mode: "0777".to_owned(),
            target: Some(target),
            target_base64,
        }
    }

    /// One example of every answer for programs: a change of a shape shows here.
    #[test]
    fn shapes_for_programs_are_as_they_were() {
        let signed_in = SignedIn {
            handle: "alice",
            server: "https://cloud.example.org",
            recovery_file: Some("words".to_owned()),
            password: Some("six random words stand in here"),
        };
        let identity = Identity {
            handle: "alice",
            account_id: "00112233445566778899aabbccddeeff",
            device_id: "ffeeddccbbaa99887766554433221100",
            server: "https://cloud.example.org",
            devices: 2,
            device_key: "file",
        };
        let source = TransferSource {
            local: "/home/alice/film.mkv".to_owned(),
            local_base64: None,
            remote: "/Videos/film.mkv".to_owned(),
            remote_base64: None,
        };
        let transfer = Transfer { id: "7f3a".to_owned(), sources: vec![source] };
        let of = UsageOf::new(&RemotePath::root(), 3, 12 << 20);
        let odd = [b"/a\\b".as_slice(), b"/caf\xe9"].map(|path| RemotePath::parse(path).unwrap());
        let shapes = serde_json::json!({
            "signup, login": signed_in,
            "logout": SignedOut { server_told: true },
            "whoami": identity,
            "lock, unlock": KeyKept { device_key: "passphrase" },
            "quota": Space { used: 1, released: 0, released_until: None, reserved: 2, quota: 10, free: 7 },
            "reclaim": Reclaimed { dry_run: false, repacked_packs: 1, repacked: 3, moved: 1, left_files: 0, short_of_room: false, under_way: false, released: 1, released_blobs: 1, kept_blobs: 0, missing_blobs: 0, freed: 0, waiting: 2, waiting_since: Some("2026-11-23".to_owned()), waiting_until: Some("2026-12-24".to_owned()) },
            "ls, tree, find": { "items": [listed()] },
            "stat": listed(),
            "du": Usage { totals: vec![of] },
            "check": checked(),
            "halt": halted(),
            "halt --accept-loss": accepting(),
            "state-code": StateCode { code: "058 948 027 210".to_owned(), seq: 4 },
            "mkdir, mv, cp, rm": Changed::new(&odd[..1]),
            "mkdir, mv, cp, rm of names that are no text": Changed::new(&odd),
            "put, get": moved(),
            "put, get, rm with --dry-run": would(),
            "resume": Resumed { transfers: 1, path: Some("/film.mkv".to_owned()), path_base64: None, moved: moved() },
            "status": Queue { transfers: vec![transfer] },
            "cancel": Cancelled { cancelled: "7f3a" },
        });
        insta::assert_json_snapshot!("json-answers", shapes);
    }

    #[test]
    fn bytes_that_are_no_text_come_twice() {
        assert_eq!(readable("gr\u{fc}n".as_bytes()), ("gr\u{fc}n".to_owned(), None));
        assert_eq!(readable(b"a\xff"), ("a\u{fffd}".to_owned(), Some("Yf8=".to_owned())));
    }
}

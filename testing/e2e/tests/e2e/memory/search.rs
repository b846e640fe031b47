//! The search for secrets in the memory of a process and in files, whole or in part, as they are or as text.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER};
use fs_err::File;

/// A secret is found by any part of this length: what an allocator writes into freed memory spoils its beginning.
const PART: usize = 16;
const STEP: usize = 4 << 20;
const PAGE: usize = 4 << 10;
/// Searches that a change of what is mapped may spoil.
const ROUNDS: usize = 8;

/// Something that must not be found, and what it is called.
pub(super) struct Secret {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// The files of a folder, held open: what they held stays within reach when their names are gone.
pub(super) struct Held(Vec<File>);

impl Held {
    pub(super) fn of(folder: &Path) -> Self {
        let files =
            fs_err::read_dir(folder).expect("a folder of the test").map(|entry| entry.expect("its files").path());
        Self(files.filter(|path| path.is_file()).map(|path| File::open(path).expect("a file of the test")).collect())
    }
}

/// A part of a secret in one of its forms.
struct Pattern {
    name: &'static str,
    form: &'static str,
    /// Where in the form it begins.
    at: usize,
    bytes: [u8; PART],
}

/// What was found, and where.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) name: &'static str,
    form: &'static str,
    /// Which part.
    at: usize,
    place: String,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {} from byte {} in {}", self.name, self.form, self.at, self.place)
    }
}

/// Looks for many secrets at once.
pub(super) struct Search {
    patterns: BTreeMap<u16, Vec<Pattern>>,
    begins: Vec<bool>,
}

impl Search {
    pub(super) fn new(secrets: &[Secret]) -> Self {
        let mut patterns = BTreeMap::<u16, Vec<Pattern>>::new();
        let mut begins = vec![false; 1 << 16];
        for pattern in secrets.iter().flat_map(patterns_of) {
            let begin = u16::from_le_bytes([pattern.bytes[0], pattern.bytes[1]]);
            begins[usize::from(begin)] = true;
            patterns.entry(begin).or_default().push(pattern);
        }
        Self { patterns, begins }
    }

    /// In all memory of a process of ours that can be read. A part of its own, be it heap or stack, that cannot be read fails.
    pub(super) fn memory(&self, process: u32) -> Vec<Found> {
        // A thread that ends in the middle takes its stack along: then all is gone through anew.
        (0..ROUNDS).find_map(|_| self.memory_now(process)).expect("all of the memory of its own can be read")
    }

    fn memory_now(&self, process: u32) -> Option<Vec<Found>> {
        let maps = fs_err::read_to_string(format!("/proc/{process}/maps")).expect("our own child can be asked");
        let memory = File::open(format!("/proc/{process}/mem")).expect("the memory of a child is open to its parent");
        let mut found = Vec::new();
        let mut read = 0;
        for map in maps.lines() {
            let Some(Range { from, to, is_own }) = readable(map) else { continue };
            let mut at = from;
            while at < to {
                let len = usize::try_from(to - at).unwrap_or(STEP).min(STEP);
                let (bytes, there) = piece(&memory, at, len);
                if is_own && there < len {
                    return None;
                }
                read += there;
                self.bytes(&bytes, |offset| format!("{:#x} of {map}", at + offset as u64), &mut found);
                // A part that lies across the edge is in the next piece, too.
                at += if len == STEP { (STEP - PAGE) as u64 } else { len as u64 };
            }
        }
        assert!(read > 1 << 20, "only {read} bytes could be read");
        Some(found)
    }

    /// In all files of a folder.
    pub(super) fn folder(&self, folder: &Path) -> Vec<Found> {
        let mut found = Vec::new();
        for entry in fs_err::read_dir(folder).expect("a folder of the test") {
            let path = entry.expect("a folder of the test").path();
            if path.is_dir() {
                found.extend(self.folder(&path));
            } else {
                let bytes = fs_err::read(&path).expect("a file of the test");
                self.bytes(&bytes, |offset| format!("{} at {offset}", path.display()), &mut found);
            }
        }
        found
    }

    /// In all files that are held, whether they have a name or not.
    pub(super) fn held(&self, held: &Held) -> Vec<Found> {
        let mut found = Vec::new();
        for file in &held.0 {
            let mut bytes =
                vec![0; usize::try_from(file.metadata().expect("an open file").len()).expect("a small file")];
            file.file().read_exact_at(&mut bytes, 0).expect("an open file");
            self.bytes(&bytes, |offset| format!("what was {} at {offset}", file.path().display()), &mut found);
        }
        found
    }

    fn bytes(&self, bytes: &[u8], place: impl Fn(usize) -> String, found: &mut Vec<Found>) {
        for (offset, window) in bytes.windows(PART).enumerate() {
            let begin = u16::from_le_bytes([window[0], window[1]]);
            if !self.begins[usize::from(begin)] {
                continue;
            }
            for pattern in self.patterns[&begin].iter().filter(|pattern| pattern.bytes == window) {
                let Pattern { name, form, at, .. } = pattern;
                found.push(Found { name, form, at: *at, place: place(offset) });
            }
        }
    }
}

/// A piece of memory with zeros for the pages that are not there, as those of a device or past the end of a file, and how many
/// bytes are there.
fn piece(memory: &File, at: u64, len: usize) -> (Vec<u8>, usize) {
    let mut bytes = vec![0; len];
    if memory.file().read_exact_at(&mut bytes, at).is_ok() {
        return (bytes, len);
    }
    let mut there = 0;
    for (number, page) in bytes.chunks_mut(PAGE).enumerate() {
        if memory.file().read_exact_at(page, at + (number * PAGE) as u64).is_ok() {
            there += page.len();
        } else {
            page.fill(0);
        }
    }
    (bytes, there)
}

/// Addresses.
struct Range {
    from: u64,
    to: u64,
    /// Whether it is private and of no file: heap and stacks.
    is_own: bool,
}

/// The range of a line, if it is memory that can be read and not the kernel's.
fn readable(map: &str) -> Option<Range> {
    let mut fields = map.split_whitespace();
    let (range, rights, inode) = (fields.next()?, fields.next()?, fields.nth(2)?);
    if !rights.starts_with('r') || map.ends_with("[vvar]") || map.ends_with("[vsyscall]") {
        return None;
    }
    let (from, to) = range.split_once('-')?;
    let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
    Some(Range { from, to, is_own: rights == "rw-p" && inode == "0" })
}

fn patterns_of(secret: &Secret) -> Vec<Pattern> {
    let bytes = &secret.bytes;
    let forms = [
        ("bytes", bytes.clone()),
        ("the inner pad of HMAC", bytes.iter().map(|byte| byte ^ 0x36).collect()),
        ("the outer pad of HMAC", bytes.iter().map(|byte| byte ^ 0x5c).collect()),
        ("hex", HEXLOWER.encode(bytes).into_bytes()),
        ("base64", BASE64.encode(bytes).into_bytes()),
        ("base64url", BASE64URL_NOPAD.encode(bytes).into_bytes()),
        ("base32", BASE32_NOPAD.encode(bytes).into_bytes()),
    ];
    let parts = |(form, bytes): (&'static str, Vec<u8>)| {
        let part =
            |(number, part): (usize, &[u8; PART])| Pattern { name: secret.name, form, at: number * PART, bytes: *part };
        bytes.as_chunks().0.iter().enumerate().map(part).collect::<Vec<_>>()
    };
    forms.into_iter().flat_map(parts).collect()
}

#[test]
fn a_page_that_is_not_there_hides_no_other_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two pages");
    fs_err::write(&path, [7; 2 * PAGE]).unwrap();
    let (bytes, there) = piece(&File::open(&path).unwrap(), 0, 3 * PAGE);
    assert_eq!(there, 2 * PAGE);
    assert_eq!(bytes, [[7; PAGE], [7; PAGE], [0; PAGE]].concat());
}

//! Names and paths inside a space: exact bytes, refused on every read and write when a rule is broken (spec: 3-spaces,
//! "Directories").

use core::fmt;
use std::borrow::Cow;
use std::sync::Arc;

use thiserror::Error;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Longest name in bytes.
pub const NAME_MAX: usize = 255;
/// Most directories on the way from the root to an entry, so that no reader is led down without end.
pub const DEPTH_MAX: usize = 256;

/// Why bytes are not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is no byte.
    #[error("a name is empty")]
    Empty,
    /// There are more than [`NAME_MAX`] bytes.
    #[error("a name is longer than {NAME_MAX} bytes")]
    TooLong,
    /// It is `.` or `..`.
    #[error("a name is '.' or '..'")]
    Relative,
    /// It holds a `/`.
    #[error("a name contains '/'")]
    Separator,
    /// It holds a NUL.
    #[error("a name contains a NUL byte")]
    Nul,
}

/// The name of an entry: 1 to 255 exact bytes, most often UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(Arc<[u8]>);

impl EntryName {
    /// The name with exactly these bytes.
    ///
    /// # Errors
    /// [`NameError`] when a rule of the format is broken.
    pub fn new(bytes: &[u8]) -> Result<Self, NameError> {
        match bytes {
            [] => Err(NameError::Empty),
            b"." | b".." => Err(NameError::Relative),
            _ if bytes.len() > NAME_MAX => Err(NameError::TooLong),
            _ if bytes.contains(&b'/') => Err(NameError::Separator),
            _ if bytes.contains(&0) => Err(NameError::Nul),
            _ => Ok(Self(bytes.into())),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What two names have in common that may not stand in one directory: the NFC form, or the bytes when they are not UTF-8.
    pub fn collision_key(&self) -> Cow<'_, [u8]> {
        match core::str::from_utf8(&self.0) {
            Ok(text) if !text.is_ascii() && is_nfc_quick(text.chars()) != IsNormalized::Yes => {
                Cow::Owned(text.nfc().collect::<String>().into_bytes())
            }
            _ => Cow::Borrowed(&self.0),
        }
    }

    /// The decomposed form, when it differs: under it a file system of another make may know the same name.
    pub(super) fn decomposed(&self) -> Option<Self> {
        let text = core::str::from_utf8(&self.0).ok().filter(|text| !text.is_ascii())?;
        let decomposed = text.nfd().collect::<String>();
        Self::new(decomposed.as_bytes()).ok().filter(|name| name != self)
    }

    /// The composed form, when it differs.
    pub(super) fn composed(&self) -> Option<Self> {
        match self.collision_key() {
            Cow::Owned(key) => Self::new(&key).ok().filter(|name| name != self),
            Cow::Borrowed(_) => None,
        }
    }
}

impl fmt::Display for EntryName {
    /// For people: what is not UTF-8, steers a terminal, turns the direction of text or cannot be seen is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for letter in chunk.valid().chars() {
                if letter.is_control() || letter == '\\' || is_invisible(letter) {
                    write!(f, "{}", letter.escape_default())?;
                } else {
                    write!(f, "{letter}")?;
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

const fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Names are content: they are shown to the person who asked, and to no log.
impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryName({} bytes)", self.0.len())
    }
}

/// Why bytes are not a path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("a path begins with '/'")]
    NotAbsolute,
    /// Two `/` stand side by side.
    #[error("a path contains '//'")]
    EmptyComponent,
    /// One of its names is refused.
    #[error("component {component} of a path is refused")]
    Name {
        /// Which one, from 1.
        component: usize,
        /// What is wrong with it.
        source: NameError,
    },
    /// It has more than [`DEPTH_MAX`] names.
    #[error("a path has more than {DEPTH_MAX} components")]
    TooDeep,
}

/// The place of an entry in a space: the names from the root down. The root itself has none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RemotePath(Vec<EntryName>);

impl RemotePath {
    /// The root directory, `/`.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Reads `/a/b`; one `/` at the end may stand behind a folder's name.
    ///
    /// # Errors
    /// [`PathError`] when it is not absolute or a component is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        let below = bytes.strip_prefix(b"/").ok_or(PathError::NotAbsolute)?;
        let below = below.strip_suffix(b"/").unwrap_or(below);
        if below.is_empty() {
            return if bytes == b"//" { Err(PathError::EmptyComponent) } else { Ok(Self::root()) };
        }
        let mut names = Vec::new();
        for (component, name) in (1..).zip(below.split(|byte| *byte == b'/')) {
            if component > DEPTH_MAX {
                return Err(PathError::TooDeep);
            }
            names.push(EntryName::new(name).map_err(|source| match source {
                NameError::Empty => PathError::EmptyComponent,
                source => PathError::Name { component, source },
            })?);
        }
        Ok(Self(names))
    }

    /// The names from the root down.
    pub fn names(&self) -> &[EntryName] {
        &self.0
    }

    /// Whether this is `/`.
    pub const fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The directory it is in and its name there; `None` for the root.
    pub fn split(&self) -> Option<(Self, &EntryName)> {
        let (name, parent) = self.0.split_last()?;
        Some((Self(parent.to_vec()), name))
    }

    /// The entry `name` in this directory.
    #[must_use]
    pub fn join(&self, name: &EntryName) -> Self {
        Self(self.0.iter().chain([name]).cloned().collect())
    }

    /// Whether `other` is this path or lies below it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The exact bytes, as [`RemotePath::parse`] reads them.
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.is_root() {
            return b"/".to_vec();
        }
        self.0.iter().flat_map(|name| [b"/", name.as_bytes()].concat()).collect()
    }
}

impl From<Vec<EntryName>> for RemotePath {
    fn from(names: Vec<EntryName>) -> Self {
        Self(names)
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str("/");
        }
        self.0.iter().try_for_each(|name| write!(f, "/{name}"))
    }
}

impl fmt::Debug for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemotePath({} names)", self.0.len())
    }
}

//! Which names below a source or target take part: patterns as in gitignore(5).

use std::path::Path;

use anonicloud_proto::codec::{DecodeError, Reader, Writer};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use thiserror::Error;

/// Patterns of one filter at most, and bytes of one of them.
const PATTERNS_MAX: usize = 1 << 12;
const PATTERN_MAX: usize = 4 << 10;

/// Patterns, of which the last that matches a name decides.
///
/// A pattern without a slash matches a name at any depth; one with a slash, in front or inside, a path from the source on; one
/// that ends with a slash folders alone. `*`, `?`, `[...]` and `**` are as in gitignore(5); `!` in front takes back what an
/// earlier pattern leaves out, but nothing below a folder that is left out.
#[derive(Debug, Clone)]
pub struct Filter {
    patterns: Vec<String>,
    matcher: Gitignore,
}

/// Why patterns are no filter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FilterError {
    /// One is not a pattern.
    #[error("the pattern {pattern:?} cannot be used: {reason}")]
    Malformed {
        /// Which.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// There are too many of them, or one is too long.
    #[error("patterns are at most {PATTERNS_MAX}, each of at most {PATTERN_MAX} bytes")]
    TooMuch,
}

impl Filter {
    /// The filter of these patterns; empty ones, and those that begin with `#`, mean nothing.
    ///
    /// # Errors
    /// [`FilterError`] when one of them is none.
    pub fn new(patterns: Vec<String>) -> Result<Self, FilterError> {
        if patterns.len() > PATTERNS_MAX || patterns.iter().any(|pattern| pattern.len() > PATTERN_MAX) {
            return Err(FilterError::TooMuch);
        }
        let mut builder = GitignoreBuilder::new("");
        for pattern in &patterns {
            let mut names = pattern.trim_start_matches('!').split('/');
            if names.any(|name| matches!(name, "." | "..")) {
                let reason = "a path in it begins at the source, without . and ..".to_owned();
                return Err(FilterError::Malformed { pattern: pattern.clone(), reason });
            }
            let added = builder.add_line(None, pattern);
            added.map_err(|error| FilterError::Malformed { pattern: pattern.clone(), reason: error.to_string() })?;
        }
        let built = builder.build();
        let matcher = built
            .map_err(|error| FilterError::Malformed { pattern: patterns.join(", "), reason: error.to_string() })?;
        Ok(Self { patterns, matcher })
    }

    /// The filter that takes everything.
    pub fn everything() -> Self {
        Self { patterns: Vec::new(), matcher: Gitignore::empty() }
    }

    /// Whether what is at `path`, from the source on, is left out; nothing above it is.
    pub(crate) fn leaves_out(&self, path: &Path, is_directory: bool) -> bool {
        matches!(self.matcher.matched(path, is_directory), Match::Ignore(_))
    }

    /// Whether what is at `path`, a file, or a folder above it is left out.
    pub(crate) fn leaves_out_below(&self, path: &Path) -> bool {
        let above = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        self.leaves_out(path, false) || above.into_iter().any(|folder| self.leaves_out(folder, true))
    }

    /// Each pattern that means anything, with a matcher of its own.
    pub(super) fn one_by_one(&self) -> Vec<(String, Gitignore)> {
        let matchers = self.patterns.iter().filter_map(|pattern| {
            let mut builder = GitignoreBuilder::new("");
            builder.add_line(None, pattern).ok()?;
            let matcher = builder.build().ok().filter(|matcher| !matcher.is_empty())?;
            Some((pattern.clone(), matcher))
        });
        matchers.collect()
    }

    /// Whether it takes everything.
    pub(crate) const fn is_everything(&self) -> bool {
        self.patterns.is_empty()
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.count(self.patterns.len());
        for pattern in &self.patterns {
            out.bytes(pattern.as_bytes());
        }
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut patterns = Vec::new();
        for _ in 0..input.count(PATTERNS_MAX)? {
            let pattern = String::from_utf8(input.bytes(PATTERN_MAX)?.to_vec());
            patterns.push(pattern.map_err(|_| DecodeError::NotCanonical)?);
        }
        Self::new(patterns).map_err(|_| DecodeError::NotCanonical)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns
    }
}

impl Eq for Filter {}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(patterns: &[&str]) -> Filter {
        Filter::new(patterns.iter().map(|pattern| (*pattern).to_owned()).collect()).unwrap()
    }

    #[test]
    fn patterns_are_those_of_gitignore() {
        let some = filter(&["*.tmp", "!keep.tmp", "/build", "cache/", "a/**/z", "# nothing", ""]);
        for (path, is_directory, is_left_out) in [
            ("x.tmp", false, true),
            ("below/x.tmp", false, true),
            ("keep.tmp", false, false),
            ("build", true, true),
            ("below/build", true, false),
            ("cache", true, true),
            ("below/cache", true, true),
            ("cache", false, false),
            ("a/b/c/z", false, true),
            ("# nothing", false, false),
            ("x", false, false),
        ] {
            assert_eq!(some.leaves_out(Path::new(path), is_directory), is_left_out, "{path}");
        }
        let only = filter(&["*", "!*/", "!*.jpg"]);
        let left_out = |path, is_directory| only.leaves_out(Path::new(path), is_directory);
        assert!(!left_out("a", true) && !left_out("a/b.jpg", false) && left_out("a/b.png", false));
        assert!(!Filter::everything().leaves_out(Path::new("x"), false));
        let below = filter(&["cache/", "!cache/keep"]);
        assert!(below.leaves_out_below(Path::new("a/cache/keep")) && !below.leaves_out_below(Path::new("a/cache")));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let refused = Filter::new(vec!["[z-a]".to_owned()]);
        assert!(matches!(refused, Err(FilterError::Malformed { pattern, .. }) if pattern == "[z-a]"));
        assert!(Filter::new(vec!["./target".to_owned()]).is_err() && Filter::new(vec!["!a/../b".to_owned()]).is_err());
        assert_eq!(Filter::new(vec!["a".repeat(PATTERN_MAX + 1)]), Err(FilterError::TooMuch));
        assert_eq!(Filter::new(vec![String::new(); PATTERNS_MAX + 1]), Err(FilterError::TooMuch));
    }

    #[test]
    fn a_filter_is_written_and_read() {
        let some = filter(&["*.tmp", "!keep.tmp"]);
        let mut out = Writer::default();
        some.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(Filter::decode(&mut Reader::new(&bytes)), Ok(some));
        assert!(Filter::decode(&mut Reader::new(&bytes[..bytes.len() - 1])).is_err());
    }
}

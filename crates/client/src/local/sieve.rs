//! A filter at work: how much it left out, and which of its patterns never mattered.

use std::path::Path;

use ignore::gitignore::Gitignore;

use super::filter::Filter;

/// Asked of each name, once.
#[derive(Debug)]
pub(crate) struct Sieve<'a> {
    filter: &'a Filter,
    left_out: u64,
    /// Patterns that have matched no name yet.
    unmatched: Vec<(String, Gitignore)>,
}

impl<'a> Sieve<'a> {
    /// Nothing was asked yet.
    pub(crate) fn new(filter: &'a Filter) -> Self {
        Self { filter, left_out: 0, unmatched: filter.one_by_one() }
    }

    /// Whether what is at `path`, from the source on, is left out; nothing above it is.
    pub(crate) fn leaves_out(&mut self, path: &Path, is_directory: bool) -> bool {
        self.unmatched.retain(|(_, matcher)| matcher.matched(path, is_directory).is_none());
        let is_left_out = self.filter.leaves_out(path, is_directory);
        self.left_out += u64::from(is_left_out);
        is_left_out
    }

    /// What came of it.
    pub(crate) fn sifted(&self) -> Sifted {
        Sifted {
            left_out: self.left_out,
            unmatched: self.unmatched.iter().map(|(pattern, _)| pattern.clone()).collect(),
        }
    }
}

/// What the patterns of a transfer did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sifted {
    /// Entries that were left out; a folder counts once, with all that is below it.
    pub left_out: u64,
    /// Patterns that matched nothing of what was looked at.
    pub unmatched: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_what_never_matched_is_known() {
        let patterns = ["*.o", "main.o", "!keep.o", "cache/", "/never/*", "# nothing", ""].map(str::to_owned);
        let filter = Filter::new(patterns.to_vec()).unwrap();
        let mut sieve = Sieve::new(&filter);
        for (path, is_directory, is_left_out) in
            [("main.o", false, true), ("keep.o", false, false), ("cache", false, false), ("a/cache", true, true)]
        {
            assert_eq!(sieve.leaves_out(Path::new(path), is_directory), is_left_out, "{path}");
        }
        // A pattern that another one behind it overrules has matched all the same.
        assert_eq!(sieve.sifted(), Sifted { left_out: 2, unmatched: vec!["/never/*".to_owned()] });
    }
}

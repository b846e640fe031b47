//! Which files below the sources take part.

use std::path::PathBuf;

use anonicloud_client::transfer::Filter;
use clap::Args;

use crate::error::CliError;

/// A file of patterns has this many bytes at most.
const LARGEST: u64 = 1 << 20;

/// The options that choose.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Leave out what matches, as .gitignore says it: '*.tmp', 'cache/', '/build'
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Take what matches all the same, but for what is in a folder that is left out
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Leave out by the patterns in a file, one a line
    #[arg(long, value_name = "FILE")]
    exclude_from: Vec<PathBuf>,
}

impl Selection {
    /// The filter that the options say, after the patterns that are `usual`.
    pub(super) fn filter(&self, usual: &[String]) -> Result<Filter, CliError> {
        let mut patterns: Vec<_> = usual.iter().map(|pattern| as_typed(pattern)).collect();
        for path in &self.exclude_from {
            let unreadable = |error| CliError::PatternsUnreadable { path: path.clone(), error };
            if fs_err::metadata(path).map_err(unreadable)?.len() > LARGEST {
                return Err(unreadable(std::io::ErrorKind::FileTooLarge.into()));
            }
            let text = fs_err::read_to_string(path).map_err(unreadable)?;
            patterns.extend(text.trim_start_matches('\u{feff}').lines().map(str::to_owned));
        }
        patterns.extend(self.typed_excludes());
        if patterns.is_empty() && !self.include.is_empty() {
            let reason = "--include takes back what an --exclude leaves out, and there is none";
            return Err(CliError::Arguments(reason.to_owned()));
        }
        // The last that matches decides.
        patterns.extend(self.typed_includes());
        Ok(Filter::new(patterns)?)
    }

    /// The patterns of the filter that a person typed for this run.
    pub(super) fn typed(&self) -> Vec<String> {
        self.typed_excludes().chain(self.typed_includes()).collect()
    }

    fn typed_excludes(&self) -> impl Iterator<Item = String> {
        self.exclude.iter().map(|pattern| as_typed(pattern))
    }

    fn typed_includes(&self) -> impl Iterator<Item = String> {
        self.include.iter().map(|pattern| format!("!{pattern}"))
    }
}

/// A pattern that stands by itself is none of a file's comments.
fn as_typed(pattern: &str) -> String {
    if pattern.starts_with('#') { format!("\\{pattern}") } else { pattern.to_owned() }
}

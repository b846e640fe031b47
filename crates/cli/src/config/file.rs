//! The config file: what a person does not want to type each time.
//!
//! ```text
//! server = "https://cloud.example.org"
//! retry_for = 120
//!
//! [profile.work]
//! server = "https://files.example.com"
//! ca_file = "work.pem"
//! ```

use core::num::NonZeroU64;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::error::CliError;
use crate::units;

/// A config file has this many bytes at most.
const LARGEST: u64 = 1 << 20;

/// What stands in the file: settings, and those of profiles, which stand before them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    server: Option<String>,
    ca_file: Option<PathBuf>,
    state_dir: Option<PathBuf>,
    retry_for: Option<u32>,
    #[serde(default, deserialize_with = "rate")]
    limit_rate: Option<NonZeroU64>,
    exclude: Option<Vec<String>>,
    upkeep: Option<bool>,
    #[serde(default)]
    profile: BTreeMap<String, Section>,
}

/// The settings that a profile may have of its own.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    /// Address of the server.
    pub(super) server: Option<String>,
    /// Certificates to trust.
    pub(super) ca_file: Option<PathBuf>,
    /// Folder of the local state.
    pub(super) state_dir: Option<PathBuf>,
    /// Seconds to try again.
    pub(super) retry_for: Option<u32>,
    /// Bytes a second at most.
    #[serde(default, deserialize_with = "rate")]
    pub(super) limit_rate: Option<NonZeroU64>,
    /// Patterns that are left out of every `put`.
    pub(super) exclude: Option<Vec<String>>,
    /// Whether `watch` gives back room.
    pub(super) upkeep: Option<bool>,
}

impl ConfigFile {
    /// Reads the file that was `named`, or the one at `usual`, which need not be there.
    ///
    /// # Errors
    /// [`CliError::Config`] when it cannot be read, or says what no version of this program means.
    pub(super) fn load(named: Option<&Path>, usual: Option<&Path>) -> Result<Self, CliError> {
        let Some(path) = named.or(usual) else {
            return Ok(Self::default());
        };
        let refuse = |reason: String| CliError::Config { path: path.to_owned(), reason };
        let text = match read(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(refuse(error.kind().to_string())),
        };
        let mut file: Self = toml::from_str(&text).map_err(|error| refuse(place_of(&error, &text)))?;
        let folder = path.parent().unwrap_or(path);
        for path in file.paths() {
            *path = folder.join(&*path);
        }
        Ok(file)
    }

    /// What holds under the profile of this name, or without one. A profile has a state of its own: no two accounts share one.
    pub(super) fn section(mut self, profile: Option<&str>) -> Section {
        let own = profile.map(|name| self.profile.remove(name).unwrap_or_default());
        let state_dir = match &own {
            Some(own) => own.state_dir.clone(),
            None => self.state_dir,
        };
        let own = own.unwrap_or_default();
        // The certificates that were named for one server say nothing of another one.
        let ca_file = if own.server.is_some() { own.ca_file } else { own.ca_file.or(self.ca_file) };
        Section {
            server: own.server.or(self.server),
            ca_file,
            state_dir,
            retry_for: own.retry_for.or(self.retry_for),
            limit_rate: own.limit_rate.or(self.limit_rate),
            exclude: own.exclude.or(self.exclude),
            upkeep: own.upkeep.or(self.upkeep),
        }
    }

    /// The paths in it, which are relative to its folder.
    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let own = self.ca_file.iter_mut().chain(&mut self.state_dir);
        let sections = self.profile.values_mut();
        own.chain(sections.flat_map(|section| section.ca_file.iter_mut().chain(&mut section.state_dir)))
    }
}

/// As it is typed after `--limit-rate`.
fn rate<'de, D: Deserializer<'de>>(input: D) -> Result<Option<NonZeroU64>, D::Error> {
    let typed = String::deserialize(input)?;
    units::rate(&typed).map(Some).map_err(D::Error::custom)
}

fn read(path: &Path) -> io::Result<String> {
    if fs_err::metadata(path)?.len() > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs_err::read_to_string(path)
}

/// What is wrong, and in which line: without a value, which may be anything.
fn place_of(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    // Of these messages alone it is known that they repeat no more than a key.
    let message = Some(error.message()).filter(|message| message.starts_with("unknown field"));
    format!("line {line}: {}", message.unwrap_or("not a setting as the file may hold them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
        server = 'https://one'
        ca_file = 'one.pem'
        state_dir = '/state'
        retry_for = 5
        limit_rate = '2M'
        exclude = ['*.tmp']
        [profile.other-account]
        [profile.work]
        server = 'https://two'
        retry_for = 7
        limit_rate = '500K'
        exclude = ['*.log']
        upkeep = true
        state_dir = 'work'";

    fn load(text: &str) -> Result<ConfigFile, CliError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs_err::write(&path, text).unwrap();
        ConfigFile::load(Some(&path), None).map(|mut file| {
            for path in file.paths() {
                *path = path.strip_prefix(folder.path()).unwrap_or(path).to_owned();
            }
            file
        })
    }

    #[test]
    fn a_profile_stands_before_the_rest_and_keeps_its_state_apart() {
        let section = |profile| load(FILE).unwrap().section(profile);
        let server = |name: &str| Some(format!("https://{name}"));
        let exclude = |pattern: &str| Some(vec![pattern.to_owned()]);
        let plain = Section {
            server: server("one"),
            ca_file: Some("one.pem".into()),
            state_dir: Some("/state".into()),
            retry_for: Some(5),
            limit_rate: NonZeroU64::new(2 << 20),
            exclude: exclude("*.tmp"),
            upkeep: None,
        };
        assert_eq!(section(Some("other-account")), Section { state_dir: None, ..section(None) });
        assert_eq!(section(Some("unheard-of")), section(Some("other-account")));
        assert_eq!(section(None), plain);
        let work = Section {
            server: server("two"),
            ca_file: None,
            state_dir: Some("work".into()),
            retry_for: Some(7),
            limit_rate: NonZeroU64::new(500 << 10),
            exclude: exclude("*.log"),
            upkeep: Some(true),
        };
        assert_eq!(section(Some("work")), work);
    }

    #[test]
    fn a_file_need_not_be_there_unless_it_is_named() {
        let missing = Path::new("/nonexistent/config.toml");
        assert_eq!(ConfigFile::load(None, Some(missing)).unwrap().section(None), Section::default());
        assert_eq!(ConfigFile::load(None, None).unwrap().section(None), Section::default());
        assert!(ConfigFile::load(Some(missing), None).is_err());
    }

    #[test]
    fn what_means_nothing_is_refused_with_its_line_and_without_its_text() {
        for (text, line) in [
            ("\nsecret", 2),
            ("retry_for = 'secret'", 1),
            ("\n\npassword = 'secret'", 3),
            ("[profile.a]\nx = 1", 2),
            ("\nlimit_rate = 'secret'", 2),
        ] {
            let error = load(text).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}: ")) && !error.contains("secret"), "{text}: {error}");
        }
    }
}

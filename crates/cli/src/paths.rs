//! Which local path goes with which path in the cloud, by the rules of `cp -r`.
//!
//! Enters: paths as typed, and what the target is now. Leaves: pairs of a source and its exact target.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anonicloud_client::item::ItemKind;
use anonicloud_client::path::{EntryName, RemotePath};
use anonicloud_client::transfer::{GetTarget, Job, JobSource, PutSource};
use clap::builder::{OsStringValueParser, TypedValueParser};
use thiserror::Error;

use crate::error::with_causes;
use crate::escape;

/// Why the paths of a command do not go together.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum PathError {
    #[error("{0}: not a folder")]
    NotDirectory(String),
    #[error("what is read from stdin has no name")]
    StdinUnnamed,
    #[error("stdin is named twice")]
    StdinTwice,
    #[error("two sources would both become {0}")]
    SameTarget(String),
    #[error("the root has no name of its own")]
    RootUnnamed,
    #[error("{0}")]
    Unstorable(String),
}

impl PathError {
    /// Stable, for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NotDirectory(_) => "not_a_directory",
            Self::StdinUnnamed => "stdin_unnamed",
            Self::StdinTwice => "stdin_twice",
            Self::SameTarget(_) => "same_target",
            Self::RootUnnamed => "root_unnamed",
            Self::Unstorable(_) => "name_refused",
        }
    }

    /// What to do.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NotDirectory(_) => "several sources need a folder as the target; make it with `anonicloud mkdir`",
            Self::StdinUnnamed => "give the whole path of the new file, like /backup/dump.sql",
            Self::StdinTwice => "name it once",
            Self::SameTarget(_) => "send them one by one under different names",
            Self::RootUnnamed => "name what is in it",
            Self::Unstorable(_) => "names have at most 255 bytes and are neither `.` nor `..`",
        }
    }
}

/// A path in the cloud as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteArgument {
    /// The path itself.
    pub(crate) path: RemotePath,
    /// Whether a slash at the end says that it is a folder.
    pub(crate) is_folder: bool,
}

impl RemoteArgument {
    /// How clap reads one.
    pub(crate) fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().try_map(|typed: OsString| Self::parse(typed.as_bytes()))
    }

    /// Reads a path that begins with a slash.
    pub(crate) fn parse(typed: &[u8]) -> Result<Self, String> {
        let path = RemotePath::parse(typed).map_err(|error| with_causes(&error))?;
        Ok(Self { path, is_folder: typed.ends_with(b"/") })
    }

    /// The last name; none for the root.
    fn name(&self) -> Option<&EntryName> {
        self.path.names().last()
    }

    /// The path in this folder of a local `name`.
    fn join(&self, name: &OsStr) -> Result<RemotePath, PathError> {
        let name = EntryName::new(name.as_bytes())
            .map_err(|error| PathError::Unstorable(format!("{}: {error}", name.display())))?;
        Ok(self.path.join(&name))
    }
}

/// What each source of `put` becomes; `existing` is what the target is now.
///
/// In a folder a source keeps its name; `.`, `..` and `/` have none and put what is in them there.
pub(crate) fn put_sources(
    sources: &[PathBuf],
    target: &RemoteArgument,
    existing: Option<ItemKind>,
) -> Result<Vec<PutSource>, PathError> {
    let into = goes_into(target, existing, sources.len())?;
    if sources.iter().filter(|source| is_dash(source)).count() > 1 {
        return Err(PathError::StdinTwice);
    }
    let mut planned = Vec::with_capacity(sources.len());
    for source in sources {
        planned.push(match (is_dash(source), own_name(source)) {
            (true, _) if into => return Err(PathError::StdinUnnamed),
            (true, _) => PutSource::Stdin { remote: target.path.clone() },
            (false, Some(name)) if into => PutSource::Path { local: source.clone(), remote: target.join(name)? },
            (false, _) => PutSource::Path { local: source.clone(), remote: target.path.clone() },
        });
    }
    distinct(planned.iter().map(|source| match source {
        PutSource::Path { remote, .. } | PutSource::Stdin { remote } => remote.to_string(),
    }))?;
    Ok(planned)
}

/// What a `put` that is typed again becomes when it was cut before: what it became then, though the folder that it made by
/// now would take the source in.
pub(crate) fn cut_put(sources: &[PathBuf], target: &RemoteArgument, queued: &[Job]) -> Option<Vec<PutSource>> {
    let [source] = sources else { return None };
    if target.is_folder || is_dash(source) {
        return None;
    }
    let local = std::path::absolute(source).ok()?;
    let is_same =
        |sources: &[JobSource]| matches!(sources, [only] if only.local == local && only.remote == target.path);
    queued
        .iter()
        .any(|job| is_same(job.sources()))
        .then(|| vec![PutSource::Path { local: source.clone(), remote: target.path.clone() }])
}

/// Where each source of `get` goes; `into` says whether `local` is a folder now.
pub(crate) fn get_targets(
    sources: &[RemoteArgument],
    local: &Path,
    into: bool,
) -> Result<Vec<(RemotePath, GetTarget)>, PathError> {
    if is_dash(local) {
        return Ok(sources.iter().map(|source| (source.path.clone(), GetTarget::Stdout)).collect());
    }
    let into = into || local.as_os_str().as_bytes().ends_with(b"/");
    if sources.len() > 1 && !into {
        return Err(PathError::NotDirectory(local.display().to_string()));
    }
    let targets: Vec<_> = sources
        .iter()
        .map(|source| match source.name() {
            Some(name) if into => local.join(OsStr::from_bytes(name.as_bytes())),
            _ => local.to_owned(),
        })
        .collect();
    distinct(targets.iter().map(|target| escape::name(target.as_os_str().as_bytes())))?;
    Ok(sources.iter().zip(targets).map(|(source, target)| (source.path.clone(), GetTarget::Path(target))).collect())
}

/// What each source of `mv` and `cp` becomes; `existing` is what the target is now.
pub(crate) fn moves(
    sources: &[RemoteArgument],
    target: &RemoteArgument,
    existing: Option<ItemKind>,
) -> Result<Vec<(RemotePath, RemotePath)>, PathError> {
    let into = goes_into(target, existing, sources.len())?;
    let mut planned = Vec::with_capacity(sources.len());
    for source in sources {
        let name = source.name().ok_or(PathError::RootUnnamed)?;
        let to = if into { target.path.join(name) } else { target.path.clone() };
        planned.push((source.path.clone(), to));
    }
    distinct(planned.iter().map(|(_, to)| to.to_string()))?;
    Ok(planned)
}

/// Splits the arguments of `get` in sources and the local target, which is `.` when only one path was typed.
pub(crate) fn split_get(typed: &[OsString]) -> Result<(Vec<RemoteArgument>, PathBuf), String> {
    let (sources, local) = match typed {
        [sources @ .., local] if !sources.is_empty() => (sources, PathBuf::from(local)),
        sources => (sources, PathBuf::from(".")),
    };
    let sources = sources.iter().map(|source| RemoteArgument::parse(source.as_bytes()));
    Ok((sources.collect::<Result<_, _>>()?, local))
}

fn goes_into(target: &RemoteArgument, existing: Option<ItemKind>, sources: usize) -> Result<bool, PathError> {
    let is_directory = existing == Some(ItemKind::Directory);
    let is_other = existing.is_some() && !is_directory;
    let into = is_directory || target.is_folder;
    if (into && is_other) || (!into && sources > 1) {
        return Err(PathError::NotDirectory(target.path.to_string()));
    }
    Ok(into)
}

/// Whether a path stands for stdin or stdout.
pub(crate) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The name that a local path brings along. `Path::file_name` would take `folder` from `folder/.`.
fn own_name(path: &Path) -> Option<&OsStr> {
    let bytes = path.as_os_str().as_bytes();
    let is_inside = bytes == b"." || bytes.ends_with(b"/.");
    path.file_name().filter(|_| !is_inside)
}

fn distinct(targets: impl Iterator<Item = String>) -> Result<(), PathError> {
    let mut seen = BTreeSet::new();
    for target in targets {
        if let Some(twice) = seen.replace(target) {
            return Err(PathError::SameTarget(twice));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sources, target, what the target is, and what is planned.
    type Case<'a> = (&'a [&'a str], &'a str, Option<ItemKind>, &'a [&'a str]);

    fn remote(text: &str) -> RemoteArgument {
        RemoteArgument::parse(text.as_bytes()).unwrap()
    }

    fn put(sources: &[&str], target: &str, existing: Option<ItemKind>) -> Result<Vec<String>, PathError> {
        let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
        let planned = put_sources(&sources, &remote(target), existing)?;
        Ok(planned
            .into_iter()
            .map(|source| match source {
                PutSource::Path { local, remote } => format!("{} {remote}", local.display()),
                PutSource::Stdin { remote } => format!("stdin {remote}"),
            })
            .collect())
    }

    #[test]
    fn put_follows_cp() {
        let folder = Some(ItemKind::Directory);
        let file = Some(ItemKind::File);
        let cases: [Case<'_>; 11] = [
            (&["a"], "/name", None, &["a /name"]),
            (&["a"], "/name", file, &["a /name"]),
            (&["a", "b"], "/dir/", None, &["a /dir/a", "b /dir/b"]),
            (&["a", "b"], "/dir", folder, &["a /dir/a", "b /dir/b"]),
            (&["folder"], "/x", None, &["folder /x"]),
            (&["folder"], "/x/", None, &["folder /x/folder"]),
            (&["some/folder/"], "/x", folder, &["some/folder/ /x/folder"]),
            (&["a"], "/", folder, &["a /a"]),
            (&["."], "/x", folder, &[". /x"]),
            (&["folder/."], "/x", folder, &["folder/. /x"]),
            (&["-"], "/dump", None, &["stdin /dump"]),
        ];
        for (sources, target, existing, planned) in cases {
            assert_eq!(put(sources, target, existing).unwrap(), planned, "{sources:?} {target}");
        }
    }

    #[test]
    fn put_refuses_what_cp_refuses() {
        let file = Some(ItemKind::File);
        let not_directory = |name: &str| Err(PathError::NotDirectory(name.to_owned()));
        assert_eq!(put(&["a", "b"], "/name", None), not_directory("/name"));
        assert_eq!(put(&["a", "b"], "/name", file), not_directory("/name"));
        assert_eq!(put(&["a"], "/name/", file), not_directory("/name"));
        assert_eq!(put(&["x/a", "y/a"], "/d/", None), Err(PathError::SameTarget("/d/a".to_owned())));
        assert_eq!(put(&["-"], "/d/", None), Err(PathError::StdinUnnamed));
        assert_eq!(put(&["-", "-"], "/d/", None), Err(PathError::StdinTwice));
    }

    #[test]
    fn get_follows_cp() {
        let path = |text: &str| GetTarget::Path(PathBuf::from(text));
        let targets = |sources: &[&str], local: &str, into: bool| {
            let sources: Vec<_> = sources.iter().map(|source| remote(source)).collect();
            get_targets(&sources, Path::new(local), into)
                .map(|planned| planned.into_iter().map(|(_, target)| target).collect::<Vec<_>>())
        };
        assert_eq!(targets(&["/p/a"], ".", true).unwrap(), [path("./a")]);
        assert_eq!(targets(&["/p/a"], "b", false).unwrap(), [path("b")]);
        assert_eq!(targets(&["/p/a"], "new/", false).unwrap(), [path("new/a")]);
        assert_eq!(targets(&["/"], "all", false).unwrap(), [path("all")]);
        assert_eq!(targets(&["/"], "here", true).unwrap(), [path("here")]);
        assert_eq!(targets(&["/a", "/b"], "-", false).unwrap(), [GetTarget::Stdout, GetTarget::Stdout]);
        assert_eq!(targets(&["/a", "/b"], "f", false), Err(PathError::NotDirectory("f".to_owned())));
        assert_eq!(targets(&["/x/a", "/y/a"], "d", true), Err(PathError::SameTarget("d/a".to_owned())));
    }

    #[test]
    fn moves_go_into_folders() {
        let folder = Some(ItemKind::Directory);
        let sources = [remote("/a"), remote("/p/b/")];
        let moved = moves(&sources, &remote("/d"), folder).unwrap();
        let moved: Vec<_> = moved.iter().map(|(from, to)| format!("{from} {to}")).collect();
        assert_eq!(moved, ["/a /d/a", "/p/b /d/b"]);
        assert_eq!(moves(&[remote("/")], &remote("/d"), folder), Err(PathError::RootUnnamed));
    }

    #[test]
    fn one_path_of_get_is_a_source() {
        let split = |typed: &[&str]| split_get(&typed.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(split(&["/a"]).unwrap(), (vec![remote("/a")], PathBuf::from(".")));
        assert_eq!(split(&["/a", "/tmp"]).unwrap(), (vec![remote("/a")], PathBuf::from("/tmp")));
        assert!(split(&["a", "b"]).is_err());
    }

    #[test]
    fn a_slash_at_the_end_says_folder() {
        assert_eq!(remote("/a/").path, remote("/a").path);
        assert!(remote("/a/").is_folder);
        assert!(remote("/").is_folder);
        assert!(!remote("/a").is_folder);
        assert!(RemoteArgument::parse(b"/a/../b").is_err());
    }
}

//! What `watch` tells.

use std::io::{self, Write};

use anonicloud_client::watch::{Change, ChangeKind};
use serde::Serialize;

use super::{Listed, readable};
use crate::escape;

/// `watch`, when it has begun.
#[derive(Debug, Serialize)]
pub(crate) struct Watching {
    event: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
}

impl Watching {
    /// What is watched.
    pub(crate) fn new(path: &[u8]) -> Self {
        let (path, path_base64) = readable(path);
        Self { event: "watching", path, path_base64 }
    }
}

/// `watch`: one path that changed.
#[derive(Debug, Serialize)]
pub(crate) struct ChangedPath {
    event: &'static str,
    /// Of what moved, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_base64: Option<String>,
    #[serde(flatten)]
    item: Listed,
    /// The exact names, for people.
    #[serde(skip)]
    names: Vec<Vec<u8>>,
}

impl ChangedPath {
    /// What is told of `change`.
    pub(crate) fn new(change: &Change) -> Self {
        let path = change.path.to_bytes();
        let (event, from) = match &change.kind {
            ChangeKind::Added => ("added", None),
            ChangeKind::Changed => ("changed", None),
            ChangeKind::Removed => ("removed", None),
            ChangeKind::Moved { from } => ("moved", Some(from.to_bytes())),
            _ => ("other", None),
        };
        let (from_text, from_base64) = from.as_deref().map(readable).unzip();
        Self {
            event,
            from: from_text,
            from_base64: from_base64.flatten(),
            item: Listed::new(&path, &change.item),
            names: from.into_iter().chain([path]).collect(),
        }
    }

    /// A line for people: the event and the names.
    pub(crate) fn write(&self, out: &mut dyn Write, escaped: bool) -> io::Result<()> {
        write!(out, "{:<8}", self.event)?;
        for (place, name) in self.names.iter().enumerate() {
            out.write_all(if place == 0 { b"" } else { b" -> " })?;
            if escaped {
                out.write_all(escape::name(name).as_bytes())?;
            } else {
                out.write_all(name)?;
            }
        }
        out.write_all(b"\n")
    }
}

//! Files of objects for who checks them, beside a server that may be running: reads only, and knows that files go.

use std::io;
use std::path::{Path, PathBuf};

use super::files::{object_path, open_quietly};
use crate::store::ObjectId;

/// A folder of which nothing is changed.
#[derive(Debug, Clone)]
pub(crate) struct ObjectFiles(PathBuf);

impl ObjectFiles {
    /// The files in this folder of a blob store.
    pub(crate) fn at(folder: &Path) -> Self {
        Self(folder.to_path_buf())
    }

    /// Length and BLAKE3-256 of an object; nothing if it has no file.
    pub(crate) fn hash(&self, object: ObjectId) -> io::Result<Option<(u64, [u8; 32])>> {
        let mut file = match open_quietly(&object_path(&self.0, object)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(&mut file)?;
        Ok(Some((hasher.count(), *hasher.finalize().as_bytes())))
    }

    /// Whether an object has a file.
    pub(crate) fn has(&self, object: ObjectId) -> bool {
        object_path(&self.0, object).exists()
    }

    /// Every object whose first byte is `first`; none if there is no folder of them.
    pub(crate) fn list(&self, first: u8) -> io::Result<Vec<ObjectId>> {
        let mut objects = Vec::new();
        let entries = match fs_err::read_dir(self.0.join(format!("{first:02x}"))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(objects),
            entries => entries?,
        };
        for entry in entries {
            objects.extend(entry?.file_name().to_str().and_then(|name| name.parse::<ObjectId>().ok()));
        }
        Ok(objects)
    }
}

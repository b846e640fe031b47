//! The content of a file on its way up, a segment at a time.

use std::io;
use std::path::PathBuf;

use anonicloud_proto::limits::SEGMENT_LEN;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

use crate::error::OperationError;
use crate::local::source::SourceFile;

/// One segment's content: still in its file, or read already.
#[derive(Debug, Clone)]
pub(crate) enum SegmentContent {
    InFile(SourceFile, u64),
    Read(Zeroizing<Vec<u8>>),
}

impl SegmentContent {
    /// The bytes. Blocks.
    pub(crate) fn load(self) -> Result<Zeroizing<Vec<u8>>, LoadError> {
        match self {
            Self::InFile(file, index) => {
                let read = file.read_segment(index);
                read.map_err(|error| LoadError { path: file.path().to_owned(), error })
            }
            Self::Read(bytes) => Ok(bytes),
        }
    }
}

/// A segment that could not be read.
#[derive(Debug)]
pub(crate) struct LoadError {
    pub(crate) path: PathBuf,
    pub(crate) error: io::Error,
}

/// The next segment of a stream; empty at its end.
pub(crate) async fn next_segment(stream: &mut (impl AsyncRead + Unpin)) -> Result<Zeroizing<Vec<u8>>, OperationError> {
    let mut content = Zeroizing::new(Vec::with_capacity(SEGMENT_LEN));
    let mut limited = stream.take(SEGMENT_LEN as u64);
    while limited.read_buf(&mut *content).await.map_err(OperationError::Stream)? > 0 {}
    Ok(content)
}

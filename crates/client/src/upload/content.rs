//! The content of a file on its way up, a segment at a time.

use std::io;
use std::path::PathBuf;

use crate::buffers::{Buffer, Buffers};
use crate::error::OperationError;
use crate::local::source::SourceFile;
use anonicloud_proto::limits::SEGMENT_LEN;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// One segment's content: still in its file, or read already.
#[derive(Debug)]
pub(crate) enum SegmentContent {
    InFile(SourceFile, u64),
    Read(Buffer),
}

impl SegmentContent {
    /// The bytes. Blocks.
    pub(crate) fn load(self, buffers: &Buffers) -> Result<Buffer, LoadError> {
        match self {
            Self::InFile(file, index) => {
                let mut content = buffers.take();
                let read = file.read_segment(index, &mut content);
                read.map_err(|error| LoadError { path: file.path().to_owned(), error })?;
                Ok(content)
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
pub(crate) async fn next_segment(
    stream: &mut (impl AsyncRead + Unpin),
    buffers: &Buffers,
) -> Result<Buffer, OperationError> {
    let mut content = buffers.take();
    content.clear();
    content.reserve_exact(SEGMENT_LEN);
    let mut limited = stream.take(SEGMENT_LEN as u64);
    while limited.read_buf(&mut *content).await.map_err(OperationError::Stream)? > 0 {}
    Ok(content)
}

//! A file to a stream: segments in order, each verified before a byte of it is let go.

use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::segment::open_segment;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::client::Client;
use crate::error::OperationError;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::work;

/// Segments fetched ahead.
const AHEAD: usize = 4;

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Writes a file's content; gives the sealed bytes that were fetched.
    pub(super) async fn stream_out(
        &self,
        version: &VersionRef,
        output: &mut (impl AsyncWrite + Unpin),
        progress: &dyn Progress,
    ) -> Result<u64, OperationError> {
        let leaves = std::sync::Arc::new(self.read_leaves(version).await?);
        let indices: Vec<u64> = leaves.segments().map(|segment| segment.leaf.index).collect();
        let segments = stream::iter(indices).map(|index| {
            let leaves = std::sync::Arc::clone(&leaves);
            async move {
                let sealed = self.fetch_segment(&leaves.segment(index).ok_or(Rejected)?).await?;
                let (realm, fetched) = (*self.realm(), sealed.len() as u64);
                let mut content = self.buffers().take();
                let opened = work::run(move || {
                    let segment = leaves.segment(index).ok_or(Rejected)?;
                    open_segment(&segment.source.segment_keys(&realm), &segment.leaf, &sealed, &mut content)?;
                    Ok::<_, Rejected>(content)
                });
                Ok::<_, OperationError>((opened.await?, fetched))
            }
        });
        let mut segments = segments.buffered(AHEAD);
        let mut total = 0;
        while let Some((content, fetched)) = segments.try_next().await? {
            output.write_all(&content).await.map_err(OperationError::Stream)?;
            progress.advance(content.len() as u64);
            total += fetched;
        }
        output.flush().await.map_err(OperationError::Stream)?;
        Ok(total)
    }
}

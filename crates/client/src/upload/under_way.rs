//! What unfinished transfers of this device refer to, so that its own sweeps leave that alone.

use std::collections::HashSet;

use anonicloud_core::content::reference::VersionRef;
use anonicloud_proto::codec::Decode as _;
use anonicloud_proto::ids::BlobId;

use super::staged::StagedPack;
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::{LocalState, StateError, Table};

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Every blob that a staged pack, a staged file, or the version that one of them or a ticket is to replace refers to.
    pub(crate) async fn blobs_under_way(&self) -> Result<HashSet<BlobId>, OperationError> {
        let mut blobs = HashSet::new();
        let mut bases: Vec<VersionRef> = Vec::new();
        for (_, row) in self.state().scan(Table::Staged).await? {
            let pack = StagedPack::from_bytes(&row).map_err(|_| StateError::Corrupt)?;
            blobs.insert(pack.blob);
            for file in pack.files {
                blobs.insert(file.version.record().blob);
                blobs.extend(file.adds.iter().map(|added| added.blob));
                bases.extend(file.base);
            }
        }
        for (_, row) in self.state().scan(Table::Tickets).await? {
            bases.extend(self.open_ticket_row(&row)?.ticket.base);
        }
        for base in &bases {
            blobs.extend(self.needs_if_there(base).await?);
        }
        Ok(blobs)
    }
}

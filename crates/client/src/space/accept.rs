//! Going on after the server contradicted itself (spec: 3-spaces, "Freshness"): what it shows now is verified from the genesis on and
//! taken for the newest, because a person says so.

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::space::state::{LogPlace, SpaceState};
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::LoggedCommit;

use super::follow::Reading;
use super::halt::{Halt, keep_halts, keep_signed, standing};
use super::head::Head;
use super::kept::keep_root;
use super::lost::Losses;
use crate::client::Client;
use crate::error::OperationError;
use crate::local::lock::TransferLock;
use crate::remote::Remote;
use crate::state::{LocalState, Seen, StateChange, Table};

/// What is about to be taken for the newest. Until it is dropped, no transfer of this device begins.
#[derive(Debug)]
pub struct Acceptance {
    head: Head,
    known: LogPlace,
    is_loss: bool,
    lost: Losses,
    halts: Vec<Halt>,
    seen: [Seen; 3],
    _lock: Option<TransferLock>,
}

impl Acceptance {
    /// The place of the newest commit that this device knew.
    pub const fn known_seq(&self) -> u64 {
        self.known.seq
    }

    /// The place of the newest commit that the server shows now, which was verified.
    pub const fn shown_seq(&self) -> u64 {
        self.head.state.head().seq
    }

    /// Whether something that this device knew is not in what the server shows now.
    pub const fn is_loss(&self) -> bool {
        self.is_loss
    }

    /// What this device knew and the server does not have any more, as far as this device has read it.
    pub const fn lost(&self) -> &Losses {
        &self.lost
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Reads all that the server shows now, from the genesis on; gives what [`Client::accept`] would take for the newest.
    ///
    /// # Errors
    /// [`OperationError::NotHalted`] when there is nothing to accept. [`OperationError::AccountRolledBack`] when devices of the
    /// account are lost at the server too: then this one signs in anew. Otherwise when what the server shows does not verify.
    pub async fn prepare_to_accept(&self) -> Result<Acceptance, OperationError> {
        let lock = self.lock_transfers()?;
        let (halts, seen_halts) = self.kept_halts().await?;
        let (kept, seen_head) = self.kept_state().await?;
        let known = kept.filter(|_| standing(&halts).is_some()).ok_or(OperationError::NotHalted)?;
        let tree = self.kept_head(&known).await?.and_then(|head| head.root);
        let seen_account = self.check_account().await?;
        let remote = self.remote();
        let newest = self.door().request(remote, async |access| remote.head(access).await).await?.commit;
        let (head, is_loss) = if newest.header.fields().seq < known.head().seq {
            (self.read_anew(&newest, &known, Reading::Whole { known: None }).await?, true)
        } else {
            match self.read_anew(&newest, &known, Reading::Whole { known: Some(&known) }).await {
                Err(OperationError::RolledBack | OperationError::HistorySplit) => {
                    (self.read_anew(&newest, &known, Reading::Whole { known: None }).await?, true)
                }
                read => (read?, false),
            }
        };
        let lost = self.find_lost(tree.as_ref().filter(|_| is_loss), head.root.as_ref()).await?;
        Ok(Acceptance {
            head,
            known: known.head(),
            is_loss,
            lost,
            halts,
            seen: [seen_head, seen_halts, seen_account],
            _lock: lock,
        })
    }

    /// Takes what was prepared for the newest; this device writes again. The evidence stays.
    ///
    /// # Errors
    /// [`OperationError::Busy`] when another process of this device read on meanwhile: then nothing is accepted.
    pub async fn accept(&self, acceptance: Acceptance) -> Result<(), OperationError> {
        let Acceptance { head, mut halts, seen, .. } = acceptance;
        if let Some(halt) = halts.last_mut() {
            halt.accepted = Some((self.clock().today(), head.state.head()));
        }
        let space = self.door().space();
        let state = StateChange::put(Table::Heads, space.as_bytes(), head.state.to_bytes());
        let mut changes = vec![state, keep_root(&head), keep_halts(&space, &halts)];
        changes.extend(keep_signed(&head));
        let mut seen = Vec::from(seen);
        if let Some((seen_chain, change)) = self.chain_change().await? {
            seen.push(seen_chain);
            changes.push(change);
        }
        if !self.state().apply_if(&seen, &changes).await? {
            return Err(OperationError::Busy);
        }
        // What was known of the tree before may be gone.
        self.sweeps().set(self.sweeps().get() + 1);
        self.head().replace(Some(head));
        Ok(())
    }

    /// The head at `newest`, read from the genesis on, which must be the one that is known.
    async fn read_anew(
        &self,
        newest: &LoggedCommit,
        known: &SpaceState,
        reading: Reading<'_>,
    ) -> Result<Head, OperationError> {
        let genesis = self.genesis().await?;
        if genesis.head().hash != known.genesis() {
            return Err(Rejected.into());
        }
        let read = self.read_log(genesis, newest, reading).await?;
        self.head_of(read).await
    }
}

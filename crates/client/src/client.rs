//! The account of this device, opened: everything a person does with files goes through [`Client`].

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anonicloud_core::account::keys::SpaceKeys;
use anonicloud_core::crypto::secret::{MasterKey, NamesKey};
use anonicloud_core::space::private::PrivateSpace;
use anonicloud_proto::ids::{AccountId, RealmId};

use crate::buffers::Buffers;
use crate::clock::{Clock, SystemClock};
use crate::download::cache::PackCache;
use crate::error::OperationError;
use crate::local::lock::TransferLock;
use crate::notice::{Listener, Notice};
use crate::remote::{Remote, ServerAddress};
use crate::session::record::AccountRecord;
use crate::space::access::SpaceDoor;
use crate::space::head::Head;
use crate::space::nodes::NodeCache;
use crate::state::{DeviceKey, LocalState, SealedState, SqliteState};

/// The signed-in account: a remote, the local state, and the space that its keys open.
#[derive(Debug)]
pub struct Client<R, S> {
    remote: R,
    state: SealedState<S>,
    record: AccountRecord,
    door: SpaceDoor,
    space: RefCell<PrivateSpace>,
    head: RefCell<Option<Head>>,
    /// Sweeps among the commits that this process has read, no-ops too.
    sweeps: Cell<u64>,
    nodes: NodeCache,
    packs: PackCache,
    buffers: Buffers,
    folder: Option<PathBuf>,
    listener: Option<Listener>,
    offline: bool,
    clock: Arc<dyn Clock>,
}

/// Opens the local state in `folder`, which is made when it is not there.
///
/// # Errors
/// When it is damaged, or cannot be made.
pub async fn open_state(folder: &Path) -> Result<SealedState<SqliteState>, OperationError> {
    Ok(SealedState::open(folder).await?)
}

/// [`open_state`] with a device key that was locked.
///
/// # Errors
/// As there.
pub async fn open_state_with(folder: &Path, key: &DeviceKey) -> Result<SealedState<SqliteState>, OperationError> {
    Ok(SealedState::open_with(folder, key).await?)
}

/// The server of the account that is signed in here; `None` when nobody is.
///
/// # Errors
/// When the local state is damaged.
pub async fn stored_server<S: LocalState>(state: &SealedState<S>) -> Result<Option<ServerAddress>, OperationError> {
    Ok(AccountRecord::load(state).await?.map(|record| record.server))
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Opens the account that is signed in; asks the server nothing yet.
    ///
    /// # Errors
    /// [`OperationError::NotSignedIn`] when there is none.
    pub async fn open(remote: R, state: SealedState<S>) -> Result<Self, OperationError> {
        let record = AccountRecord::load(&state).await?.ok_or(OperationError::NotSignedIn)?;
        let keys = || SpaceKeys::from_encoded(&record.space_keys.expose_encoded());
        let door = SpaceDoor::new(record.realm, record.space, keys()?);
        let space = PrivateSpace::new(record.realm, record.space, keys()?, record.sigchain.clone());
        Ok(Self {
            remote,
            state,
            record,
            door,
            space: RefCell::new(space),
            head: RefCell::new(None),
            sweeps: Cell::new(0),
            nodes: NodeCache::default(),
            packs: PackCache::default(),
            buffers: Buffers::default(),
            folder: None,
            listener: None,
            offline: false,
            clock: Arc::new(SystemClock),
        })
    }

    /// Names the folder of the local state, so that only one process at a time transfers with it.
    #[must_use]
    pub fn with_folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Takes the time from `clock` instead of the system.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Answers what [`Client::list`], [`Client::stat`], [`Client::totals`] and [`Client::walk`] are asked from the local state
    /// alone, as of the head that this device saw last.
    #[must_use]
    pub fn offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// Tells `listen` of each [`Notice`].
    #[must_use]
    pub fn with_notices(mut self, listen: impl Fn(&Notice) + 'static) -> Self {
        self.listener = Some(Listener::new(listen));
        self
    }

    pub(crate) fn notify(&self, notice: &Notice) {
        if let Some(listener) = &self.listener {
            listener.tell(notice);
        }
    }

    /// Holds off other processes until the value is dropped.
    pub(crate) fn lock_transfers(&self) -> Result<Option<TransferLock>, OperationError> {
        self.folder.as_deref().map(TransferLock::take).transpose()
    }

    /// Whether the server is not to be asked.
    pub(crate) const fn is_offline(&self) -> bool {
        self.offline
    }

    /// What tells the time.
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    pub(crate) const fn remote(&self) -> &R {
        &self.remote
    }

    pub(crate) const fn state(&self) -> &SealedState<S> {
        &self.state
    }

    /// Lets go of everything but the local state.
    pub(crate) fn into_state(self) -> SealedState<S> {
        self.state
    }

    pub(crate) const fn record(&self) -> &AccountRecord {
        &self.record
    }

    pub(crate) const fn realm(&self) -> &RealmId {
        &self.record.realm
    }

    pub(crate) const fn account_id(&self) -> &AccountId {
        &self.record.account
    }

    pub(crate) const fn master(&self) -> &MasterKey {
        &self.record.master
    }

    pub(crate) const fn door(&self) -> &SpaceDoor {
        &self.door
    }

    /// The key by which large folders are split.
    pub(crate) fn names_key(&self) -> NamesKey {
        self.door.keys().names_key(self.realm())
    }

    pub(crate) const fn private_space(&self) -> &RefCell<PrivateSpace> {
        &self.space
    }

    pub(crate) const fn head(&self) -> &RefCell<Option<Head>> {
        &self.head
    }

    pub(crate) const fn sweeps(&self) -> &Cell<u64> {
        &self.sweeps
    }

    pub(crate) const fn nodes(&self) -> &NodeCache {
        &self.nodes
    }

    pub(crate) const fn packs(&self) -> &PackCache {
        &self.packs
    }

    /// Memory for segments.
    pub(crate) const fn buffers(&self) -> &Buffers {
        &self.buffers
    }
}

//! Making an account: all of it on this device, then one request (spec: 1-accounts, "Sign-up").

use std::sync::Arc;

use anonicloud_core::account::boxes::BoxOwner;
use anonicloud_core::account::handle::Handle;
use anonicloud_core::account::keys::{DeviceSeeds, Identity, SpaceKeys};
use anonicloud_core::account::sigchain::Sigchain;
use anonicloud_core::crypto::kdf::derive_recovery_auth;
use anonicloud_core::crypto::opaque::Registration;
use anonicloud_core::crypto::password::PasswordInput;
use anonicloud_core::crypto::random::make_bytes;
use anonicloud_core::crypto::recovery::ParseRecoveryWordsError;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::secret::{AccountKey, MasterKey, RecoveryEntropy};
use anonicloud_core::space::private::PrivateSpace;
use anonicloud_proto::api::{AccountBoxes, Base64, NewDevice, PuzzlePurpose, RegisterFinish, RegisterStart};
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::PostedCommit;
use anonicloud_proto::ids::{AccountId, RealmId};
use zeroize::Zeroizing;

use super::door::{puzzle_for, read_invite, with_puzzle};
use super::password::{check_password, show_account_key};
use super::record::{AccountRecord, SlotVersions};
use crate::client::Client;
use crate::clock::{Clock, SystemClock};
use crate::error::OperationError;
use crate::random::SystemRandom;
use crate::remote::{Remote, ServerAddress};
use crate::state::{LocalState, SealedState};
use crate::work;

/// What a person chooses.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a program fills in all of it")]
pub struct NewAccount {
    /// The public name.
    pub handle: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// Whether an account key protects the account beside the password.
    pub account_key: bool,
    /// An invite as the server's operator gave it, for a server that wants one.
    pub invite: Option<Zeroizing<String>>,
}

/// An account that is made here and that the server does not have yet.
#[derive(Debug)]
pub struct SignUpDraft {
    realm: RealmId,
    account: AccountId,
    handle: Handle,
    entropy: RecoveryEntropy,
    account_key: Option<AccountKey>,
    registration: Registration,
    response: Base64,
    invite: Option<Base64>,
    clock: Arc<dyn Clock>,
}

/// The first version of every box.
const FIRST: u64 = 1;

impl SignUpDraft {
    /// Checks handle and password and asks the server to begin.
    ///
    /// # Errors
    /// When the handle is taken or refused, the password is weak, or the server does not answer.
    pub async fn begin<R: Remote>(remote: &R, new: NewAccount) -> Result<Self, OperationError> {
        let handle: Handle = new.handle.parse().map_err(|_| OperationError::HandleInvalid)?;
        check_password(&new.password, handle.as_str(), new.account_key)?;
        let invite = new.invite.as_deref().map(|text| read_invite(text)).transpose()?;
        let realm = remote.realm().await?.realm;
        let account = AccountId::from_bytes(make_bytes(&mut SystemRandom));
        let account_key = new.account_key.then(|| AccountKey::make(&mut SystemRandom));
        let input = PasswordInput::derive(&realm, &new.password, account_key.as_ref());
        let (registration, request) = Registration::start(input, realm, &mut SystemRandom)?;
        let request = Base64::new(request);
        let begin = async |puzzle| {
            let (handle, request, invite) = (handle.as_str().to_owned(), request.clone(), invite.clone());
            remote.register_start(&RegisterStart { account, handle, request, invite, puzzle }).await
        };
        let response = with_puzzle(remote, &realm, puzzle_for(PuzzlePurpose::Register, handle.as_str()), begin).await?;
        let (response, entropy) = (response.response, RecoveryEntropy::make(&mut SystemRandom));
        let clock = Arc::new(SystemClock);
        Ok(Self { realm, account, handle, entropy, account_key, registration, response, invite, clock })
    }

    /// Takes the time from `clock` instead of the system, as the client does that comes of it.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The public name.
    pub fn handle(&self) -> &str {
        self.handle.as_str()
    }

    /// The 24 words that open the account when the password is lost; shown once, to be written down.
    pub fn recovery_words(&self) -> Zeroizing<String> {
        Zeroizing::new(self.entropy.words().expose_str().to_owned())
    }

    /// The account key as it is to be kept; of an account without one, nothing.
    pub fn account_key(&self) -> Option<Zeroizing<String>> {
        self.account_key.as_ref().map(show_account_key)
    }

    /// Makes the account at the server and signs in on this device. `words` are the recovery words as they were read back
    /// from where they are kept: that they open the account is tried before there is one.
    ///
    /// # Errors
    /// When the words are not the ones that were shown, an account is signed in here already, the server refuses, or the local
    /// state cannot be written.
    pub async fn finish<R: Remote, S: LocalState>(
        self,
        remote: R,
        state: SealedState<S>,
        server: &ServerAddress,
        words: &str,
    ) -> Result<Client<R, S>, OperationError> {
        let kept = RecoveryEntropy::from_words(words).map_err(OperationError::RecoveryWords)?;
        let (there, seen) = AccountRecord::load_seen(&state).await?;
        if there.is_some() {
            return Err(OperationError::AlreadySignedIn);
        }
        let (server, clock) = (server.clone(), Arc::clone(&self.clock));
        let (request, record) = work::run(move || self.make(server, &kept)).await?;
        let send = async |puzzle| remote.register_finish(&RegisterFinish { puzzle, ..request.clone() }).await;
        let puzzle = puzzle_for(PuzzlePurpose::Register, &request.handle);
        with_puzzle(&remote, &record.realm, puzzle, send).await?;
        if !state.apply_if(&[seen], &[record.change()]).await? {
            return Err(OperationError::AlreadySignedIn);
        }
        Ok(Client::open(remote, state).await?.with_clock(clock))
    }

    fn make(
        self,
        server: ServerAddress,
        kept: &RecoveryEntropy,
    ) -> Result<(RegisterFinish, AccountRecord), OperationError> {
        let random = &mut SystemRandom;
        let (realm, account) = (self.realm, self.account);
        let (opaque_record, export) = self.registration.finish(self.response.as_bytes(), random)?;
        let master = MasterKey::make(random);
        let identity = Identity::make(random);
        let device = DeviceSeeds::make(random);
        let sigchain = begin_sigchain(&realm, &account, &identity, &self.handle, &device)?;
        let made = PrivateSpace::make(realm, sigchain.clone(), &device, self.clock.today(), random);
        let (space, genesis) = made.map_err(|_| Rejected)?;
        let owner = BoxOwner { realm, account };
        let boxes = AccountBoxes {
            password_slot: owner.seal_password_slot(FIRST, &export, &master, random),
            recovery_slot: owner.seal_recovery_slot(FIRST, &self.entropy, &master, random),
            identity: owner.seal_identity(FIRST, &master, &identity, random),
            space: owner.seal_space(FIRST, &master, &space, random),
        };
        let recovered = owner.open_recovery_slot(kept, &boxes.recovery_slot);
        recovered.map_err(|_| OperationError::RecoveryWords(ParseRecoveryWordsError::Checksum))?;
        let slots = SlotVersions::of(&boxes);
        let request = RegisterFinish {
            account,
            handle: self.handle.as_str().to_owned(),
            record: Base64::new(opaque_record),
            boxes,
            recovery_public_key: Base64::new(derive_recovery_auth(&self.entropy, &realm).public().to_bytes()),
            sigchain: sigchain.links().iter().cloned().map(Base64::new).collect(),
            device: new_device(&device, &realm),
            space_keys: Base64::new(space.capability_keys().to_bytes()),
            genesis: Base64::new(PostedCommit::to_bytes(&genesis)),
            invite: self.invite,
            puzzle: None,
        };
        let record = AccountRecord {
            realm,
            account,
            handle: self.handle.as_str().to_owned(),
            server,
            master,
            device,
            space: space.id(),
            space_keys: SpaceKeys::from_encoded(&space.keys().expose_encoded())?,
            sigchain,
            slots,
        };
        Ok((request, record))
    }
}

/// What the server keeps of a device.
pub(super) fn new_device(device: &DeviceSeeds, realm: &RealmId) -> NewDevice {
    let public = device.login_seed(realm).public();
    NewDevice { device: device.device(), auth_public_key: Base64::new(public.as_bytes().to_vec()) }
}

fn begin_sigchain(
    realm: &RealmId,
    account: &AccountId,
    identity: &Identity,
    handle: &Handle,
    device: &DeviceSeeds,
) -> Result<Sigchain, Rejected> {
    let genesis = Sigchain::sign_genesis(realm, account, identity, handle);
    let mut chain = Sigchain::verify(realm, account, &[genesis])?;
    let link = chain.sign_add_device(realm, identity, device).map_err(|_| Rejected)?;
    chain.append(realm, &link)?;
    Ok(chain)
}

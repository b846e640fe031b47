//! Signing in on a new device by password, and on a known one by its key.

use anonicloud_core::account::boxes::BoxOwner;
use anonicloud_core::account::keys::DeviceSeeds;
use anonicloud_core::account::sigchain::Sigchain;
use anonicloud_core::crypto::opaque::Login;
use anonicloud_core::crypto::password::PasswordInput;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::secret::{ExportKey, MasterKey};
use anonicloud_proto::api::{
    AddDevice, Base64, DeviceLoginFinish, DeviceLoginStart, ErrorCode, LoginAnswer, LoginFinish, LoginStart,
    PuzzlePurpose,
};
use anonicloud_proto::capability::device_login_message;
use anonicloud_proto::ids::RealmId;
use zeroize::Zeroizing;

use super::LOGINS;
use super::door::{puzzle_for, with_puzzle};
use super::password::read_account_key;
use super::record::{AccountRecord, SlotVersions};
use super::sign_up::new_device;
use crate::client::Client;
use crate::error::OperationError;
use crate::random::SystemRandom;
use crate::remote::{Remote, RemoteError, ServerAddress, SessionToken};
use crate::state::{LocalState, SealedState};
use crate::work;

/// Times that a device's link is signed anew when another device's came first.
const LINK_ATTEMPTS: u32 = 5;

/// What a person signs in with.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a program fills in all of it")]
pub struct Credentials {
    /// The public name.
    pub handle: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// The account key as it was shown, of an account that has one.
    pub account_key: Option<Zeroizing<String>>,
}

/// Signs in on this device, which becomes one of the account's.
///
/// # Errors
/// [`OperationError::LoginFailed`] whatever does not match; others when the server does not answer or does not verify.
pub async fn login<R: Remote, S: LocalState>(
    remote: R,
    state: SealedState<S>,
    server: &ServerAddress,
    credentials: Credentials,
) -> Result<Client<R, S>, OperationError> {
    let (kept, seen) = AccountRecord::load_seen(&state).await?;
    if kept.is_some() {
        return Err(OperationError::AlreadySignedIn);
    }
    let realm = remote.realm().await?.realm;
    let (answer, export) = prove_password(&remote, &realm, &credentials).await?;
    let owner = BoxOwner { realm, account: answer.account };
    let master = owner.open_password_slot(&export, &answer.boxes.password_slot)?;
    let space_keys = owner.open_space(&answer.space, &master, &answer.boxes.space)?;
    let token = SessionToken::new(answer.token.as_bytes());
    let opened = Opened { owner: &owner, handle: &credentials.handle, master: &master, answer: &answer };
    let enrolled = enrol(&remote, &token, opened).await;
    // What the password opened is over: from here on the device has its own key. A server that does not hear of it ends the
    // session by itself.
    drop(remote.logout(&token).await);
    let (device, sigchain) = enrolled?;
    let record = AccountRecord {
        realm,
        account: answer.account,
        handle: credentials.handle,
        server: server.clone(),
        space_keys,
        master,
        device,
        space: answer.space,
        sigchain,
        slots: SlotVersions::of(&answer.boxes),
    };
    if !state.apply_if(&[seen], &[record.change()]).await? {
        return Err(OperationError::AlreadySignedIn);
    }
    Client::open(remote, state).await
}

/// Opens an account session by the password.
pub(super) async fn prove_password<R: Remote>(
    remote: &R,
    realm: &RealmId,
    credentials: &Credentials,
) -> Result<(LoginAnswer, ExportKey), OperationError> {
    until_proved(async || prove_password_once(remote, realm, credentials).await).await
}

/// Begins a login again when the server refuses its second message: one that was started again after the first does not know it.
async fn until_proved<T>(once: impl AsyncFn() -> Result<T, OperationError>) -> Result<T, OperationError> {
    for _ in 1..LOGINS {
        match once().await {
            Err(OperationError::Remote(RemoteError::Refused { code: ErrorCode::LoginFailed, .. })) => {}
            done => return done,
        }
    }
    once().await
}

async fn prove_password_once<R: Remote>(
    remote: &R,
    realm: &RealmId,
    credentials: &Credentials,
) -> Result<(LoginAnswer, ExportKey), OperationError> {
    let account_key = credentials.account_key.as_deref().map(|text| read_account_key(text)).transpose()?;
    let input = PasswordInput::derive(realm, &credentials.password, account_key.as_ref());
    let (login, ke1) = Login::start(input, *realm, &mut SystemRandom)?;
    let (handle, ke1) = (&credentials.handle, Base64::new(ke1));
    let start =
        async |puzzle| remote.login_start(&LoginStart { handle: handle.clone(), ke1: ke1.clone(), puzzle }).await;
    let started = with_puzzle(remote, realm, puzzle_for(PuzzlePurpose::Login, handle), start).await?;
    let ke2 = started.ke2;
    let finished = work::run(move || login.finish(ke2.as_bytes(), &mut SystemRandom)).await;
    // A wrong password, an unknown handle and a server that lies look the same here, and are told the same way.
    let (ke3, export) = finished.map_err(|_| OperationError::LoginFailed)?;
    let answer = remote.login_finish(&LoginFinish { login: started.login, ke3: Base64::new(ke3) }).await?;
    Ok((answer, export))
}

/// What the password opened, for the handle it was typed with.
#[derive(Clone, Copy)]
struct Opened<'a> {
    owner: &'a BoxOwner,
    handle: &'a str,
    master: &'a MasterKey,
    answer: &'a LoginAnswer,
}

async fn enrol<R: Remote>(
    remote: &R,
    token: &SessionToken,
    opened: Opened<'_>,
) -> Result<(DeviceSeeds, Sigchain), OperationError> {
    let Opened { owner, handle, master, answer } = opened;
    let device = DeviceSeeds::make(&mut SystemRandom);
    let mut attempt = 1;
    let mut known: Option<Sigchain> = None;
    loop {
        let mut chain = fetch_sigchain(remote, token, owner, known.as_ref()).await?;
        if chain.handle().as_str() != handle {
            return Err(Rejected.into());
        }
        known = Some(chain.clone());
        let identity = owner.open_identity(master, &answer.boxes.identity, &chain)?;
        let prev = chain.head();
        let link = chain.sign_add_device(&owner.realm, &identity, &device);
        let link = link.map_err(|_| Rejected)?;
        chain.append(&owner.realm, &link)?;
        let request = AddDevice { device: new_device(&device, &owner.realm), prev, link: Base64::new(link) };
        match remote.add_device(token, &request).await {
            Ok(()) => return Ok((device, chain)),
            Err(RemoteError::Refused { code: ErrorCode::SigchainMoved, .. }) if attempt < LINK_ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The account's sigchain, verified. It goes on from `known`, so that no link is signed twice with one number.
pub(super) async fn fetch_sigchain<R: Remote>(
    remote: &R,
    token: &SessionToken,
    owner: &BoxOwner,
    known: Option<&Sigchain>,
) -> Result<Sigchain, OperationError> {
    let answer = remote.sigchain(token).await?;
    let links: Vec<&[u8]> = answer.links.iter().map(Base64::as_bytes).collect();
    let chain = Sigchain::verify(&owner.realm, &owner.account, &links)?;
    if let Some(known) = known {
        chain.continues(known).map_err(|_| OperationError::RolledBack)?;
    }
    Ok(chain)
}

/// Signs in with the key of a device that is enrolled.
pub(super) async fn login_by_device<R: Remote>(
    remote: &R,
    record: &AccountRecord,
) -> Result<LoginAnswer, OperationError> {
    until_proved(async || login_by_device_once(remote, record).await).await
}

async fn login_by_device_once<R: Remote>(remote: &R, record: &AccountRecord) -> Result<LoginAnswer, OperationError> {
    let (account, device) = (record.account, record.device.device());
    let challenge = remote.device_login_start(&DeviceLoginStart { account, device }).await?.challenge;
    let bytes: [u8; 32] = challenge
        .as_bytes()
        .try_into()
        .map_err(|_| RemoteError::Malformed { what: "a challenge that is not 32 bytes" })?;
    let message = device_login_message(&record.realm, &account, &device, &bytes);
    let signature = record.device.login_seed(&record.realm).sign(&message);
    let finish = DeviceLoginFinish { account, device, challenge, signature: Base64::from(signature) };
    let answer = remote.device_login_finish(&finish).await?;
    SlotVersions::of(&answer.boxes).check_not_older(&record.slots)?;
    Ok(answer)
}

//! An account with keys of its own, all drawn from its handle.

mod writes;

use std::cell::RefCell;

use anonicloud_client::remote::{Remote, RemoteResult, SessionToken, SpaceAccess};
use anonicloud_proto::api::{
    AccountAnswer, AccountBoxes, Base64, DeviceLoginFinish, DeviceLoginStart, ErrorCode, LoginAnswer, LoginFinish,
    LoginStart, NewDevice, PuzzlePurpose, PuzzleStart, RegisterFinish, RegisterStart, SealedBox, SolvedPuzzle,
    SpaceSessionFinish,
};
use anonicloud_proto::capability::{
    CapabilityKeys, CapabilityPublicKey, ReadTokenHash, Right, device_login_message, session_message,
};
use anonicloud_proto::codec::{Encode as _, Writer};
use anonicloud_proto::context::context;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId, RealmId, SpaceId};
use anonicloud_proto::label::Label;
use anonicloud_proto::puzzle::solve;
use anonicloud_proto::suite::Suite;
use ed25519_dalek::{Signer as _, SigningKey};
use opaque_ke::{
    ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialResponse, Identifiers, RegistrationResponse,
};

pub(super) use self::writes::posted;

use crate::opaque::OpaqueSuite;
use crate::random::SeededRandom;

pub(super) const ALL_RIGHTS: [Right; 4] = [Right::Read, Right::Append, Right::Write, Right::Admin];
const BOXES: [&str; 4] = ["password slot", "recovery slot", "identity", "space"];

/// One account with its private space.
pub(super) struct Actor {
    pub(super) handle: String,
    pub(super) password: Vec<u8>,
    pub(super) account: AccountId,
    pub(super) device: DeviceId,
    pub(super) space: SpaceId,
    realm: RealmId,
    pub(super) device_key: SigningKey,
    read: [u8; 32],
    append: SigningKey,
    pub(super) write: SigningKey,
    pub(super) admin: SigningKey,
    random: RefCell<SeededRandom>,
}

impl Actor {
    /// An account that is not registered yet.
    pub(super) async fn new<R: Remote>(remote: &R, handle: &str) -> Self {
        let mut random = SeededRandom::new(handle);
        let realm = remote.realm().await.expect("a realm").realm;
        Self {
            handle: handle.to_owned(),
            password: random.bytes(20),
            account: AccountId::from_bytes(random.array()),
            device: DeviceId::from_bytes(random.array()),
            space: SpaceId::from_bytes(random.array()),
            realm,
            device_key: SigningKey::from_bytes(&random.array()),
            read: random.array(),
            append: SigningKey::from_bytes(&random.array()),
            write: SigningKey::from_bytes(&random.array()),
            admin: SigningKey::from_bytes(&random.array()),
            random: RefCell::new(random),
        }
    }

    /// An account that is registered.
    pub(super) async fn registered<R: Remote>(remote: &R, handle: &str) -> Self {
        let actor = Self::new(remote, handle).await;
        let finish = actor.registration(remote).await;
        remote.register_finish(&finish).await.expect("an account");
        actor
    }

    /// A registered account with a session of its space that may do everything.
    pub(super) async fn with_space<R: Remote>(remote: &R, handle: &str) -> (Self, SpaceAccess) {
        let actor = Self::registered(remote, handle).await;
        let access = actor.open(remote, &ALL_RIGHTS).await;
        (actor, access)
    }

    /// Random bytes, as long as the array.
    pub(super) fn draw<const N: usize>(&self) -> [u8; N] {
        self.random.borrow_mut().array()
    }

    /// The first message of a registration, and what it leaves here.
    pub(super) fn registration_start(&self) -> (RegisterStart, ClientRegistration<OpaqueSuite>) {
        let started = ClientRegistration::start(&mut *self.random.borrow_mut(), &self.password);
        let started = started.expect("a password is a group element");
        let request = Base64::new(started.message.serialize().to_vec());
        let (account, handle) = (self.account, self.handle.clone());
        (RegisterStart { account, handle, request, invite: None, puzzle: None }, started.state)
    }

    /// The second message of a registration, after the first was answered.
    pub(super) async fn registration<R: Remote>(&self, remote: &R) -> RegisterFinish {
        let (start, state) = self.registration_start();
        let answer = remote.register_start(&start).await.expect("a registration begins");
        let response = RegistrationResponse::deserialize(answer.response.as_bytes()).expect("an OPAQUE message");
        let parameters = ClientRegistrationFinishParameters::new(self.identifiers(), None);
        let finished = state.finish(&mut *self.random.borrow_mut(), &self.password, response, parameters);
        let record = finished.expect("the server's own answer").message.serialize().to_vec();
        let genesis = self.link(0, ChainHash::ZERO, b"genesis");
        let device = self.link(1, ChainHash::of(&genesis), b"device");
        RegisterFinish {
            account: self.account,
            handle: self.handle.clone(),
            record: Base64::new(record),
            boxes: self.boxes(),
            recovery_public_key: Base64::new(vec![7; 1984]),
            sigchain: vec![Base64::new(genesis), Base64::new(device)],
            device: NewDevice { device: self.device, auth_public_key: public(&self.device_key) },
            space_keys: Base64::new(self.capability_keys().to_bytes()),
            genesis: Base64::new(self.genesis().to_bytes()),
            invite: None,
            puzzle: None,
        }
    }

    /// What the server must give back after a login.
    pub(super) fn boxes(&self) -> AccountBoxes {
        let sealed = |version: u64, kind: &str| SealedBox {
            version,
            sealed: Base64::new(format!("{kind} of {}", self.handle).into_bytes()),
        };
        let [password_slot, recovery_slot, identity, space] = BOXES.map(|kind| sealed(kind.len() as u64, kind));
        AccountBoxes { password_slot, recovery_slot, identity, space }
    }

    /// A sigchain link whose front is right, signed by the identity of the account, for which its write key does.
    pub(super) fn link(&self, seq: u64, prev: ChainHash, payload: &[u8]) -> Vec<u8> {
        let identity = SigningKey::from_bytes(&self.write.to_bytes());
        // Both halves of key and signature have their length; the second ones are nothing that the server reads.
        let key = [identity.verifying_key().as_bytes(), &[7; 1952][..]].concat();
        let mut out = Writer::default();
        Suite::V1.encode(&mut out);
        self.account.encode(&mut out);
        out.u64(seq);
        prev.encode(&mut out);
        if seq == 0 {
            out.u8(0);
            out.fixed(&key);
        }
        out.fixed(payload);
        let mut link = out.into_bytes();
        let hash = ChainHash::of(&context(Label::PublicKeyHash, &self.realm, &[&key]));
        let message = context(Label::SignSigchain, &self.realm, &[hash.as_bytes(), &link]);
        link.extend_from_slice(&identity.sign(&message).to_bytes());
        link.extend_from_slice(&[7; 3309]);
        link
    }

    /// A puzzle of this actor's handle, solved.
    pub(super) async fn solve<R: Remote>(&self, remote: &R, purpose: PuzzlePurpose) -> SolvedPuzzle {
        let start = PuzzleStart { purpose, handle: self.handle.clone() };
        let drawn = remote.puzzle(&start).await.expect("a puzzle");
        let solution = solve(&self.realm, drawn.puzzle.as_bytes(), drawn.bits);
        SolvedPuzzle { puzzle: drawn.puzzle, solution }
    }

    /// The first message of a login, without a puzzle.
    pub(super) fn login_start(&self) -> (LoginStart, ClientLogin<OpaqueSuite>) {
        let client = ClientLogin::<OpaqueSuite>::start(&mut *self.random.borrow_mut(), &self.password);
        let client = client.expect("a password is a group element");
        let ke1 = Base64::new(client.message.serialize().to_vec());
        (LoginStart { handle: self.handle.clone(), ke1, puzzle: None }, client.state)
    }

    /// Runs the first message of a login, with a puzzle if one is needed; gives the second one, or nothing if the password
    /// does not open the answer.
    pub(super) async fn begin_login<R: Remote>(&self, remote: &R) -> RemoteResult<Option<LoginFinish>> {
        let (start, client) = self.login_start();
        let started = match remote.login_start(&start).await {
            Err(error) if error.code() == Some(ErrorCode::PuzzleRequired) => {
                let puzzle = Some(self.solve(remote, PuzzlePurpose::Login).await);
                remote.login_start(&LoginStart { puzzle, ..start }).await?
            }
            started => started?,
        };
        let response = CredentialResponse::deserialize(started.ke2.as_bytes()).expect("an OPAQUE message");
        let context = context(Label::OpaqueContext, &self.realm, &[&Suite::V1.to_bytes()]);
        let parameters = ClientLoginFinishParameters::new(Some(&context), self.identifiers(), None);
        let finished = client.finish(&mut *self.random.borrow_mut(), &self.password, response, parameters);
        Ok(finished.ok().map(|finished| LoginFinish {
            login: started.login,
            ke3: Base64::new(finished.message.serialize().to_vec()),
        }))
    }

    /// Signs in by password.
    pub(super) async fn login<R: Remote>(&self, remote: &R) -> LoginAnswer {
        let finish = self.begin_login(remote).await.expect("a login begins");
        remote.login_finish(&finish.expect("the right password")).await.expect("a login")
    }

    /// The account as a session by password shows it.
    pub(super) async fn account<R: Remote>(&self, remote: &R) -> AccountAnswer {
        let token = session(&self.login(remote).await);
        let answer = remote.account(&token).await.expect("the account");
        remote.logout(&token).await.expect("an end of the session");
        answer
    }

    /// The second message of a login by device.
    pub(super) async fn device_login<R: Remote>(
        &self,
        remote: &R,
        device: DeviceId,
        key: &SigningKey,
    ) -> DeviceLoginFinish {
        let start = DeviceLoginStart { account: self.account, device };
        let challenge = remote.device_login_start(&start).await.expect("a challenge").challenge;
        let message = device_login_message(&self.realm, &self.account, &device, &bytes_of(&challenge));
        let signature = Base64::new(key.sign(&message).to_bytes().to_vec());
        DeviceLoginFinish { account: self.account, device, challenge, signature }
    }

    /// Opens the private space with proofs of these rights.
    pub(super) async fn open<R: Remote>(&self, remote: &R, rights: &[Right]) -> SpaceAccess {
        let proofs = self.prove(remote, self.space, rights).await;
        let answer = remote.space_session(&self.space, &proofs).await.expect("a space session");
        assert_eq!(answer.rights, rights);
        SpaceAccess { space: self.space, token: SessionToken::new(answer.token.as_bytes()) }
    }

    /// Proofs of this actor's rights in any space.
    pub(super) async fn prove<R: Remote>(&self, remote: &R, space: SpaceId, rights: &[Right]) -> SpaceSessionFinish {
        let challenge = remote.space_challenge(&space).await.expect("a challenge").challenge;
        let proof = |right: Right, key: &SigningKey| {
            let message = session_message(&self.realm, &space, 0, right, &bytes_of(&challenge));
            rights.contains(&right).then(|| Base64::new(key.sign(&message).to_bytes().to_vec()))
        };
        SpaceSessionFinish {
            epoch: 0,
            read: rights.contains(&Right::Read).then(|| Base64::new(self.read.to_vec())),
            append: proof(Right::Append, &self.append),
            write: proof(Right::Write, &self.write),
            admin: proof(Right::Admin, &self.admin),
            challenge,
        }
    }

    fn capability_keys(&self) -> CapabilityKeys {
        let public = |key: &SigningKey| CapabilityPublicKey::from_bytes(key.verifying_key().to_bytes());
        CapabilityKeys {
            read: ReadTokenHash::of(&self.read),
            append: public(&self.append),
            write: public(&self.write),
            admin: public(&self.admin),
        }
    }

    fn identifiers(&self) -> Identifiers<'_> {
        Identifiers { client: None, server: Some(self.realm.as_bytes()) }
    }
}

/// The account session that a login opened.
pub(super) fn session(answer: &LoginAnswer) -> SessionToken {
    SessionToken::new(answer.token.as_bytes())
}

/// A public key as it travels in JSON.
pub(super) fn public(key: &SigningKey) -> Base64 {
    Base64::new(key.verifying_key().to_bytes().to_vec())
}

fn bytes_of(challenge: &Base64) -> [u8; 32] {
    challenge.as_bytes().try_into().expect("a challenge is 32 bytes")
}

//! A client with keys of its own, made from a seed.

use anonicloud_proto::api::{
    AccountBoxes, Base64, Challenge, LoginAnswer, LoginFinish, LoginStart, LoginStarted, NewDevice, Puzzle,
    PuzzlePurpose, PuzzleStart, RealmAnswer, RegisterFinish, RegisterStart, RegisterStarted, SealedBox, SolvedPuzzle,
    SpaceSessionAnswer, SpaceSessionFinish,
};
use anonicloud_proto::capability::{
    CapabilityKeys, CapabilityPublicKey, CapabilitySignature, ReadTokenHash, Right, session_message,
};
use anonicloud_proto::codec::{Encode as _, Writer};
use anonicloud_proto::commit::{
    AddedBlob, CommitKind, CommitLists, HeadAnswer, LoggedCommit, PostedCommit, UnsignedHeader,
};
use anonicloud_proto::context::context;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId, RealmId, SpaceId};
use anonicloud_proto::label::Label;
use anonicloud_proto::merkle::Frontier;
use anonicloud_proto::puzzle::solve;
use anonicloud_proto::suite::Suite;
use ed25519_dalek::{Signer as _, SigningKey};
use opaque_ke::ksf::Identity;
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialResponse, Identifiers, RegistrationResponse, Ristretto255, TripleDh,
};

use crate::process::{Server, bearer, expect, expect_status};
use crate::space::Space;

struct TestSuite;

impl CipherSuite for TestSuite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_010::Sha512>;
    type Ksf = Identity;
}

struct Random;

impl rand_core_06::RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        getrandom::u32().unwrap()
    }

    fn next_u64(&mut self) -> u64 {
        getrandom::u64().unwrap()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rand_core_06::CryptoRng for Random {}

/// One account with its private space.
pub(crate) struct Actor {
    pub(crate) handle: String,
    pub(crate) password: Vec<u8>,
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) space: SpaceId,
    pub(crate) realm: RealmId,
    pub(crate) device_key: SigningKey,
    read: [u8; 32],
    append: SigningKey,
    pub(crate) write: SigningKey,
    pub(crate) admin: SigningKey,
}

impl Actor {
    /// An account that is not registered yet.
    pub(crate) async fn new(server: &Server, handle: &str) -> Self {
        let realm: RealmAnswer = expect(server.get("/v1/realm"), 200).await;
        let key = |use_for: &str| {
            let seed = ChainHash::of(format!("{handle} {use_for}").as_bytes());
            SigningKey::from_bytes(seed.as_bytes())
        };
        let id = ChainHash::of(handle.as_bytes());
        let id = id.as_bytes().first_chunk::<16>().unwrap();
        Self {
            handle: handle.to_owned(),
            password: format!("password of {handle}").into_bytes(),
            account: AccountId::from_bytes(*id),
            device: DeviceId::from_bytes(*id),
            space: SpaceId::from_bytes(*ChainHash::of(id).as_bytes()),
            realm: realm.realm,
            device_key: key("device"),
            read: *ChainHash::of(format!("{handle} read").as_bytes()).as_bytes(),
            append: key("append"),
            write: key("write"),
            admin: key("admin"),
        }
    }

    /// An account that is registered.
    pub(crate) async fn registered(server: &Server, handle: &str) -> Self {
        let actor = Self::new(server, handle).await;
        let finish = actor.register_finish(server).await;
        let post = server.post("/v1/register/finish").json(&finish);
        expect_status(post, 201).await;
        actor
    }

    /// A registered account with an open space.
    pub(crate) async fn with_space(server: &Server, handle: &str) -> (Self, Space) {
        let actor = Self::registered(server, handle).await;
        let rights = [Right::Read, Right::Append, Right::Write, Right::Admin];
        let space = actor.open_space(server, &rights).await;
        (actor, space)
    }

    /// The second message of a registration, after the first was answered.
    pub(crate) async fn register_finish(&self, server: &Server) -> RegisterFinish {
        let started = ClientRegistration::<TestSuite>::start(&mut Random, &self.password).unwrap();
        let start = RegisterStart {
            account: self.account,
            handle: self.handle.clone(),
            request: Base64::new(started.message.serialize().to_vec()),
            invite: None,
            puzzle: None,
        };
        let answer: RegisterStarted = expect(server.post("/v1/register/start").json(&start), 200).await;
        let response = RegistrationResponse::deserialize(answer.response.as_bytes()).unwrap();
        let parameters = ClientRegistrationFinishParameters::new(self.identifiers(), None);
        let finished = started.state.finish(&mut Random, &self.password, response, parameters).unwrap();
        let genesis = self.link(0, ChainHash::ZERO, b"genesis");
        let device = self.link(1, ChainHash::of(&genesis), b"device");
        RegisterFinish {
            account: self.account,
            handle: self.handle.clone(),
            record: Base64::new(finished.message.serialize().to_vec()),
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
    pub(crate) fn boxes(&self) -> AccountBoxes {
        let sealed = |version, kind: &str| SealedBox {
            version,
            sealed: Base64::new(format!("{kind} of {}", self.handle).into_bytes()),
        };
        AccountBoxes {
            password_slot: sealed(1, "password slot"),
            recovery_slot: sealed(2, "recovery slot"),
            identity: sealed(3, "identity"),
            space: sealed(4, "space"),
        }
    }

    /// A sigchain link whose front is right, signed by the identity of the account, for which its write key does.
    pub(crate) fn link(&self, seq: u64, prev: ChainHash, payload: &[u8]) -> Vec<u8> {
        self.link_of(self.account, seq, prev, payload)
    }

    /// The same of another account.
    pub(crate) fn link_of(&self, account: AccountId, seq: u64, prev: ChainHash, payload: &[u8]) -> Vec<u8> {
        let identity = SigningKey::from_bytes(&self.write.to_bytes());
        // Both halves of key and signature have their length; the second ones are nothing that the server reads.
        let key = [identity.verifying_key().as_bytes(), &[7; 1952][..]].concat();
        let mut out = Writer::default();
        Suite::V1.encode(&mut out);
        account.encode(&mut out);
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

    /// Runs both messages of a login. Gives nothing if the answer cannot be opened with the password.
    pub(crate) async fn login(&self, server: &Server) -> Option<LoginAnswer> {
        let (_, finish) = self.login_messages(server).await;
        let post = server.post("/v1/login/finish").json(&finish?);
        Some(expect(post, 200).await)
    }

    /// The answer to the first message of a login, and the second message if the password opens it.
    pub(crate) async fn login_messages(&self, server: &Server) -> (LoginStarted, Option<LoginFinish>) {
        let client = ClientLogin::<TestSuite>::start(&mut Random, &self.password).unwrap();
        let puzzle = Some(self.solve_login(server).await);
        let ke1 = Base64::new(client.message.serialize().to_vec());
        let start = LoginStart { handle: self.handle.clone(), ke1, puzzle };
        let started: LoginStarted = expect(server.post("/v1/login/start").json(&start), 200).await;
        let response = CredentialResponse::deserialize(started.ke2.as_bytes()).unwrap();
        let context = context(Label::OpaqueContext, &self.realm, &[&Suite::V1.to_bytes()]);
        let parameters = ClientLoginFinishParameters::new(Some(&context), self.identifiers(), None);
        let finished = client.state.finish(&mut Random, &self.password, response, parameters);
        let finish = finished.ok().map(|finished| LoginFinish {
            login: started.login.clone(),
            ke3: Base64::new(finished.message.serialize().to_vec()),
        });
        (started, finish)
    }

    /// A puzzle to log in, which may be one of no bits, and its solution.
    async fn solve_login(&self, server: &Server) -> SolvedPuzzle {
        let start = PuzzleStart { purpose: PuzzlePurpose::Login, handle: self.handle.clone() };
        let Puzzle { puzzle, bits } = expect(server.post("/v1/puzzle").json(&start), 200).await;
        let solution = solve(&self.realm, puzzle.as_bytes(), bits);
        SolvedPuzzle { puzzle, solution }
    }

    /// Opens the private space.
    pub(crate) async fn open_space(&self, server: &Server, rights: &[Right]) -> Space {
        let finish = self.prove(server, self.space, rights).await;
        let path = format!("/v1/spaces/{}/sessions/finish", self.space);
        let answer: SpaceSessionAnswer = expect(server.post(&path).json(&finish), 200).await;
        assert_eq!(answer.rights, rights);
        Space { id: self.space, token: bearer(&answer.token) }
    }

    /// Proofs of this actor's rights in any space.
    pub(crate) async fn prove(&self, server: &Server, space: SpaceId, rights: &[Right]) -> SpaceSessionFinish {
        let path = format!("/v1/spaces/{space}/sessions/start");
        let challenge: Challenge = expect(server.post(&path), 200).await;
        let bytes: [u8; 32] = challenge.challenge.as_bytes().try_into().unwrap();
        let proof = |right: Right, key: &SigningKey| {
            let message = session_message(&self.realm, &space, 0, right, &bytes);
            rights.contains(&right).then(|| Base64::new(key.sign(&message).to_bytes().to_vec()))
        };
        SpaceSessionFinish {
            challenge: challenge.challenge,
            epoch: 0,
            read: rights.contains(&Right::Read).then(|| Base64::new(self.read.to_vec())),
            append: proof(Right::Append, &self.append),
            write: proof(Right::Write, &self.write),
            admin: proof(Right::Admin, &self.admin),
        }
    }

    /// The commit that begins the private space.
    pub(crate) fn genesis(&self) -> PostedCommit {
        let header = UnsignedHeader {
            suite: Suite::V1,
            kind: CommitKind::Genesis,
            space: self.space,
            epoch: 0,
            seq: 0,
            prev: ChainHash::ZERO,
            history: Frontier::default().root(),
            lists: CommitLists::default().hash(),
            body: ChainHash::of(b"genesis"),
        };
        self.sign(header, b"genesis", CommitLists::default(), &self.admin)
    }

    /// A tree commit behind this head.
    pub(crate) fn commit(&self, head: &HeadAnswer, body: &[u8], adds: &[AddedBlob]) -> PostedCommit {
        let mut adds = adds.to_vec();
        adds.sort_unstable();
        let lists = CommitLists { adds, ..CommitLists::default() };
        let header = self.header(head, body, &lists);
        self.sign(header, body, lists, &self.write)
    }

    /// The header of a tree commit behind this head.
    pub(crate) fn header(&self, head: &HeadAnswer, body: &[u8], lists: &CommitLists) -> UnsignedHeader {
        let mut frontier = head.frontier.clone();
        frontier.append(&head.commit.header.to_bytes()).unwrap();
        UnsignedHeader {
            suite: Suite::V1,
            kind: CommitKind::Tree,
            space: self.space,
            epoch: 0,
            seq: frontier.size(),
            prev: head.commit.header.hash(),
            history: frontier.root(),
            lists: lists.hash(),
            body: ChainHash::of(body),
        }
    }

    /// A commit with this header.
    pub(crate) fn sign(
        &self,
        header: UnsignedHeader,
        body: &[u8],
        lists: CommitLists,
        key: &SigningKey,
    ) -> PostedCommit {
        let signature = key.sign(&header.message(&self.realm)).to_bytes();
        let header = header.with_signature(CapabilitySignature::from_bytes(signature));
        PostedCommit { logged: LoggedCommit { header, body: body.to_vec() }, lists }
    }

    pub(crate) fn capability_keys(&self) -> CapabilityKeys {
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

/// A public key as it travels in JSON.
pub(crate) fn public(key: &SigningKey) -> Base64 {
    Base64::new(key.verifying_key().to_bytes().to_vec())
}

//! The secrets of an account, as its owner can make them: by what is typed, and by what a device keeps.

use anonicloud_client::remote::{HttpRemote, Patience, Remote as _, ServerAddress, SessionToken};
use anonicloud_core::account::boxes::BoxOwner;
use anonicloud_core::crypto::kdf::{
    derive_identity_box_key, derive_password_key, derive_recovery_auth, derive_recovery_key, derive_space_root_key,
    derive_ticket_key,
};
use anonicloud_core::crypto::opaque::Login;
use anonicloud_core::crypto::password::PasswordInput;
use anonicloud_core::crypto::recovery::RECOVERY_WORDS;
use anonicloud_core::crypto::secret::{AccountKey, CompositeSeed, ExportKey, RecoveryEntropy, SecretBytes};
use anonicloud_core::crypto::wrap::{WrapContext, open};
use anonicloud_e2e::wire::Conversation;
use anonicloud_proto::api::{Base64, LoginAnswer, LoginFinish, LoginStart};
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use anonicloud_testkit::random::SeededRandom;
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use hkdf::Hkdf;
use sha2::Sha512;

use super::kept::Kept;
use super::search::Secret;

pub(super) fn secret(name: &'static str, bytes: &[u8]) -> Secret {
    Secret { name, bytes: bytes.to_vec() }
}

/// What a person types or writes down.
pub(super) struct Typed {
    pub(super) handle: &'static str,
    pub(super) password: String,
    /// As it was shown.
    pub(super) account_key: Option<String>,
    pub(super) words: Option<String>,
}

impl Typed {
    fn key(&self) -> Option<AccountKey> {
        let plain = |shown: &String| BASE32_NOPAD.decode(shown.replace('-', "").as_bytes()).unwrap();
        self.account_key.as_ref().map(plain).map(|bytes| AccountKey::from_bytes(bytes.try_into().unwrap()))
    }

    /// What is made of it in this realm, but for the password and what that opens.
    fn secrets(&self, realm: &RealmId) -> Vec<Secret> {
        let mut secrets = Vec::new();
        if let (Some(shown), Some(key)) = (&self.account_key, self.key()) {
            secrets.extend([secret("account key", key.expose_bytes()), secret("account key, shown", shown.as_bytes())]);
        }
        if let Some(words) = &self.words {
            assert_eq!(words.split(' ').count(), RECOVERY_WORDS);
            let entropy = RecoveryEntropy::from_words(words).unwrap();
            secrets.extend([
                secret("recovery words", words.as_bytes()),
                secret("recovery entropy", entropy.expose_bytes()),
                secret("KEK of recovery", derive_recovery_key(&entropy, realm).expose_bytes()),
                secret("seeds of recovery", derive_recovery_auth(&entropy, realm).expose_bytes()),
            ]);
        }
        secrets
    }
}

/// What is typed opens at the server `url`. `kept` is what a device of the account has.
pub(super) async fn of_account(url: &str, typed: &Typed, kept: &Kept) -> Vec<Secret> {
    let remote = remote(url);
    let realm = remote.realm().await.unwrap().realm;
    let input = PasswordInput::derive(&realm, &typed.password, typed.key().as_ref());
    let random = &mut SeededRandom::new("a login");
    let (login, ke1) = Login::start(input, realm, random).unwrap();
    let start = LoginStart { handle: typed.handle.to_owned(), ke1: Base64::new(ke1), puzzle: None };
    let started = remote.login_start(&start).await.unwrap();
    let (ke3, export) = login.finish(started.ke2.as_bytes(), random).unwrap();
    let answer = remote.login_finish(&LoginFinish { login: started.login, ke3: Base64::new(ke3) }).await.unwrap();
    remote.logout(&SessionToken::new(answer.token.as_bytes())).await.unwrap();
    let mut secrets = vec![secret("export key", export.expose_bytes())];
    secrets.extend(typed.secrets(&realm));
    secrets.extend(of_boxes(&realm, &export, &answer, kept));
    secrets
}

fn of_boxes(realm: &RealmId, export: &ExportKey, answer: &LoginAnswer, kept: &Kept) -> [Secret; 7] {
    let owner = BoxOwner { realm: *realm, account: answer.account };
    let master = owner.open_password_slot(export, &answer.boxes.password_slot).unwrap();
    assert_eq!(master.expose_bytes(), kept.master.expose_bytes());
    let account = answer.account.as_bytes();
    let (label, version) = (Label::WrapIdentityBox, answer.boxes.identity.version);
    let place = WrapContext { label, realm, owner: account, object: account, version };
    let box_key = derive_identity_box_key(&master, realm);
    let seeds = open(&box_key, &place, answer.boxes.identity.sealed.as_bytes()).unwrap();
    let signing: [u8; 64] = part(&seeds, 0);
    assert!(*kept.chain.identity_key() == CompositeSeed::from_bytes(signing).public());
    let identity = owner.open_identity(&master, &answer.boxes.identity, &kept.chain).unwrap();
    let (ed25519, ml_dsa) = signing.split_at(32);
    [
        secret("KEK of the password", derive_password_key(export, realm).expose_bytes()),
        secret("KEK of the identity", box_key.expose_bytes()),
        secret("KEK of tickets", derive_ticket_key(&master, realm).expose_bytes()),
        secret("KEK of the space", derive_space_root_key(&master, realm).expose_bytes()),
        secret("identity's Ed25519 seed", ed25519),
        secret("identity's ML-DSA seed", ml_dsa),
        secret("sharing seed", identity.sharing().expose_bytes()),
    ]
}

/// What HKDF extracts from those of `secrets` that keys are derived from without a salt, and derives them from.
pub(super) fn extracted(secrets: &[Secret]) -> Vec<Secret> {
    let extracted = |secret: &Secret| {
        let name = match secret.name {
            "export key" => "extract of the export key",
            "master key" => "extract of the master key",
            "recovery entropy" => "extract of the recovery entropy",
            "space key" => "extract of the space key",
            "device's login seed" => "extract of the login seed",
            "file key" => "extract of the file key",
            _ => return None,
        };
        Some(Secret { name, bytes: Hkdf::<Sha512>::extract(None, &secret.bytes).0.to_vec() })
    };
    secrets.iter().filter_map(extracted).collect()
}

/// The tokens of all sessions that were used on the wire.
pub(super) fn of_sessions(wire: &[Conversation]) -> Vec<Vec<u8>> {
    let mut tokens = Vec::new();
    for conversation in wire {
        let said = String::from_utf8_lossy(&conversation.to_server).into_owned();
        for (_, rest) in said.match_indices("Bearer ").map(|(at, found)| said.split_at(at + found.len())) {
            let text: String = rest.chars().take_while(|letter| !letter.is_control()).collect();
            tokens.push(BASE64URL_NOPAD.decode(text.as_bytes()).unwrap());
        }
    }
    tokens.sort();
    tokens.dedup();
    tokens
}

/// Whether one of the tokens opens the account at the server `url`.
pub(super) async fn is_account_open(url: &str, tokens: &[Vec<u8>]) -> bool {
    let remote = remote(url);
    for token in tokens {
        if remote.account(&SessionToken::new(token)).await.is_ok() {
            return true;
        }
    }
    false
}

fn remote(url: &str) -> HttpRemote {
    let server = ServerAddress { url: url.to_owned(), ca_file: None };
    HttpRemote::new(&server, Patience::default()).unwrap()
}

pub(super) fn part<const N: usize>(bytes: &SecretBytes, from: usize) -> [u8; N] {
    bytes.expose_bytes()[from..from + N].try_into().unwrap()
}

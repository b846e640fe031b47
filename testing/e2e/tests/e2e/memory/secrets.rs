//! All secrets of an account and of a device, as their owner can make them: by the password, and by what the device keeps.

use std::path::Path;

use anonicloud_client::open_state;
use anonicloud_client::remote::{HttpRemote, Patience, Remote as _, ServerAddress, SessionToken};
use anonicloud_client::state::Table;
use anonicloud_core::account::boxes::BoxOwner;
use anonicloud_core::account::keys::DeviceSeeds;
use anonicloud_core::crypto::kdf::{
    derive_body_key, derive_device_login, derive_identity_box_key, derive_names_key, derive_password_key,
    derive_read_token, derive_root_wrap_key, derive_space_root_key, derive_ticket_key,
};
use anonicloud_core::crypto::opaque::Login;
use anonicloud_core::crypto::password::PasswordInput;
use anonicloud_core::crypto::secret::{DeviceSeed, ExportKey, SecretBytes, SpaceKey, WrapKey};
use anonicloud_core::crypto::wrap::{WrapContext, open};
use anonicloud_e2e::wire::Conversation;
use anonicloud_proto::api::{Base64, LoginAnswer, LoginFinish, LoginStart};
use anonicloud_proto::codec::{Decode as _, Reader};
use anonicloud_proto::ids::{AccountId, RealmId};
use anonicloud_proto::label::Label;
use anonicloud_testkit::random::SeededRandom;
use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use sha2::Sha512;

use super::search::Secret;

pub(super) fn secret(name: &'static str, bytes: &[u8]) -> Secret {
    Secret { name, bytes: bytes.to_vec() }
}

/// What the password opens at the server `url`.
pub(super) async fn of_account(url: &str, handle: &str, password: &str) -> Vec<Secret> {
    let remote = remote(url);
    let realm = remote.realm().await.unwrap().realm;
    let input = PasswordInput::derive(&realm, password, None);
    let random = &mut SeededRandom::new("a login");
    let (login, ke1) = Login::start(input, realm, random).unwrap();
    let start = LoginStart { handle: handle.to_owned(), ke1: Base64::new(ke1), puzzle: None };
    let started = remote.login_start(&start).await.unwrap();
    let (ke3, export) = login.finish(started.ke2.as_bytes(), random).unwrap();
    let answer = remote.login_finish(&LoginFinish { login: started.login, ke3: Base64::new(ke3) }).await.unwrap();
    remote.logout(&SessionToken::new(answer.token.as_bytes())).await.unwrap();
    let mut secrets = vec![secret("export key", export.expose_bytes())];
    secrets.extend(of_boxes(&realm, &export, &answer));
    secrets
}

fn of_boxes(realm: &RealmId, export: &ExportKey, answer: &LoginAnswer) -> Vec<Secret> {
    let owner = BoxOwner { realm: *realm, account: answer.account };
    let master = owner.open_password_slot(export, &answer.boxes.password_slot).unwrap();
    let account = answer.account.as_bytes();
    let (label, version) = (Label::WrapIdentityBox, answer.boxes.identity.version);
    let place = WrapContext { label, realm, owner: account, object: account, version };
    let box_key = derive_identity_box_key(&master, realm);
    let identity = open(&box_key, &place, answer.boxes.identity.sealed.as_bytes()).unwrap();
    let space = owner.open_space(&answer.space, &master, &answer.boxes.space).unwrap().expose_encoded();
    let key = SpaceKey::from_bytes(part(&space, 4));
    vec![
        secret("KEK of the password", derive_password_key(export, realm).expose_bytes()),
        secret("master key", master.expose_bytes()),
        secret("KEK of the identity", box_key.expose_bytes()),
        secret("KEK of tickets", derive_ticket_key(&master, realm).expose_bytes()),
        secret("KEK of the space", derive_space_root_key(&master, realm).expose_bytes()),
        secret("identity's Ed25519 seed", &part::<32>(&identity, 0)),
        secret("identity's ML-DSA seed", &part::<32>(&identity, 32)),
        secret("sharing seed", &part::<32>(&identity, 64)),
        secret("space key", key.expose_bytes()),
        secret("append seed", &part::<32>(&space, 36)),
        secret("write seed", &part::<32>(&space, 68)),
        secret("admin seed", &part::<32>(&space, 100)),
        secret("K_body", derive_body_key(&key, realm).expose_bytes()),
        secret("K_root", derive_root_wrap_key(&key, realm).expose_bytes()),
        secret("read token", derive_read_token(&key, realm).expose_bytes()),
        secret("key of names", derive_names_key(&key, realm).expose_bytes()),
    ]
}

/// What the device keeps in the folder `state`, while it is signed in.
pub(super) async fn of_device(state: &Path) -> Vec<Secret> {
    let key: [u8; 32] = fs_err::read(state.join("device.key")).unwrap().try_into().unwrap();
    let opened = open_state(state).await.unwrap();
    let record = opened.read(Table::Account, b"account").await.unwrap().unwrap();
    opened.close().await;
    let mut input = Reader::new(&record);
    let realm = RealmId::decode(&mut input).unwrap();
    AccountId::decode(&mut input).unwrap();
    for _ in ["handle", "address", "certificates"] {
        input.bytes(4096).unwrap();
    }
    input.take(32).unwrap();
    let seeds = SecretBytes::from_vec(input.bytes(1024).unwrap().to_vec());
    assert!(DeviceSeeds::from_encoded(&seeds).is_ok());
    let login = derive_device_login(&DeviceSeed::from_bytes(part(&seeds, 80)), &realm);
    vec![
        secret("device key", &key),
        secret(
            "key of rows",
            &blake3::derive_key("AnoniCloud/1 local state keys", WrapKey::from_bytes(key).expose_bytes()),
        ),
        secret("device's Ed25519 seed", &part::<32>(&seeds, 16)),
        secret("device's ML-DSA seed", &part::<32>(&seeds, 48)),
        secret("device's login seed", &part::<32>(&seeds, 80)),
        secret("device's login key", login.expose_bytes()),
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

fn part<const N: usize>(bytes: &SecretBytes, from: usize) -> [u8; N] {
    bytes.expose_bytes()[from..from + N].try_into().unwrap()
}

//! Registration, login, devices.

use anonicloud_proto::api::{
    AccountAnswer, AddDevice, Base64, Challenge, DeviceLoginFinish, DeviceLoginStart, ErrorCode, LoginAnswer,
    LoginFinish, NewDevice, RegisterFinish, RemoveDevice, SigchainAnswer,
};
use anonicloud_proto::capability::device_login_message;
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{AddedBlob, CommitLists};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, BlobId, DeviceId};
use ed25519_dalek::{Signer as _, SigningKey};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::actor::{Actor, public};
use crate::process::{Server, bearer, expect, expect_status, refused};
use crate::slow::begin;

#[tokio::test]
async fn an_account_comes_back_as_it_was_registered() {
    let server = Server::start().await;
    let alice = Actor::registered(&server, "alice").await;
    let login = alice.login(&server).await.unwrap();
    assert_eq!(login.account, alice.account);
    assert_eq!(login.space, alice.space);
    assert_eq!(login.boxes, alice.boxes());
    assert_eq!(login.expires_in, 3600);
    let token = bearer(&login.token);
    let account: AccountAnswer = expect(server.get("/v1/account").bearer_auth(&token), 200).await;
    assert_eq!(account.handle, "alice");
    assert_eq!(account.devices, [alice.device]);
    assert_eq!((account.quota, account.used, account.reserved), (10 << 30, 0, 0));
    let chain: SigchainAnswer = expect(server.get("/v1/account/sigchain").bearer_auth(&token), 200).await;
    assert_eq!(chain.links.len(), 2);
    expect_status(server.post("/v1/logout").bearer_auth(&token), 204).await;
    let after = server.get("/v1/account").bearer_auth(&token);
    assert_eq!(refused(after).await, ErrorCode::SessionExpired);
}

#[tokio::test]
async fn a_registration_repeats_with_the_same_bytes_only() {
    let server = Server::start().await;
    let alice = Actor::new(&server, "alice").await;
    let finish = alice.register_finish(&server).await;
    let post = |finish: &RegisterFinish| server.post("/v1/register/finish").json(finish);
    for _ in 0..2 {
        expect_status(post(&finish), 201).await;
    }
    let mut other = finish.clone();
    other.recovery_public_key = Base64::new(vec![8; 1984]);
    assert_eq!(refused(post(&other)).await, ErrorCode::AlreadyExists);
    let mut same_handle = finish.clone();
    same_handle.account = AccountId::from_bytes([9; 16]);
    same_handle.sigchain = links_of(&same_handle, &alice);
    assert_eq!(refused(post(&same_handle)).await, ErrorCode::HandleTaken);
    let mut same_space = same_handle;
    same_space.handle = "alice2".to_owned();
    assert_eq!(refused(post(&same_space)).await, ErrorCode::AlreadyExists);
    // The refused one left nothing behind: its handle is free.
    Actor::registered(&server, "alice2").await;
    assert!(alice.login(&server).await.is_some());
}

/// The links of `alice`, made for another account.
fn links_of(finish: &RegisterFinish, alice: &Actor) -> Vec<Base64> {
    let first = alice.link_of(finish.account, 0, ChainHash::ZERO, b"genesis");
    let second = alice.link_of(finish.account, 1, ChainHash::of(&first), b"device");
    vec![Base64::new(first), Base64::new(second)]
}

#[tokio::test]
async fn a_registration_that_breaks_a_rule_leaves_nothing() {
    let server = Server::start().await;
    let alice = Actor::new(&server, "alice").await;
    let good = alice.register_finish(&server).await;
    let mut cases = broken_parts();
    for genesis in broken_geneses(&alice) {
        let change = move |finish: &mut RegisterFinish| finish.genesis = genesis.clone();
        cases.push((Box::new(change), ErrorCode::CommitInvalid));
    }
    for (number, (change, code)) in cases.into_iter().enumerate() {
        let mut finish = good.clone();
        change(&mut finish);
        let post = server.post("/v1/register/finish").json(&finish);
        assert_eq!(refused(post).await, code, "case {number}");
    }
    expect_status(server.post("/v1/register/finish").json(&good), 201).await;
}

/// A link whose payload is another one than its signature is of.
fn changed(link: &Base64) -> Base64 {
    let mut link = link.as_bytes().to_vec();
    let at = link.len() - 3373 - 1;
    link[at] ^= 1;
    Base64::new(link)
}

type Change = Box<dyn Fn(&mut RegisterFinish)>;

fn broken_parts() -> Vec<(Change, ErrorCode)> {
    use ErrorCode::{BadRequest, HandleInvalid, TooLarge};
    let bytes = |len| Base64::new(vec![0; len]);
    vec![
        (Box::new(|f| f.handle = "A".to_owned()), HandleInvalid),
        (Box::new(move |f| f.record = bytes(10)), BadRequest),
        (Box::new(|f| f.sigchain.truncate(1)), BadRequest),
        (Box::new(|f| f.sigchain.swap(0, 1)), BadRequest),
        (Box::new(|f| f.sigchain[0] = changed(&f.sigchain[0])), BadRequest),
        (Box::new(|f| f.sigchain[1] = changed(&f.sigchain[1])), BadRequest),
        (Box::new(move |f| f.boxes.identity.sealed = bytes(4097)), TooLarge),
        (Box::new(|f| f.boxes.space.version = u64::MAX), BadRequest),
        (Box::new(move |f| f.device.auth_public_key = bytes(31)), BadRequest),
        (Box::new(move |f| f.space_keys = bytes(127)), BadRequest),
    ]
}

/// Bytes that are no commit, one that adds a blob, one that the wrong key signed.
fn broken_geneses(alice: &Actor) -> [Base64; 3] {
    let adds = vec![AddedBlob { blob: BlobId::from_bytes([1; 32]), size: 1 }];
    let lists = CommitLists { adds, ..CommitLists::default() };
    let fields = alice.genesis().logged.header.fields().clone();
    let mut header = fields.clone();
    header.lists = lists.hash();
    let with_adds = alice.sign(header, b"genesis", lists, &alice.admin);
    let by_writer = alice.sign(fields, b"genesis", CommitLists::default(), &alice.write);
    [b"garbage".to_vec(), with_adds.to_bytes(), by_writer.to_bytes()].map(Base64::new)
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_handle_look_the_same() {
    let server = Server::start().await;
    let mut alice = Actor::registered(&server, "alice").await;
    let nobody = Actor::new(&server, "nobody").await;
    let (right, finish) = alice.login_messages(&server).await;
    let mut forged = finish.unwrap();
    alice.password = b"wrong".to_vec();
    let (wrong, none) = alice.login_messages(&server).await;
    let (unknown, never) = nobody.login_messages(&server).await;
    assert!(none.is_none() && never.is_none());
    for started in [&wrong, &unknown] {
        assert_eq!(started.ke2.as_bytes().len(), right.ke2.as_bytes().len());
        assert_eq!(started.login.as_bytes().len(), right.login.as_bytes().len());
        let finish = LoginFinish { login: started.login.clone(), ke3: Base64::new(vec![1; 64]) };
        let post = server.post("/v1/login/finish").json(&finish);
        assert_eq!(refused(post).await, ErrorCode::LoginFailed);
    }
    // The right proof is taken once, and not with another login's name.
    let ke3 = forged.ke3.clone();
    forged.ke3 = Base64::new(vec![2; 64]);
    let post = |finish: &LoginFinish| server.post("/v1/login/finish").json(finish);
    assert_eq!(refused(post(&forged)).await, ErrorCode::LoginFailed);
    forged.ke3 = ke3;
    let renamed = LoginFinish { login: wrong.login, ke3: forged.ke3.clone() };
    assert_eq!(refused(post(&renamed)).await, ErrorCode::LoginFailed);
    expect_status(post(&forged), 200).await;
    assert_eq!(refused(post(&forged)).await, ErrorCode::LoginFailed);
}

#[tokio::test]
async fn a_device_signs_in_until_it_is_removed() {
    let server = Server::start().await;
    let alice = Actor::registered(&server, "alice").await;
    let owner = bearer(&alice.login(&server).await.unwrap().token);
    let key = SigningKey::from_bytes(&[5; 32]);
    let device = DeviceId::from_bytes([5; 16]);
    let stranger = device_login(&server, &alice, device, &key).await;
    assert_eq!(stranger.err(), Some(ErrorCode::LoginFailed));
    let chain: SigchainAnswer = expect(server.get("/v1/account/sigchain").bearer_auth(&owner), 200).await;
    let head = ChainHash::of(chain.links[1].as_bytes());
    let link = alice.link(2, head, b"add");
    let add = AddDevice {
        device: NewDevice { device, auth_public_key: public(&key) },
        prev: head,
        link: Base64::new(link.clone()),
    };
    let post = |add: &AddDevice| server.post("/v1/account/devices").bearer_auth(&owner).json(add);
    // Who has a session and no key of the identity appends nothing.
    for link in [changed(&add.link), Base64::new(add.link.as_bytes()[..58].to_vec()), chain.links[1].clone()] {
        let unsigned = AddDevice { link, ..add.clone() };
        assert_eq!(refused(post(&unsigned)).await, ErrorCode::BadRequest);
    }
    expect_status(post(&add), 201).await;
    assert_eq!(refused(post(&add)).await, ErrorCode::SigchainMoved);
    let session = device_login(&server, &alice, device, &key).await.unwrap();
    assert_eq!(session.boxes, alice.boxes());
    let token = bearer(&session.token);
    expect_status(server.get("/v1/account").bearer_auth(&token), 200).await;
    let head = ChainHash::of(&link);
    let remove = RemoveDevice { device, prev: head, link: Base64::new(alice.link(3, head, b"remove")) };
    let unsigned = RemoveDevice { link: changed(&remove.link), ..remove.clone() };
    let post = server.post("/v1/account/devices/remove").bearer_auth(&owner).json(&unsigned);
    assert_eq!(refused(post).await, ErrorCode::BadRequest);
    let post = server.post("/v1/account/devices/remove");
    expect_status(post.bearer_auth(&owner).json(&remove), 204).await;
    let ended = server.get("/v1/account").bearer_auth(&token);
    assert_eq!(refused(ended).await, ErrorCode::SessionExpired);
    let removed = device_login(&server, &alice, device, &key).await;
    assert_eq!(removed.err(), Some(ErrorCode::LoginFailed));
    // The session that added the device was its session since then.
    assert_eq!(refused(server.get("/v1/account").bearer_auth(&owner)).await, ErrorCode::SessionExpired);
}

#[tokio::test]
async fn a_device_that_is_removed_adds_none_by_a_request_that_is_under_way() {
    let server = Server::start().await;
    let alice = Actor::registered(&server, "alice").await;
    let owner = bearer(&alice.login(&server).await.unwrap().token);
    let lost = device_login(&server, &alice, alice.device, &alice.device_key).await.unwrap();
    let chain: SigchainAnswer = expect(server.get("/v1/account/sigchain").bearer_auth(&owner), 200).await;
    let head = ChainHash::of(chain.links[1].as_bytes());
    // Who has the identity knows the link that will remove a device before it is there.
    let removal = alice.link(2, head, b"remove");
    let prev = ChainHash::of(&removal);
    let device = NewDevice { device: DeviceId::from_bytes([5; 16]), auth_public_key: public(&alice.device_key) };
    let add = AddDevice { device, prev, link: Base64::new(alice.link(3, prev, b"add")) };
    let body = serde_json::to_vec(&add).unwrap();
    let headers = format!("content-length: {}\r\nexpect: 100-continue\r\n", body.len());
    let (line, token) = ("POST /v1/account/devices", bearer(&lost.token));
    let (mut stream, answer) = begin(&server, &token, line, &headers, &body[..1]).await;
    // From here on its body is read.
    assert!(answer.starts_with("HTTP/1.1 100"), "{answer}");
    let remove = RemoveDevice { device: alice.device, prev: head, link: Base64::new(removal) };
    expect_status(server.post("/v1/account/devices/remove").bearer_auth(&owner).json(&remove), 204).await;
    stream.write_all(&body[1..]).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 401");
    let account: AccountAnswer = expect(server.get("/v1/account").bearer_auth(&owner), 200).await;
    assert!(account.devices.is_empty(), "{:?}", account.devices);
}

async fn device_login(
    server: &Server,
    actor: &Actor,
    device: DeviceId,
    key: &SigningKey,
) -> Result<LoginAnswer, ErrorCode> {
    let start = DeviceLoginStart { account: actor.account, device };
    let challenge: Challenge = expect(server.post("/v1/login/device/start").json(&start), 200).await;
    let bytes: [u8; 32] = challenge.challenge.as_bytes().try_into().unwrap();
    let message = device_login_message(&actor.realm, &actor.account, &device, &bytes);
    let finish = DeviceLoginFinish {
        account: actor.account,
        device,
        challenge: challenge.challenge,
        signature: Base64::new(key.sign(&message).to_bytes().to_vec()),
    };
    let post = || server.post("/v1/login/device/finish").json(&finish);
    let response = post().send().await.unwrap();
    // A challenge is used once, whatever came of it.
    assert_eq!(refused(post()).await, ErrorCode::LoginFailed);
    if response.status().is_success() {
        Ok(response.json().await.unwrap())
    } else {
        Err(crate::process::refusal(response).await.1)
    }
}

/// Adds a device and gives the token of a session that its key opened.
pub(crate) async fn add_and_sign_in(server: &Server, actor: &Actor) -> String {
    let owner = bearer(&actor.login(server).await.unwrap().token);
    let (device, key) = (DeviceId::from_bytes([6; 16]), SigningKey::from_bytes(&[6; 32]));
    let chain: SigchainAnswer = expect(server.get("/v1/account/sigchain").bearer_auth(&owner), 200).await;
    let head = ChainHash::of(chain.links[1].as_bytes());
    let link = Base64::new(actor.link(2, head, b"add"));
    let add = AddDevice { device: NewDevice { device, auth_public_key: public(&key) }, prev: head, link };
    expect_status(server.post("/v1/account/devices").bearer_auth(&owner).json(&add), 201).await;
    bearer(&device_login(server, actor, device, &key).await.unwrap().token)
}

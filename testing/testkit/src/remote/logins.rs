//! Logins, sessions of accounts, devices.

use anonicloud_client::remote::{Remote, SessionToken};
use anonicloud_proto::api::{AddDevice, Base64, ErrorCode, LoginStart, NewDevice, RemoveDevice};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::DeviceId;
use anonicloud_proto::limits::SIGCHAIN_LINK_MAX;
use ed25519_dalek::SigningKey;

use super::Suite;
use super::actor::{Actor, public, session};

/// Password tries at once.
const TRIES: usize = 10;

impl<R: Remote> Suite<R> {
    /// A password opens a session, a wrong one and an unknown handle open nothing.
    pub(super) async fn logins(&self) {
        let remote = &self.remote;
        let mut actor = Actor::registered(remote, "logins").await;
        let answer = actor.login(remote).await;
        assert_eq!((answer.account, answer.space, &answer.boxes), (actor.account, actor.space, &actor.boxes()));
        let token = session(&answer);
        remote.account(&token).await.expect("the account");
        remote.logout(&token).await.expect("an end of the session");
        self.refused(remote.account(&token).await, ErrorCode::SessionExpired);
        self.refused(remote.logout(&token).await, ErrorCode::SessionExpired);
        self.refused(remote.sigchain(&SessionToken::new(&[1; 32])).await, ErrorCode::SessionExpired);

        let finish = actor.begin_login(remote).await.expect("a login").expect("the right password");
        remote.login_finish(&finish).await.expect("a login");
        self.refused(remote.login_finish(&finish).await, ErrorCode::LoginFailed);
        let mut finish = actor.begin_login(remote).await.expect("a login").expect("the right password");
        finish.ke3 = Base64::new(vec![3; finish.ke3.as_bytes().len()]);
        self.refused(remote.login_finish(&finish).await, ErrorCode::LoginFailed);
        let garbage = LoginStart { handle: actor.handle.clone(), ke1: Base64::new(vec![0; 5]), puzzle: None };
        self.refused(remote.login_start(&garbage).await, ErrorCode::BadRequest);
        actor.password.push(b'!');
        assert!(actor.begin_login(remote).await.expect("an answer").is_none(), "a wrong password opens nothing");

        let nobody = Actor::new(remote, "logins-nobody").await;
        for _ in 0..TRIES {
            assert!(nobody.begin_login(remote).await.expect("a dummy").is_none());
        }
        self.refused(nobody.begin_login(remote).await, ErrorCode::TooManyRequests);
    }

    /// Devices come and go by links of the chain, and sign in by their keys.
    pub(super) async fn devices(&self) {
        let remote = &self.remote;
        let actor = Actor::registered(remote, "devices").await;
        let token = session(&actor.login(remote).await);
        let links = remote.sigchain(&token).await.expect("the chain").links;
        let hash = |link: &Base64| ChainHash::of(link.as_bytes());
        let key = SigningKey::from_bytes(&actor.draw());
        let new = NewDevice { device: DeviceId::from_bytes([9; 16]), auth_public_key: public(&key) };
        let link = Base64::new(actor.link(2, hash(&links[1]), b"phone"));
        let add = AddDevice { device: new, prev: hash(&links[1]), link };
        self.links_refused(&actor, &token, &add).await;
        let unknown = actor.device_login(remote, add.device.device, &key).await;
        self.refused(remote.device_login_finish(&unknown).await, ErrorCode::LoginFailed);

        remote.add_device(&token, &add).await.expect("a device");
        self.refused(remote.add_device(&token, &add).await, ErrorCode::SigchainMoved);
        let prev = hash(&add.link);
        let link = Base64::new(actor.link(3, prev, b"again"));
        let again = AddDevice { prev, link: link.clone(), ..add.clone() };
        self.refused(remote.add_device(&token, &again).await, ErrorCode::AlreadyExists);
        let nothing = RemoveDevice { device: DeviceId::from_bytes([7; 16]), prev, link: link.clone() };
        self.refused(remote.remove_device(&token, &nothing).await, ErrorCode::NotFound);

        let login = actor.device_login(remote, add.device.device, &key).await;
        let by_key = session(&remote.device_login_finish(&login).await.expect("a login by key"));
        self.refused(remote.device_login_finish(&login).await, ErrorCode::LoginFailed);
        let wrong_key = actor.device_login(remote, actor.device, &key).await;
        self.refused(remote.device_login_finish(&wrong_key).await, ErrorCode::LoginFailed);
        let own = actor.device_login(remote, actor.device, &actor.device_key).await;
        let own = session(&remote.device_login_finish(&own).await.expect("a login by key"));
        assert_eq!(remote.account(&by_key).await.expect("the account").devices.len(), 2);

        // The session by password became the added device's, and ends with it.
        remote
            .remove_device(&by_key, &RemoveDevice { device: add.device.device, prev, link })
            .await
            .expect("a removal");
        self.refused(remote.account(&by_key).await, ErrorCode::SessionExpired);
        self.refused(remote.account(&token).await, ErrorCode::SessionExpired);
        let chain = remote.sigchain(&own).await.expect("the chain").links;
        assert_eq!((&chain[..2], chain.len()), (&links[..], 4));
    }

    async fn links_refused(&self, actor: &Actor, token: &SessionToken, add: &AddDevice) {
        let refused = async |change: &dyn Fn(&mut AddDevice), code| {
            let mut changed = add.clone();
            change(&mut changed);
            self.refused(self.remote.add_device(token, &changed).await, code);
        };
        let long = Base64::new(vec![0; SIGCHAIN_LINK_MAX + 1]);
        let later = Base64::new(actor.link(3, add.prev, b"later"));
        let mut unsigned = add.link.as_bytes().to_vec();
        unsigned[60] ^= 1;
        let unsigned = Base64::new(unsigned);
        let elsewhere = Base64::new(actor.link(2, ChainHash::ZERO, b"elsewhere"));
        refused(&|add| add.device.auth_public_key = Base64::new(vec![1; 31]), ErrorCode::BadRequest).await;
        refused(&|add| add.link = Base64::new(vec![1; 20]), ErrorCode::BadRequest).await;
        refused(&|add| add.link = long.clone(), ErrorCode::TooLarge).await;
        refused(&|add| add.prev = ChainHash::ZERO, ErrorCode::BadRequest).await;
        refused(&|add| add.link = unsigned.clone(), ErrorCode::BadRequest).await;
        refused(&|add| add.link = later.clone(), ErrorCode::SigchainMoved).await;
        let moved = |add: &mut AddDevice| {
            add.prev = ChainHash::ZERO;
            add.link = elsewhere.clone();
        };
        refused(&moved, ErrorCode::SigchainMoved).await;
    }
}

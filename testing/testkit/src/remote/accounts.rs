//! Registration.

use anonicloud_client::remote::Remote;
use anonicloud_proto::api::{Base64, ErrorCode, RegisterFinish};
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{CommitKind, CommitLists};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::limits::BOX_MAX;

use super::Suite;
use super::actor::Actor;

impl<R: Remote> Suite<R> {
    /// An account is made whole, once, by one request that may come again.
    pub(super) async fn registrations(&self) {
        let remote = &self.remote;
        let actor = Actor::new(remote, "registrations").await;
        let finish = actor.registration(remote).await;
        self.registrations_refused(&actor, &finish).await;
        remote.register_finish(&finish).await.expect("an account");
        remote.register_finish(&finish).await.expect("the same request again");
        let other = RegisterFinish { recovery_public_key: Base64::new(vec![8; 1984]), ..finish.clone() };
        self.refused(remote.register_finish(&other).await, ErrorCode::AlreadyExists);
        self.refused(remote.register_start(&actor.registration_start().0).await, ErrorCode::AlreadyExists);

        let mut thief = Actor::new(remote, "registrations-thief").await;
        let taken = RegisterFinish { handle: actor.handle.clone(), ..thief.registration(remote).await };
        self.refused(remote.register_finish(&taken).await, ErrorCode::HandleTaken);
        let second_space = RegisterFinish { genesis: finish.genesis.clone(), space_keys: finish.space_keys, ..taken };
        let second_space = RegisterFinish { handle: thief.handle.clone(), ..second_space };
        self.refused(remote.register_finish(&second_space).await, ErrorCode::AlreadyExists);
        thief.handle.clone_from(&actor.handle);
        self.refused(remote.register_start(&thief.registration_start().0).await, ErrorCode::HandleTaken);

        let answer = actor.account(remote).await;
        assert_eq!((answer.account, answer.space, answer.devices), (actor.account, actor.space, vec![actor.device]));
        assert_eq!((answer.used, answer.reserved, answer.quota), (0, 0, super::QUOTA));
        assert_eq!(answer.handle, actor.handle);
    }

    async fn registrations_refused(&self, actor: &Actor, finish: &RegisterFinish) {
        let remote = &self.remote;
        let mut start = actor.registration_start().0;
        start.request = Base64::new(vec![0xff; 32]);
        self.refused(remote.register_start(&start).await, ErrorCode::BadRequest);
        "No Handle".clone_into(&mut start.handle);
        self.refused(remote.register_start(&start).await, ErrorCode::HandleInvalid);

        let refused = async |change: &dyn Fn(&mut RegisterFinish), code| {
            let mut changed = finish.clone();
            change(&mut changed);
            self.refused(remote.register_finish(&changed).await, code);
        };
        let long = Base64::new(vec![1; BOX_MAX + 1]);
        let none = Base64::new(Vec::new());
        refused(&|finish| "-no".clone_into(&mut finish.handle), ErrorCode::HandleInvalid).await;
        refused(&|finish| finish.boxes.identity.sealed = long.clone(), ErrorCode::TooLarge).await;
        refused(&|finish| finish.boxes.space.sealed = none.clone(), ErrorCode::BadRequest).await;
        refused(&|finish| finish.boxes.password_slot.version = u64::MAX, ErrorCode::BadRequest).await;
        refused(&|finish| finish.recovery_public_key = long.clone(), ErrorCode::TooLarge).await;
        refused(&|finish| finish.record = none.clone(), ErrorCode::BadRequest).await;
        refused(&|finish| finish.space_keys = none.clone(), ErrorCode::BadRequest).await;
        refused(&|finish| finish.device.auth_public_key = none.clone(), ErrorCode::BadRequest).await;
        refused(&|finish| drop(finish.sigchain.pop()), ErrorCode::BadRequest).await;
        refused(&|finish| finish.sigchain.swap(0, 1), ErrorCode::BadRequest).await;
        let skipping = actor.link(2, ChainHash::of(finish.sigchain[0].as_bytes()), b"device");
        refused(&|finish| finish.sigchain[1] = Base64::new(skipping.clone()), ErrorCode::BadRequest).await;
        refused(&|finish| finish.genesis = none.clone(), ErrorCode::CommitInvalid).await;
        let genesis = actor.genesis();
        let sign = |kind, seq| {
            let mut header = genesis.logged.header.fields().clone();
            (header.kind, header.seq) = (kind, seq);
            header
        };
        for (header, key) in [
            (sign(CommitKind::Tree, 0), &actor.admin),
            (sign(CommitKind::Genesis, 1), &actor.admin),
            (sign(CommitKind::Genesis, 0), &actor.write),
        ] {
            let posted = actor.sign(header, b"genesis", CommitLists::default(), key);
            let genesis = Base64::new(posted.to_bytes());
            refused(&|finish| finish.genesis = genesis.clone(), ErrorCode::CommitInvalid).await;
        }
    }
}

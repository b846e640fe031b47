//! What ends by itself.

use std::time::Duration;

use anonicloud_client::remote::Remote;
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::capability::Right;
use anonicloud_proto::limits::UPLOAD_IDLE_DAYS;

use super::Suite;
use super::actor::{ALL_RIGHTS, Actor, session};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const NEARLY_A_MINUTE: Duration = Duration::from_secs(59);
const HOUR: Duration = Duration::from_hours(1);
const NEARLY_AN_HOUR: Duration = Duration::from_secs(3599);

impl<R: Remote> Suite<R> {
    /// A session lives an hour from its last request.
    pub(super) async fn sessions_end(&self, pass: &impl Fn(Duration)) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "sessions-end").await;
        let token = session(&actor.login(remote).await);
        for _ in 0..3 {
            pass(NEARLY_AN_HOUR);
            remote.account(&token).await.expect("a session in use");
            remote.head(&access).await.expect("a session in use");
        }
        pass(HOUR);
        self.refused(remote.account(&token).await, ErrorCode::SessionExpired);
        self.refused(remote.head(&access).await, ErrorCode::SessionExpired);
    }

    /// Challenges and logins wait for a minute.
    pub(super) async fn challenges_end(&self, pass: &impl Fn(Duration)) {
        let remote = &self.remote;
        let actor = Actor::registered(remote, "challenges-end").await;
        for (age, in_time) in [(NEARLY_A_MINUTE, true), (MINUTE, false)] {
            let proofs = actor.prove(remote, actor.space, &[Right::Read]).await;
            let device = actor.device_login(remote, actor.device, &actor.device_key).await;
            let password = actor.begin_login(remote).await.expect("a login").expect("the right password");
            pass(age);
            let opened = [
                remote.space_session(&actor.space, &proofs).await.map(drop),
                remote.device_login_finish(&device).await.map(drop),
                remote.login_finish(&password).await.map(drop),
            ];
            for opened in opened {
                if in_time {
                    opened.expect("a session");
                } else {
                    self.refused(opened, ErrorCode::LoginFailed);
                }
            }
        }
    }

    /// Ten tries of a password at once, and then one a minute.
    pub(super) async fn tries_come_back(&self, pass: &impl Fn(Duration)) {
        let remote = &self.remote;
        let actor = Actor::registered(remote, "tries").await;
        for _ in 0..10 {
            actor.begin_login(remote).await.expect("a try");
        }
        self.refused(actor.begin_login(remote).await, ErrorCode::TooManyRequests);
        pass(NEARLY_A_MINUTE);
        self.refused(actor.begin_login(remote).await, ErrorCode::TooManyRequests);
        pass(SECOND);
        actor.login(remote).await;
        actor.login(remote).await;
    }

    /// An upload without a request for longer than its days goes, with its blobs and what it reserved.
    pub(super) async fn idle_uploads_go(&self, pass: &impl Fn(Duration)) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "idle-uploads").await;
        let idle = actor.upload(remote, &access, 100_000).await;
        let used = actor.upload(remote, &access, 50_000).await;
        let blob = actor.sent(remote, &access, &idle, 20_000).await;
        for _ in 0..=UPLOAD_IDLE_DAYS {
            let access = actor.open(remote, &ALL_RIGHTS).await;
            remote.upload_state(&access, &used, None).await.expect("an upload in use");
            pass(24 * HOUR);
        }
        let access = actor.open(remote, &ALL_RIGHTS).await;
        self.refused(remote.upload_state(&access, &idle, None).await, ErrorCode::NotFound);
        assert_eq!(actor.account(remote).await.reserved, 50_000);
        let state = remote.blob_state(&access, &used, &blob.blob).await.expect("a state");
        assert_eq!((state.stored, state.complete), (0, false));
    }
}

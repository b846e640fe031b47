//! What is tried again, how often, and what never is.

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anonicloud_client::remote::{
        BlobPart, HttpRemote, Patience, Remote as _, RemoteError, Retry, ServerAddress, SessionToken, SpaceAccess,
    };
    use anonicloud_proto::api::{AddDevice, Base64, ErrorCode, LoginFinish, NewDevice};
    use anonicloud_proto::hash::{ChainHash, StoredHash};
    use anonicloud_proto::ids::{BlobId, DeviceId, SpaceId, UploadId};
    use anonicloud_testkit::scripted_server::{Act, ScriptedServer};

    const REALM: &str = r#"{"realm":"00112233445566778899aabbccddeeff","api_versions":["1"],"quota":1000}"#;
    const UPLOAD: UploadId = UploadId::from_bytes([3; 16]);
    /// Far more than a few tries take; no test waits for its end.
    const A_MINUTE: Duration = Duration::from_mins(1);

    const fn lost() -> Act {
        Act::Close(Vec::new())
    }

    fn remote_of(server: &ScriptedServer, patience: Duration) -> Retry<HttpRemote> {
        let address = ServerAddress { url: format!("http://{}", server.address()), ca_file: None };
        Retry::new(HttpRemote::new(&address, Patience::default()).unwrap(), patience)
    }

    fn token() -> SessionToken {
        SessionToken::new(&[7; 32])
    }

    fn access() -> SpaceAccess {
        SpaceAccess { space: SpaceId::from_bytes([4; 32]), token: token() }
    }

    fn bytes() -> Vec<u8> {
        (0..600_000_u32).map(|number| number.to_le_bytes()[1] ^ number.to_le_bytes()[0]).collect()
    }

    fn part(offset: u64) -> BlobPart {
        let (blob, hash) = (BlobId::from_bytes([1; 32]), StoredHash::from_bytes([2; 32]));
        BlobPart { blob, offset, size: offset + 600_000, hash, bytes: bytes().into() }
    }

    fn stored(stored: u64, complete: bool) -> Act {
        let blob = BlobId::from_bytes([1; 32]);
        Act::ok(200, format!(r#"{{"blob":"{blob}","stored":{stored},"complete":{complete}}}"#))
    }

    fn progress(stored: u64) -> Act {
        Act::ok(200, format!(r#"{{"stored":{stored},"complete":true}}"#))
    }

    #[tokio::test]
    async fn what_passes_is_tried_again() {
        let script =
            [lost(), Act::refusal(503, "unavailable"), Act::refusal(429, "too_many_requests"), Act::ok(200, REALM)];
        let server = ScriptedServer::start(script).await;
        assert_eq!(remote_of(&server, A_MINUTE).realm().await.unwrap().quota, 1000);
    }

    #[tokio::test]
    async fn without_patience_nothing_is_tried_again() {
        let server = ScriptedServer::start([lost(), Act::ok(200, REALM), lost()]).await;
        let remote = remote_of(&server, Duration::ZERO);
        assert!(matches!(remote.realm().await, Err(RemoteError::Unreachable(_))));
        assert_eq!(server.recorded().len(), 1);
        remote.realm().await.unwrap();
        let sent = remote.put_blob(&access(), &UPLOAD, part(0)).await;
        assert!(matches!(sent, Err(RemoteError::Unreachable(_))));
        assert_eq!(server.recorded().len(), 3);
    }

    #[tokio::test]
    async fn what_does_not_pass_is_not_tried_again() {
        for act in [Act::refusal(500, "internal"), Act::refusal(507, "storage_full"), Act::ok(200, "garbage")] {
            let server = ScriptedServer::start([act, Act::ok(200, REALM)]).await;
            remote_of(&server, A_MINUTE).realm().await.unwrap_err();
            assert_eq!(server.recorded().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_pending_login_is_used_once() {
        let server = ScriptedServer::start([lost(), Act::refusal(401, "login_failed")]).await;
        let request = LoginFinish { login: Base64::new(vec![1]), ke3: Base64::new(vec![2]) };
        let answer = remote_of(&server, A_MINUTE).login_finish(&request).await;
        assert!(matches!(answer, Err(RemoteError::Unreachable(_))), "{answer:?}");
        assert_eq!(server.recorded().len(), 1);
    }

    #[tokio::test]
    async fn an_end_whose_answer_was_lost_is_an_end() {
        let expired = || Act::refusal(401, "session_expired");
        let gone = || Act::refusal(404, "not_found");
        let server = ScriptedServer::start([lost(), expired(), expired(), lost(), gone(), gone()]).await;
        let remote = remote_of(&server, A_MINUTE);
        remote.logout(&token()).await.unwrap();
        // The same word as a first answer is a refusal.
        assert_eq!(remote.logout(&token()).await.unwrap_err().code(), Some(ErrorCode::SessionExpired));
        remote.end_upload(&access(), &UPLOAD).await.unwrap();
        assert_eq!(remote.end_upload(&access(), &UPLOAD).await.unwrap_err().code(), Some(ErrorCode::NotFound));
    }

    #[tokio::test]
    async fn a_link_whose_answer_was_lost_is_found_in_the_chain() {
        let moved = || Act::refusal(409, "sigchain_moved");
        let chain = |link: &str| Act::ok(200, format!(r#"{{"links":["AAAA","{link}"]}}"#));
        let end = || Act::ok(200, r#"{"links":[]}"#);
        let script = [lost(), moved(), chain("BQUF"), end(), lost(), moved(), chain("BQUG"), end(), moved()];
        let server = ScriptedServer::start(script).await;
        let remote = remote_of(&server, A_MINUTE);
        let device = NewDevice { device: DeviceId::from_bytes([1; 16]), auth_public_key: Base64::new(vec![0; 32]) };
        let request = AddDevice { device, prev: ChainHash::ZERO, link: Base64::new(vec![5; 3]) };
        remote.add_device(&token(), &request).await.unwrap();
        for sent in [8, 9] {
            let answer = remote.add_device(&token(), &request).await.unwrap_err();
            assert_eq!(answer.code(), Some(ErrorCode::SigchainMoved));
            assert_eq!(server.recorded().len(), sent);
        }
    }

    #[tokio::test]
    async fn a_blob_that_was_cut_goes_on_where_the_server_stopped() {
        let script = [Act::CutBody(300_000), stored(10 + 65_536, false), progress(600_010)];
        let server = ScriptedServer::start(script).await;
        let done = remote_of(&server, A_MINUTE).put_blob(&access(), &UPLOAD, part(10)).await.unwrap();
        assert_eq!((done.stored, done.complete), (600_010, true));
        let recorded = server.recorded();
        assert!(recorded[1].head.starts_with("GET "), "{}", recorded[1].head);
        let line = format!("?offset=65546&size=600010&hash={}", "02".repeat(32));
        assert!(recorded[2].head.contains(&line), "{}", recorded[2].head);
        assert!(recorded[2].body == bytes()[65_536..], "the rest and nothing else");
    }

    #[tokio::test]
    async fn a_blob_that_is_complete_is_not_sent_again() {
        let server = ScriptedServer::start([lost(), stored(600_000, true)]).await;
        let done = remote_of(&server, A_MINUTE).put_blob(&access(), &UPLOAD, part(0)).await.unwrap();
        assert_eq!((done.stored, done.complete), (600_000, true));
    }

    #[tokio::test]
    async fn a_server_that_forgot_what_came_before_says_so_itself() {
        let script = [lost(), stored(0, false), Act::refusal(409, "offset_mismatch")];
        let server = ScriptedServer::start(script).await;
        let answer = remote_of(&server, A_MINUTE).put_blob(&access(), &UPLOAD, part(10)).await.unwrap_err();
        assert_eq!(answer.code(), Some(ErrorCode::OffsetMismatch));
        assert!(server.recorded()[2].body == bytes(), "the whole part again");
    }

    #[tokio::test]
    async fn a_server_that_claims_more_than_there_is_takes_nothing_down() {
        let script = [lost(), stored(u64::MAX, false), Act::refusal(422, "blob_mismatch")];
        let server = ScriptedServer::start(script).await;
        let answer = remote_of(&server, A_MINUTE).put_blob(&access(), &UPLOAD, part(10)).await.unwrap_err();
        assert_eq!(answer.code(), Some(ErrorCode::BlobMismatch));
        assert!(server.recorded()[2].body.is_empty());
    }
}

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

    /// The first `sent` bytes of an answer with the bytes from `start` on, and the end of the connection.
    fn cut_answer(status: u16, start: usize, sent: usize) -> Act {
        let bytes = &bytes()[start..];
        let mut answer = format!("HTTP/1.1 {status} Fine\r\ncontent-length: {}\r\n\r\n", bytes.len()).into_bytes();
        answer.extend_from_slice(&bytes[..sent]);
        Act::Close(answer)
    }

    fn ranges(server: &ScriptedServer) -> Vec<Option<String>> {
        let range = |head: &str| head.lines().find_map(|line| line.strip_prefix("range: bytes=")).map(str::to_owned);
        server.recorded().iter().map(|request| range(&request.head)).collect()
    }

    #[tokio::test]
    async fn a_blob_that_was_cut_on_its_way_down_goes_on_inside_itself() {
        let script = [
            lost(),
            cut_answer(200, 0, 0),
            cut_answer(200, 0, 100_000),
            lost(),
            Act::refusal(503, "unavailable"),
            cut_answer(206, 100_000, 1),
            cut_answer(206, 100_001, 499_998),
            Act::ok(206, &bytes()[599_999..]),
        ];
        let server = ScriptedServer::start(script).await;
        let remote = remote_of(&server, A_MINUTE);
        let got = remote.get_blob(&access(), &BlobId::from_bytes([1; 32]), None).await.unwrap();
        assert!(got == bytes());
        let rest = |start: usize| Some(format!("{start}-599999"));
        let asked = [None, None, None, rest(100_000), rest(100_000), rest(100_000), rest(100_001), rest(599_999)];
        assert_eq!(ranges(&server), asked);
    }

    #[tokio::test]
    async fn a_part_of_a_blob_that_was_cut_goes_on_inside_itself() {
        let part = &bytes()[1000..3000];
        let cut = [b"HTTP/1.1 206 Fine\r\ncontent-length: 2000\r\n\r\n", &part[..500]].concat();
        let server = ScriptedServer::start([Act::Close(cut), Act::ok(206, &part[500..])]).await;
        let remote = remote_of(&server, A_MINUTE);
        let got = remote.get_blob(&access(), &BlobId::from_bytes([1; 32]), Some(1000..3000)).await.unwrap();
        assert!(got == part);
        assert_eq!(ranges(&server), [Some("1000-2999".to_owned()), Some("1500-2999".to_owned())]);
    }

    #[tokio::test]
    async fn the_rest_of_a_blob_is_nothing_else_than_what_was_asked_for() {
        for (wrong, whole) in [(200, 0), (206, 0), (206, 500_001)] {
            let script = [cut_answer(200, 0, 100_000), Act::ok(wrong, &bytes()[whole..])];
            let server = ScriptedServer::start(script).await;
            let got = remote_of(&server, A_MINUTE).get_blob(&access(), &BlobId::from_bytes([1; 32]), None).await;
            assert!(matches!(got, Err(RemoteError::Malformed { .. })), "{wrong} {whole}");
        }
    }

    #[tokio::test]
    async fn bytes_of_no_announced_length_are_asked_for_anew() {
        let chunk = Act::Close(b"HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n".to_vec());
        let server = ScriptedServer::start([chunk, Act::ok(200, bytes())]).await;
        let got = remote_of(&server, A_MINUTE).get_blob(&access(), &BlobId::from_bytes([1; 32]), None).await.unwrap();
        assert!(got == bytes());
        assert_eq!(ranges(&server), [None, None]);
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

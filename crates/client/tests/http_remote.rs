//! The HTTP client against servers that misbehave: each fault has its own error, and none takes memory.

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::Duration;

    use anonicloud_client::remote::{
        BlobPart, HttpRemote, Patience, Remote as _, RemoteError, RemoteResult, ServerAddress, SessionToken,
        SpaceAccess,
    };
    use anonicloud_proto::api::{ErrorCode, RealmAnswer};
    use anonicloud_proto::hash::StoredHash;
    use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
    use anonicloud_testkit::scripted_server::{Act, ScriptedServer};
    use anonicloud_testkit::tls::SelfSigned;
    use bytes::Bytes;
    use rustls::version::{TLS12, TLS13};
    use rustls::{NamedGroup, ProtocolVersion};

    const REALM: &str = r#"{"realm":"00112233445566778899aabbccddeeff","api_versions":["1"],"quota":1000}"#;
    const SHORT: Patience = Patience { connect: Duration::from_millis(100), idle: Duration::from_millis(100) };

    fn connect(url: String, ca_file: Option<PathBuf>, patience: Patience) -> HttpRemote {
        HttpRemote::new(&ServerAddress { url, ca_file }, patience).unwrap()
    }

    fn remote_of(server: &ScriptedServer) -> HttpRemote {
        connect(format!("http://{}", server.address()), None, Patience::default())
    }

    fn access() -> SpaceAccess {
        SpaceAccess { space: SpaceId::from_bytes([0x5a; 32]), token: SessionToken::new(&[0xff; 32]) }
    }

    /// What asking for the realm gives when the server does this.
    async fn realm_after(act: Act) -> RemoteResult<RealmAnswer> {
        let server = ScriptedServer::start([act]).await;
        remote_of(&server).realm().await
    }

    #[tokio::test]
    async fn a_request_says_what_the_api_asks_for_and_no_more() {
        let server = ScriptedServer::start([Act::ok(200, REALM), Act::ok(206, [1, 2, 3])]).await;
        let remote = connect(format!("http://{}/ours/", server.address()), None, Patience::default());
        assert_eq!(remote.realm().await.unwrap().quota, 1000);
        let blob = BlobId::from_bytes([0xb1; 32]);
        assert_eq!(remote.get_blob(&access(), &blob, Some(5..8)).await.unwrap(), [1, 2, 3].as_slice());
        let recorded = server.recorded();
        let host = server.address();
        let lines = |number: usize| {
            let mut lines: Vec<String> = recorded[number].head.trim_end().lines().map(str::to_owned).collect();
            lines[1..].sort();
            lines
        };
        assert_eq!(
            lines(0),
            ["GET /ours/v1/realm HTTP/1.1", "accept: */*", "anonicloud-api: 1", &format!("host: {host}")]
        );
        let (space, blob) = ("5a".repeat(32), "b1".repeat(32));
        let token = format!("authorization: Bearer {}8", "_".repeat(42));
        assert_eq!(
            lines(1),
            [
                &format!("GET /ours/v1/spaces/{space}/blobs/{blob} HTTP/1.1"),
                "accept: */*",
                "anonicloud-api: 1",
                &token,
                &format!("host: {host}"),
                "range: bytes=5-7",
            ]
        );
    }

    #[tokio::test]
    async fn a_blob_is_sent_whole_with_its_length() {
        let progress = Act::ok(200, r#"{"stored":700010,"complete":true}"#);
        let server = ScriptedServer::start([progress]).await;
        let bytes: Vec<u8> = (0..700_000_u32).map(|number| number.to_le_bytes()[1]).collect();
        let part = BlobPart {
            blob: BlobId::from_bytes([1; 32]),
            offset: 10,
            size: 700_010,
            hash: StoredHash::from_bytes([2; 32]),
            bytes: bytes.clone().into(),
        };
        let done = remote_of(&server).put_blob(&access(), &UploadId::from_bytes([3; 16]), part).await.unwrap();
        assert_eq!((done.stored, done.complete), (700_010, true));
        let recorded = server.recorded().remove(0);
        assert!(recorded.body == bytes, "the body arrives as it is");
        let query = format!("?offset=10&size=700010&hash={} HTTP/1.1\r\n", "02".repeat(32));
        assert!(recorded.head.contains(&query), "{}", recorded.head);
        assert!(!recorded.head.contains("transfer-encoding"), "{}", recorded.head);
    }

    #[tokio::test]
    async fn requests_of_an_account_and_of_a_space_never_share_a_connection() {
        let head = Act::refusal(404, "not_found");
        let script = [Act::ok(200, REALM), head.clone(), Act::ok(200, REALM), head];
        let server = ScriptedServer::start(script).await;
        let remote = remote_of(&server);
        for _ in 0..2 {
            remote.realm().await.unwrap();
            remote.head(&access()).await.unwrap_err();
        }
        let connections: Vec<usize> = server.recorded().iter().map(|request| request.connection).collect();
        assert_eq!(connections, [0, 1, 0, 1], "kept alive, each for its own kind");
    }

    #[tokio::test]
    async fn a_refusal_is_shown_without_what_would_move_a_cursor() {
        let body = r#"{"error":{"code":"quota_exceeded","message":"full\u001b[2J\r\n up","hint":"HINT"}}"#;
        let body = body.replace("HINT", &"h".repeat(5000));
        match realm_after(Act::ok(413, body)).await {
            Err(RemoteError::Refused { code: ErrorCode::QuotaExceeded, message, hint, .. }) => {
                assert_eq!(message, "full[2J up");
                assert_eq!(hint, "h".repeat(400));
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn answers_of_another_form_are_malformed() {
        let redirect = b"HTTP/1.1 307 Elsewhere\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n";
        for (name, act) in [
            ("garbage", Act::ok(200, [0xff, 0, 1])),
            ("nothing", Act::ok(200, "")),
            ("another form", Act::ok(200, r#"{"realm":1}"#)),
            ("a field too many", Act::ok(200, REALM.replace('{', r#"{"more":1,"#))),
            ("cut by its length", Act::ok(200, REALM.trim_end_matches('}'))),
            ("a redirect", Act::Answer(redirect.to_vec())),
            ("an unknown code", Act::refusal(400, "a_code_of_tomorrow")),
            ("a refusal in HTML", Act::ok(404, "<html>")),
            ("a long refusal", Act::ok(500, vec![b'x'; 100_000])),
        ] {
            let answer = realm_after(act).await;
            assert!(matches!(answer, Err(RemoteError::Malformed { .. })), "{name}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn a_proxy_whose_server_is_away_is_worth_another_try() {
        for status in [502, 503, 504] {
            let answer = realm_after(Act::ok(status, "<html>")).await.unwrap_err();
            assert_eq!(answer.code(), Some(ErrorCode::Unavailable));
            assert!(answer.is_transient());
        }
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_unreachable() {
        let cut = format!("HTTP/1.1 200 Fine\r\ncontent-length: {}\r\n\r\n{REALM}", REALM.len() + 1);
        for (name, act) in [
            ("before the answer", Act::Close(Vec::new())),
            ("in the headers", Act::Close(b"HTTP/1.1 200 Fine\r\ncontent-le".to_vec())),
            ("in the body", Act::Close(cut.into_bytes())),
            ("in a chunk", Act::Close(b"HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{".to_vec())),
            ("not HTTP", Act::Close(b"220 mail.example ESMTP\r\n".to_vec())),
        ] {
            let answer = realm_after(act).await.unwrap_err();
            assert!(matches!(answer, RemoteError::Unreachable(_)), "{name}: {answer:?}");
        }
        let nobody = ScriptedServer::start([]).await.address();
        let answer = connect(format!("http://{nobody}"), None, Patience::default()).realm().await.unwrap_err();
        assert!(matches!(answer, RemoteError::Unreachable(_)), "{answer:?}");
        let shown = format!("{answer:?}");
        assert!(!shown.contains("v1/realm"), "the address is not repeated: {shown}");
    }

    #[tokio::test]
    async fn a_server_that_stops_is_not_waited_for() {
        for sent in ["", "HTTP/1.1 200 Fine\r\ncontent-", "HTTP/1.1 200 Fine\r\ncontent-length: 90\r\n\r\n{"] {
            let server = ScriptedServer::start([Act::Stall(sent.into())]).await;
            let remote = connect(format!("http://{}", server.address()), None, SHORT);
            let answer = remote.realm().await;
            assert!(matches!(answer, Err(RemoteError::Unreachable(_))), "{sent:?}: {answer:?}");
        }
        // Whoever accepts and then says nothing: the TLS handshake does not end.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let answer = connect(format!("https://{}", silent.local_addr().unwrap()), None, SHORT).realm().await;
        assert!(matches!(answer, Err(RemoteError::Unreachable(_))), "{answer:?}");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_left_early() {
        let endless = |head: &str| Act::Endless(format!("HTTP/1.1 {head}\r\n\r\n").into_bytes());
        let announced = "200 Fine\r\ncontent-length: 99999999999";
        let heads = [announced, "200 Fine", "500 Bad\r\ncontent-length: 99999999999", "200 Fine\r\nanonicloud: "];
        for head in heads {
            let server = ScriptedServer::start([endless(head), endless(head), endless(head), endless(head)]).await;
            let remote = remote_of(&server);
            let blob = BlobId::from_bytes([1; 32]);
            assert!(remote.realm().await.is_err());
            assert!(remote.log(&access(), 0).await.is_err());
            assert!(remote.get_blob(&access(), &blob, None).await.is_err());
            assert!(remote.get_blob(&access(), &blob, Some(0..10)).await.is_err());
            drop(remote);
            // The caps are 11 MiB together; the rest lies in the buffers of four connections.
            assert!(server.zeros_sent() < 64 << 20, "{head}: {}", server.zeros_sent());
        }
    }

    #[tokio::test]
    async fn a_part_of_another_length_is_malformed() {
        let whole = [Act::ok(200, vec![0; 100]), Act::ok(200, [0; 10])];
        let answers =
            [Act::ok(206, [0; 9]), Act::ok(206, [0; 11])].into_iter().chain(whole).chain([Act::ok(206, [0; 10])]);
        let server = ScriptedServer::start(answers).await;
        let remote = remote_of(&server);
        let blob = BlobId::from_bytes([1; 32]);
        for _ in 0..4 {
            let answer = remote.get_blob(&access(), &blob, Some(0..10)).await;
            assert!(matches!(answer, Err(RemoteError::Malformed { .. })), "{answer:?}");
        }
        assert_eq!(remote.get_blob(&access(), &blob, Some(0..10)).await.unwrap(), [0; 10].as_slice());
        // Neither of these is asked for: the script has ended.
        assert_eq!(remote.get_blob(&access(), &blob, Some(7..7)).await.unwrap(), Bytes::new());
        let answer = remote.get_blob(&access(), &blob, Some(0..u64::MAX)).await;
        assert!(matches!(answer, Err(RemoteError::Malformed { .. })), "{answer:?}");
    }

    #[tokio::test]
    async fn garbage_where_commits_should_be_is_malformed() {
        for body in [vec![0; 10], vec![0xff; 3000]] {
            let server = ScriptedServer::start([Act::ok(200, &body), Act::ok(200, &body), Act::ok(200, "")]).await;
            let remote = remote_of(&server);
            assert!(matches!(remote.head(&access()).await, Err(RemoteError::Malformed { .. })));
            assert!(matches!(remote.log(&access(), 0).await, Err(RemoteError::Malformed { .. })));
            assert_eq!(remote.log(&access(), 0).await.unwrap(), []);
        }
    }

    /// What asking for the realm over TLS gives, and the server that was asked.
    async fn realm_over_tls(
        shown: &SelfSigned,
        trusted: Option<&SelfSigned>,
    ) -> (RemoteResult<RealmAnswer>, ScriptedServer) {
        let server = ScriptedServer::start_tls([Act::ok(200, REALM)], Arc::clone(&shown.config)).await;
        let dir = tempfile::tempdir().unwrap();
        let ca_file = trusted.map(|certificate| {
            let path = dir.path().join("ca.pem");
            fs_err::write(&path, &certificate.pem).unwrap();
            path
        });
        let remote = connect(format!("https://{}", server.address()), ca_file, Patience::default());
        (remote.realm().await, server)
    }

    #[tokio::test]
    async fn tls_is_1_3_with_the_hybrid_key_exchange() {
        let certificate = SelfSigned::make("127.0.0.1", &[&TLS12, &TLS13]);
        let (answer, server) = realm_over_tls(&certificate, Some(&certificate)).await;
        assert_eq!(answer.unwrap().quota, 1000);
        let agreed = server.recorded()[0].tls;
        assert_eq!(agreed, Some((ProtocolVersion::TLSv1_3, NamedGroup::X25519MLKEM768)));
    }

    #[tokio::test]
    async fn older_tls_is_refused() {
        let certificate = SelfSigned::make("127.0.0.1", &[&TLS12]);
        let (answer, server) = realm_over_tls(&certificate, Some(&certificate)).await;
        assert!(matches!(answer, Err(RemoteError::Malformed { .. })), "{answer:?}");
        assert!(server.recorded().is_empty());
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_trusted_vouches_for_is_refused() {
        let certificate = SelfSigned::make("127.0.0.1", &[&TLS13]);
        let another = SelfSigned::make("127.0.0.1", &[&TLS13]);
        let elsewhere = SelfSigned::make("cloud.example", &[&TLS13]);
        for (name, shown, trusted) in [
            ("by the system's", &certificate, None),
            ("by the file's", &certificate, Some(&another)),
            ("for another host", &elsewhere, Some(&elsewhere)),
        ] {
            let (answer, server) = realm_over_tls(shown, trusted).await;
            assert!(matches!(answer, Err(RemoteError::Certificate(_))), "{name}: {answer:?}");
            assert!(server.recorded().is_empty(), "nothing was sent");
        }
    }

    #[tokio::test]
    async fn https_to_a_server_without_tls_is_malformed() {
        let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", plain.local_addr().unwrap());
        let answering = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt as _;
            let (mut stream, _) = plain.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            stream
        });
        let answer = connect(url, None, Patience::default()).realm().await;
        assert!(matches!(answer, Err(RemoteError::Malformed { .. })), "{answer:?}");
        drop(answering.await.unwrap());
    }
}

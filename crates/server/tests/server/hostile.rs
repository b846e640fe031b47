//! Bytes from nobody's client: every route, every part of a request.

use std::time::Duration;

use anonicloud_proto::api::{ErrorBody, ErrorCode};
use reqwest::{Method, RequestBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::actor::Actor;
use crate::process::{Server, bearer, refusal, refused};
use crate::space::Blob;

/// Every route as the server's own description of itself names it.
fn routes() -> Vec<(Method, String)> {
    let document = include_str!("../../../../docs/spec/openapi.json");
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            routes.push((method, path.clone()));
        }
    }
    assert!(routes.len() >= 25, "{}", routes.len());
    routes
}

#[tokio::test]
async fn garbage_on_every_route_is_refused_and_never_fails_or_hangs() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let account = bearer(&alice.login(&server).await.unwrap().token);
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 16 << 10);
    space.send(&server, upload, &blob).await;
    let ids = [("{space}", space.id.to_string()), ("{upload}", upload.to_string()), ("{blob}", blob.id.to_string())];
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 8] = [
        b"",
        b"\0\xff\xfe garbage",
        b"{}",
        b"null",
        b"{\"handle\":1}",
        b"{\"account\":\"zz\",\"handle\":\"abc\",\"request\":\"!!\"}",
        deep.as_bytes(),
        &[0xff; 5000],
    ];
    let queries = ["", "?", "?offset=-1&size=x&hash=y", "?from=99999999999999999999", "?after=%ff%00"];
    let tokens = [None, Some("garbage"), Some(&space.token), Some(&account)];
    let logout = (Method::POST, "/v1/logout".to_owned());
    for (method, path) in routes().into_iter().filter(|route| *route != logout) {
        let fill = |with: &dyn Fn(&str) -> String| {
            ids.iter().fold(path.clone(), |path, (name, id)| path.replace(name, &with(id)))
        };
        for path in [fill(&str::to_owned), fill(&|_| "%00%ff..".to_owned())] {
            for (query, token) in queries.iter().flat_map(|q| tokens.map(|token| (q, token))) {
                for body in bodies {
                    let request = server.request(method.clone(), &format!("{path}{query}"));
                    let request = match token {
                        Some(token) => request.bearer_auth(token),
                        None => request,
                    };
                    refuse_or_answer(request.body(body.to_vec())).await;
                }
            }
        }
    }
}

/// Sends a request that may succeed or be refused, but neither fail nor hang.
async fn refuse_or_answer(request: RequestBuilder) {
    let sent = timeout(Duration::from_secs(20), request.send()).await;
    let response = sent.expect("an answer").unwrap();
    let (status, url) = (response.status().as_u16(), response.url().clone());
    let text = response.bytes().await.unwrap();
    assert!(status < 500, "{url}: {status}");
    if status >= 400 {
        let refusal = serde_json::from_slice::<ErrorBody>(&text);
        assert!(refusal.is_ok(), "{url}: {status}");
    }
}

#[tokio::test]
async fn requests_without_the_version_an_address_or_a_method_are_told_so() {
    let server = Server::start().await;
    for version in [None, Some("0"), Some("2"), Some("1, 1"), Some("")] {
        let mut request = reqwest::Client::new().get(format!("{}/v1/realm", server.url));
        if let Some(version) = version {
            request = request.header("anonicloud-api", version);
        }
        assert_eq!(refused(request).await, ErrorCode::ApiVersionUnsupported);
    }
    for path in ["/", "/v1", "/v1/nothing", "/v1/spaces", "/v2/realm", "/v1/realm/"] {
        let response = server.get(path).send().await.unwrap();
        let (status, code) = refusal(response).await;
        assert_eq!((status.as_u16(), code), (404, ErrorCode::NotFound), "{path}");
    }
    let response = server.delete("/v1/realm").send().await.unwrap();
    let (status, code) = refusal(response).await;
    assert_eq!((status.as_u16(), code), (405, ErrorCode::MethodNotAllowed));
}

#[tokio::test]
async fn bodies_and_headers_over_their_limits_are_refused() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let json = |length: usize| server.post("/v1/login/start").body(vec![b' '; length]);
    assert_eq!(refused(json(256 << 10)).await, ErrorCode::BadRequest);
    assert_eq!(refused(json((256 << 10) + 1)).await, ErrorCode::TooLarge);
    // With no announced length the limit holds as well.
    let pieces = futures::stream::iter((0..300).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
    let chunked = server.post("/v1/login/start").body(reqwest::Body::wrap_stream(pieces));
    assert_eq!(refused(chunked).await, ErrorCode::TooLarge);
    let commit = server.post(&space.path("commits")).bearer_auth(&space.token);
    let commit = commit.body(vec![0; (48 << 20) + 1]);
    let response = commit.send().await;
    // So much is left unread that the connection may end before the answer is read.
    if let Ok(response) = response {
        assert_eq!(refusal(response).await.1, ErrorCode::TooLarge);
    }
    let long = server.get("/v1/realm").header("x-long", "a".repeat(20 << 10));
    let response = long.send().await;
    assert!(response.is_err_and(|error| error.is_request()) || true_431(&server).await);
}

/// Whether a long header block is answered with 431 and the end of the connection.
async fn true_431(server: &Server) -> bool {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!("GET /v1/realm HTTP/1.1\r\nx-long: {}\r\n\r\n", "a".repeat(20 << 10));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    answer.starts_with(b"HTTP/1.1 431")
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 10 << 20).await;
    let blob = Blob::new(1, 5 << 20);
    space.send(&server, upload, &blob).await;
    for _ in 0..20 {
        // Complete already: answered before the body is read.
        space.send(&server, upload, &blob).await;
        let stale = server.put(&space.path(&blob.put_path(upload, 0))).bearer_auth("AAAA").body(blob.bytes.clone());
        assert_eq!(refused(stale).await, ErrorCode::SessionExpired);
    }
}

//! Answers that come in pages: joined, and never longer than the API allows.

#[cfg(test)]
mod tests {
    use anonicloud_client::remote::{
        HttpRemote, Patience, Remote as _, RemoteError, RemoteResult, ServerAddress, SessionToken,
    };
    use anonicloud_proto::api::{Base64, SigchainAnswer};
    use anonicloud_testkit::scripted_server::{Act, ScriptedServer};

    fn page(links: &[Vec<u8>]) -> Act {
        let links = links.iter().cloned().map(Base64::new).collect();
        Act::ok(200, serde_json::to_vec(&SigchainAnswer { links }).unwrap())
    }

    async fn sigchain(server: &ScriptedServer) -> RemoteResult<SigchainAnswer> {
        let address = ServerAddress { url: format!("http://{}", server.address()), ca_file: None };
        let remote = HttpRemote::new(&address, Patience::default()).unwrap();
        remote.sigchain(&SessionToken::new(&[1; 32])).await
    }

    #[tokio::test]
    async fn a_sigchain_is_asked_for_until_a_page_is_empty() {
        let links: Vec<Vec<u8>> = (0..5).map(|number| vec![number; 10]).collect();
        let server = ScriptedServer::start([page(&links[..3]), page(&links[3..]), page(&[])]).await;
        let chain = sigchain(&server).await.unwrap();
        assert_eq!(chain.links, links.into_iter().map(Base64::new).collect::<Vec<_>>());
        let asked: Vec<String> =
            server.recorded().iter().map(|request| request.head.lines().next().unwrap().to_owned()).collect();
        let path = |from: u8| format!("GET /v1/account/sigchain?from={from} HTTP/1.1");
        assert_eq!(asked, [path(0), path(3), path(5)]);
    }

    #[tokio::test]
    async fn a_sigchain_without_an_end_is_malformed() {
        for (links, pages) in [(vec![vec![0; 1 << 20]; 4], 17), (vec![vec![0]; 1 << 12], 3)] {
            let server = ScriptedServer::start((0..pages).map(|_| page(&links))).await;
            let error = sigchain(&server).await.unwrap_err();
            assert!(matches!(error, RemoteError::Malformed { what } if what.contains("sigchain")), "{error:?}");
        }
    }
}

//! What a server may ask of a client at its door, and what not.

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anonicloud_client::OperationError;
    use anonicloud_client::remote::{HttpRemote, Patience, Remote as _, ServerAddress};
    use anonicloud_client::session::{Credentials, login};
    use anonicloud_client::state::{DeviceKey, SealedState};
    use anonicloud_testkit::memory_state::MemoryState;
    use anonicloud_testkit::scripted_server::{Act, ScriptedServer};
    use zeroize::Zeroizing;

    const REALM: &str = r#"{"realm":"00112233445566778899aabbccddeeff","api_versions":["1"],"quota":1000}"#;

    fn puzzle(bits: u32) -> Act {
        Act::ok(200, format!(r#"{{"puzzle":"AAAA","bits":{bits}}}"#))
    }

    /// Why a login ends at a server that answers by this script, and the requests that it took.
    async fn login_fails(script: impl IntoIterator<Item = Act>) -> (OperationError, Vec<String>) {
        let server = ScriptedServer::start([Act::ok(200, REALM)].into_iter().chain(script)).await;
        let address = ServerAddress { url: format!("http://{}", server.address()), ca_file: None };
        let remote = HttpRemote::new(&address, Patience::default()).unwrap();
        let state = SealedState::new(MemoryState::default(), &DeviceKey::copy_of(&[1; 32]));
        let password = Zeroizing::new("seven quiet otters juggle warm lanterns".to_owned());
        let credentials = Credentials { handle: "alice".to_owned(), password, account_key: None };
        let error = login(remote, state, &address, credentials).await.unwrap_err();
        let path = |head: &str| head.split(' ').nth(1).unwrap().to_owned();
        (error, server.recorded().iter().map(|request| path(&request.head)).collect())
    }

    #[tokio::test]
    async fn no_puzzle_is_solved_that_is_too_hard() {
        // 65 bytes, all of which each try would hash.
        let long = Act::ok(200, format!(r#"{{"puzzle":"{}","bits":1}}"#, "A".repeat(87)));
        for drawn in [puzzle(25), long] {
            let (error, paths) = login_fails([Act::refusal(403, "puzzle_required"), drawn]).await;
            assert!(matches!(error, OperationError::PuzzleTooHard), "{error:?}");
            assert_eq!(paths, ["/v1/realm", "/v1/login/start", "/v1/puzzle"]);
        }
    }

    #[tokio::test]
    async fn a_server_that_always_wants_another_puzzle_is_given_up() {
        let again = || [Act::refusal(403, "puzzle_required"), puzzle(4)];
        let script = [again(), again(), again(), again()].into_iter().flatten();
        let (error, paths) = login_fails(script).await;
        assert_eq!(error.code(), "puzzle_required");
        assert_eq!(paths.iter().filter(|path| *path == "/v1/puzzle").count(), 3);
    }

    #[tokio::test]
    async fn a_number_of_seconds_is_taken_for_when_to_come_again() {
        let body = r#"{"error":{"code":"too_many_requests","message":"m","hint":"h"}}"#;
        let times = [("5", Some(5)), ("-1", None), ("Mon, 30 Nov 2026 00:00:00 GMT", None), ("99999999999", None)];
        for (text, seconds) in times {
            let answer =
                format!("HTTP/1.1 429 No\r\nretry-after: {text}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let server = ScriptedServer::start([Act::Answer(answer.into_bytes())]).await;
            let address = ServerAddress { url: format!("http://{}", server.address()), ca_file: None };
            let remote = HttpRemote::new(&address, Patience::default()).unwrap();
            let error = remote.realm().await.unwrap_err();
            assert_eq!(error.retry_after(), seconds.map(Duration::from_secs), "{text}");
        }
    }
}

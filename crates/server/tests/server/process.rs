//! The server as a child process in a folder of its own, and requests to it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use anonicloud_proto::api::{Base64, ErrorBody, ErrorCode};
use data_encoding::BASE64URL_NOPAD;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    folder: Arc<TempDir>,
    client: Client,
}

impl Server {
    /// A server over plain HTTP in a new folder.
    pub(crate) async fn start() -> Self {
        Self::start_with(Arc::new(tempfile::tempdir().unwrap()), &[]).await
    }

    /// A server in this folder with more arguments.
    pub(crate) async fn start_with(folder: Arc<TempDir>, arguments: &[&str]) -> Self {
        let mut child = command(folder.path(), arguments).spawn().unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut line).await.unwrap();
        let url = line
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("not ready: {:?}", fs_err::read_to_string(log(&folder))))
            .trim_end()
            .to_owned();
        Self { child, url, folder, client: Client::builder().no_proxy().build().unwrap() }
    }

    /// A server over TLS, and a client that trusts it.
    pub(crate) async fn start_tls() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        fs_err::write(&certificate, made.cert.pem()).unwrap();
        fs_err::write(&key, made.signing_key.serialize_pem()).unwrap();
        let arguments = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        let mut server = Self::start_with(folder, &arguments).await;
        let trusted = Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([trusted]);
        server.client = client.build().unwrap();
        server
    }

    /// Kills the server with SIGKILL and starts another in the same folder.
    pub(crate) async fn kill_and_restart(mut self) -> Self {
        self.child.kill().await.unwrap();
        Self::start_with(Arc::clone(&self.folder), &[]).await
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for the end of the process.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// The folder that holds the data folder and the log.
    pub(crate) fn folder(&self) -> &Arc<TempDir> {
        &self.folder
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All that was logged so far.
    pub(crate) fn log(&self) -> String {
        fs_err::read_to_string(log(&self.folder)).unwrap()
    }

    /// A request with the API version.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("anonicloud-api", "1")
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub(crate) fn put(&self, path: &str) -> RequestBuilder {
        self.request(Method::PUT, path)
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }
}

/// The command that serves the folder's `data`, logging beside it.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anonicloud-server"));
    let log = fs_err::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    command
        .args(["serve", "--log", "debug", "--sign-up", "open", "--listen", "127.0.0.1:0"])
        .arg("--data-dir")
        .arg(folder.join("data"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.into_file())
        .kill_on_drop(true);
    command
}

fn log(folder: &TempDir) -> PathBuf {
    folder.path().join("log")
}

/// Sends a request that must succeed with this status, and reads its JSON.
pub(crate) async fn expect<T: DeserializeOwned>(request: RequestBuilder, status: u16) -> T {
    let response = expect_status(request, status).await;
    response.json().await.unwrap()
}

/// Sends a request that must succeed with this status.
pub(crate) async fn expect_status(request: RequestBuilder, status: u16) -> Response {
    let response = request.send().await.unwrap();
    let got = response.status().as_u16();
    if got == status {
        return response;
    }
    panic!("{got}: {}", response.text().await.unwrap());
}

/// Sends a request that must be refused, and gives the code.
pub(crate) async fn refused(request: RequestBuilder) -> ErrorCode {
    refusal(request.send().await.unwrap()).await.1
}

/// Reads a refusal, which must have a sentence and a hint.
pub(crate) async fn refusal(response: Response) -> (StatusCode, ErrorCode) {
    let status = response.status();
    let text = response.text().await.unwrap();
    let body: ErrorBody = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} with no refusal: {text}"));
    assert!(!body.error.message.is_empty() && !body.error.hint.is_empty());
    (status, body.error.code)
}

/// A bearer token as a header takes it.
pub(crate) fn bearer(token: &Base64) -> String {
    BASE64URL_NOPAD.encode(token.as_bytes())
}

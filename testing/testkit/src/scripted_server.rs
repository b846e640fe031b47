//! An HTTP/1.1 server that answers request after request by a script, however wrong.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::SupportedKxGroup;
use rustls::{NamedGroup, ProtocolVersion, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What the server does with one request.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "a script names them all")]
pub enum Act {
    /// Reads the request, sends these bytes and waits for the next request on the connection.
    Answer(Vec<u8>),
    /// Reads the request, sends these bytes, perhaps none, and closes the connection.
    Close(Vec<u8>),
    /// Reads so many bytes of the request's body and closes the connection.
    CutBody(usize),
    /// Reads the request, sends these bytes and then nothing, and does not close the connection.
    Stall(Vec<u8>),
    /// Reads the request, sends these bytes, then zeros until the client has enough.
    Endless(Vec<u8>),
}

impl Act {
    /// A well-formed answer with a body.
    pub fn ok(status: u16, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut answer = format!("HTTP/1.1 {status} Fine\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        Self::Answer(answer)
    }

    /// A refusal by the server.
    pub fn refusal(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"a message","hint":"a hint"}}}}"#);
        Self::ok(status, body)
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "tests take it apart")]
pub struct Recorded {
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// Of TLS, what was agreed on.
    pub tls: Option<(ProtocolVersion, NamedGroup)>,
    /// The request line and the headers.
    pub head: String,
    /// The body as far as it was read.
    pub body: Vec<u8>,
}

/// The server; it ends when this is dropped.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    stage: Arc<Stage>,
    #[expect(dead_code, reason = "dropping it ends the connections")]
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Stage {
    script: Mutex<VecDeque<Act>>,
    recorded: Mutex<Vec<Recorded>>,
    zeros_sent: AtomicUsize,
}

impl ScriptedServer {
    /// Serves plain HTTP on a free port of the loopback address; request number n is treated by the nth act.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(script: impl IntoIterator<Item = Act>) -> Self {
        Self::start_with(script, None).await
    }

    /// The same over TLS.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start_tls(script: impl IntoIterator<Item = Act>, config: Arc<ServerConfig>) -> Self {
        Self::start_with(script, Some(config)).await
    }

    async fn start_with(script: impl IntoIterator<Item = Act>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stage = Arc::new(Stage {
            script: Mutex::new(script.into_iter().collect()),
            recorded: Mutex::default(),
            zeros_sent: AtomicUsize::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept_all(listener, Arc::clone(&stage), tls));
        Self { address, stage, tasks }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub fn recorded(&self) -> Vec<Recorded> {
        self.stage.recorded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many zeros the clients took, from [`Act::Endless`].
    pub fn zeros_sent(&self) -> usize {
        self.stage.zeros_sent.load(Ordering::Relaxed)
    }
}

async fn accept_all(listener: TcpListener, stage: Arc<Stage>, tls: Option<Arc<ServerConfig>>) {
    let mut connections = JoinSet::new();
    for connection in 0.. {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        // Connections end by hanging up on purpose; the test looks at what the client made of it.
        connections.spawn(serve(stream, connection, Arc::clone(&stage), tls.clone()));
    }
}

async fn serve(
    stream: TcpStream,
    connection: usize,
    stage: Arc<Stage>,
    tls: Option<Arc<ServerConfig>>,
) -> io::Result<()> {
    let Some(config) = tls else {
        return stage.play(stream, connection, None).await;
    };
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    let (_, session) = stream.get_ref();
    let group = session.negotiated_key_exchange_group().map(SupportedKxGroup::name);
    let agreed = session.protocol_version().zip(group);
    stage.play(stream, connection, agreed).await
}

impl Stage {
    async fn play(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        connection: usize,
        tls: Option<(ProtocolVersion, NamedGroup)>,
    ) -> io::Result<()> {
        loop {
            let head = read_head(&mut stream).await?;
            let act = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let act = act.ok_or(io::ErrorKind::UnexpectedEof)?;
            let announced = content_length(&head);
            let mut body = vec![0; if let Act::CutBody(len) = act { announced.min(len) } else { announced }];
            stream.read_exact(&mut body).await?;
            let recorded = Recorded { connection, tls, head, body };
            self.recorded.lock().unwrap_or_else(PoisonError::into_inner).push(recorded);
            match act {
                Act::Answer(answer) => stream.write_all(&answer).await?,
                Act::Close(answer) => {
                    stream.write_all(&answer).await?;
                    return stream.shutdown().await;
                }
                Act::CutBody(_) => return Ok(()),
                Act::Stall(answer) => {
                    stream.write_all(&answer).await?;
                    stream.flush().await?;
                    pending::<()>().await;
                }
                Act::Endless(answer) => {
                    stream.write_all(&answer).await?;
                    loop {
                        let sent = stream.write(&[0; 16 << 10]).await?;
                        self.zeros_sent.fetch_add(sent, Ordering::Relaxed);
                    }
                }
            }
        }
    }
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

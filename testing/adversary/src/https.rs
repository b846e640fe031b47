//! The lying server as whole programs have it: HTTPS in front of a real server.

use core::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use anonicloud_testkit::tls::SelfSigned;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::Listener;
use bytes::Bytes;
use futures::{TryStreamExt as _, stream};
use reqwest::{Client, Method};
use rustls::version::TLS13;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::call::{Answer, Call};
use crate::liar::Liar;

/// More than any body of an honest client.
const BODY_MAX: usize = 64 << 20;
/// Headers of a request that the honest server hears.
const HEARD: [&str; 4] = ["authorization", "content-type", "range", "anonicloud-api"];
/// Headers of an answer that the client hears.
const SAID: [&str; 3] = ["content-type", "content-range", "retry-after"];

/// An HTTPS server on loopback that asks a real one and lies; it ends when dropped.
#[derive(Debug)]
pub struct HttpsLiar {
    address: SocketAddr,
    certificate: String,
    _end: oneshot::Sender<Infallible>,
}

impl HttpsLiar {
    /// Lies to who asks the server at `honest`, an address of plain HTTP.
    pub fn start(honest: SocketAddr, liar: &Liar) -> Self {
        let tls = SelfSigned::make(&Ipv4Addr::LOCALHOST.to_string(), &[&TLS13]);
        let (told, address) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel::<Infallible>();
        let shared = Shared { liar: liar.clone(), client: Client::new(), honest: format!("http://{honest}") };
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.config));
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
                told.send(tcp.local_addr().expect("a socket has an address")).expect("who started it waits");
                let router = Router::new().fallback(pass).with_state(shared);
                tokio::select! {
                    served = axum::serve(OverTls { tcp, acceptor }, router) => served.expect("it serves"),
                    _ = ended => {}
                }
            });
        });
        Self { address: address.recv().expect("it listens"), certificate: tls.pem, _end: end }
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What they must trust, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }
}

/// What every connection shares.
#[derive(Clone)]
struct Shared {
    liar: Liar,
    client: Client,
    honest: String,
}

struct OverTls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for OverTls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.tcp.accept().await else { continue };
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

async fn pass(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let range = parts.headers.get("range").and_then(|range| range.to_str().ok());
    let call = Call::parse(parts.method.as_str(), &target, range);
    let head = format!("{} {target} {:?}", parts.method, parts.headers);
    let Ok(request) = to_bytes(body, BODY_MAX).await else {
        return Response::new(Body::empty());
    };
    let honest = match shared.liar.instead(&call, &request) {
        Some(answer) => answer,
        None => ask(&shared, &parts.method, &target, &parts.headers, request.clone()).await,
    };
    said(shared.liar.answer(call, head, request, honest))
}

async fn ask(
    shared: &Shared,
    method: &Method,
    target: &str,
    headers: &axum::http::HeaderMap,
    request: Bytes,
) -> Answer {
    let mut builder = shared.client.request(method.clone(), format!("{}{target}", shared.honest));
    for name in HEARD {
        if let Some(value) = headers.get(name) {
            builder = builder.header(name, value);
        }
    }
    let Ok(response) = builder.body(request).send().await else {
        return Answer::new(502, "");
    };
    let status = response.status().as_u16();
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let headers = SAID.iter().filter_map(|name| Some((*name, text(*name)?))).collect();
    let Ok(body) = response.bytes().await else {
        return Answer::new(502, "");
    };
    Answer { headers, ..Answer::new(status, body) }
}

fn said(answer: Answer) -> Response {
    let body = if answer.is_endless {
        let again = stream::repeat_with(move || Ok::<_, Infallible>(answer.body.clone()));
        Body::from_stream(again.into_stream())
    } else {
        Body::from(answer.body)
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(body).expect("a status and headers that came from somewhere")
}

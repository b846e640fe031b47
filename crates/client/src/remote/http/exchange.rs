//! One request and its answer: what is sent, what is read of it, whose fault a failure is.
//!
//! Enters: a request. Leaves: an answer of 2xx whose length is under its cap, or why there is none.
//! Never: memory by an announced length, a URL in an error.

use core::convert::Infallible;
use core::ops::Range;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anonicloud_proto::api::{ErrorBody, ErrorCode};
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use futures::{StreamExt as _, stream};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RANGE, RETRY_AFTER};
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::limit::RateLimit;
use crate::remote::error::TOO_LONG;
use crate::remote::{RemoteError, RemoteResult, SessionToken};

/// A JSON answer.
pub(super) const JSON_ANSWER_MAX: usize = 1 << 20;
/// A body that says why not, and one whose content does not matter.
const REFUSAL_MAX: usize = 16 << 10;
/// No answer that carries a token is longer: none leaves a copy where a body would have grown.
const TOKEN_ANSWER: usize = 8 << 10;
/// What stands before a token.
const BEARER: &[u8] = b"Bearer ";
/// Characters shown of what a server says.
const TEXT_MAX: usize = 400;
/// How much of a body counts as progress.
const SENT_STEP: usize = 256 << 10;

/// A request of the API.
pub(super) struct Request<'a> {
    method: Method,
    path: String,
    token: Option<&'a SessionToken>,
    range: Option<Range<u64>>,
    payload: Option<(&'static str, Bytes)>,
}

impl<'a> Request<'a> {
    pub(super) const fn new(method: Method, path: String) -> Self {
        Self { method, path, token: None, range: None, payload: None }
    }

    pub(super) const fn token(mut self, token: &'a SessionToken) -> Self {
        self.token = Some(token);
        self
    }

    /// Asks for these bytes; they must not be none.
    pub(super) fn range(mut self, range: Range<u64>) -> Self {
        self.range = Some(range);
        self
    }

    pub(super) fn json(mut self, value: &impl Serialize) -> Self {
        self.payload = Some(("application/json", Bytes::from_owner(written(value))));
        self
    }

    pub(super) fn bytes(mut self, bytes: Bytes) -> Self {
        self.payload = Some(("application/octet-stream", bytes));
        self
    }
}

/// A pool of connections to one server.
#[derive(Debug)]
pub(super) struct Exchange {
    client: Client,
    base: String,
    idle: Duration,
    limit: Option<RateLimit>,
}

impl Exchange {
    pub(super) const fn new(client: Client, base: String, idle: Duration) -> Self {
        Self { client, base, idle, limit: None }
    }

    /// The same, with bodies that keep to a rate.
    pub(super) fn limited(self, limit: &RateLimit) -> Self {
        Self { limit: Some(limit.clone()), ..self }
    }

    /// A JSON answer of at most `cap` bytes.
    pub(super) async fn json<T: DeserializeOwned>(&self, request: Request<'_>, cap: usize) -> RemoteResult<T> {
        let mut response = self.answer(request).await?;
        let mut body = Zeroizing::new(Vec::with_capacity(TOKEN_ANSWER));
        self.read(&mut response, &mut body, cap).await?;
        serde_json::from_slice(&body)
            .map_err(|_| RemoteError::Malformed { what: "JSON of another form than the API's" })
    }

    /// A raw answer of at most `cap` bytes.
    pub(super) async fn bytes(&self, request: Request<'_>, cap: usize) -> RemoteResult<Vec<u8>> {
        let mut response = self.answer(request).await?;
        let mut body = Vec::new();
        self.read(&mut response, &mut body, cap).await?;
        Ok(body)
    }

    /// An answer that says nothing but that it was done.
    pub(super) async fn done(&self, request: Request<'_>) -> RemoteResult<()> {
        self.bytes(request, REFUSAL_MAX).await.map(drop)
    }

    /// The head of an answer that is no refusal.
    pub(super) async fn answer(&self, request: Request<'_>) -> RemoteResult<Response> {
        let mut builder = self.client.request(request.method, format!("{}{}", self.base, request.path));
        if let Some(token) = request.token {
            builder = builder.header(AUTHORIZATION, bearer(token));
        }
        let asks_for_part = request.range.is_some();
        if let Some(range) = request.range {
            let last = range.end.saturating_sub(1);
            builder = builder.header(RANGE, format!("bytes={}-{last}", range.start));
        }
        let sent = Arc::new(AtomicUsize::new(0));
        if let Some((kind, bytes)) = request.payload {
            builder = builder.header(CONTENT_TYPE, kind).header(CONTENT_LENGTH, bytes.len());
            builder = builder.body(watched(bytes, Arc::clone(&sent), self.limit.clone()));
        }
        let response = self.send(builder, &sent).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if asks_for_part => Ok(response),
            status if status.is_success() && asks_for_part => {
                Err(RemoteError::Malformed { what: "another part than the one asked for" })
            }
            status if status.is_success() => Ok(response),
            _ => Err(self.refusal(response).await),
        }
    }

    /// Sends until the head of the answer is there. A slow line is not a dead one: while a body moves, it may take its time.
    async fn send(&self, builder: RequestBuilder, sent: &AtomicUsize) -> RemoteResult<Response> {
        let mut sending = Box::pin(builder.send());
        let mut sent_before = 0;
        loop {
            match timeout(self.idle, &mut sending).await {
                Ok(answer) => return answer.map_err(classify),
                Err(elapsed) => {
                    let sent_now = sent.load(Ordering::Relaxed);
                    if sent_now == sent_before {
                        return Err(RemoteError::Unreachable(Box::new(elapsed)));
                    }
                    sent_before = sent_now;
                }
            }
        }
    }

    /// The body of an answer, of at most `cap` bytes, as the whole of `body`; after a failure, what came of it.
    pub(super) async fn read(&self, response: &mut Response, body: &mut Vec<u8>, cap: usize) -> RemoteResult<()> {
        body.clear();
        loop {
            let next = timeout(self.idle, response.chunk()).await;
            let next = next.map_err(|elapsed| RemoteError::Unreachable(Box::new(elapsed)))?;
            let Some(chunk) = next.map_err(classify)? else {
                return Ok(());
            };
            if chunk.len() > cap.saturating_sub(body.len()) {
                return Err(RemoteError::Malformed { what: TOO_LONG });
            }
            body.extend_from_slice(&chunk);
            // What is not read yet waits at the server.
            if let Some(limit) = &self.limit {
                limit.pass(chunk.len()).await;
            }
        }
    }

    async fn refusal(&self, mut response: Response) -> RemoteError {
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        // A number of seconds; a date would need a clock that agrees.
        let retry_after =
            retry_after.and_then(|text| text.parse().ok()).map(|seconds: u32| Duration::from_secs(seconds.into()));
        let mut body = Vec::new();
        if let Err(error) = self.read(&mut response, &mut body, REFUSAL_MAX).await {
            return error;
        }
        match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(ErrorBody { error }) => {
                let (message, hint) = (shown(&error.message), shown(&error.hint));
                RemoteError::Refused { code: error.code, message, hint, retry_after }
            }
            // What stands in front of a server says so in words of its own.
            Err(_) if is_gateway_failure(status) => RemoteError::Refused {
                code: ErrorCode::Unavailable,
                message: format!("the server is not ready (HTTP status {})", status.as_u16()),
                hint: "try again in a minute".to_owned(),
                retry_after: None,
            },
            Err(_) => RemoteError::Malformed { what: "a refusal of another form than the API's" },
        }
    }
}

/// `value` in JSON, written into one allocation that is wiped: a request may carry a proof or an invite.
fn written(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut counted = Counted(0);
    let mut json = Zeroizing::new(Vec::new());
    let written = serde_json::to_writer(&mut counted, value).and_then(|()| {
        json.reserve_exact(counted.0);
        serde_json::to_writer(&mut *json, value)
    });
    written.expect("wire types are structs of strings, numbers and lists");
    json
}

/// Counts what is written.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const fn is_gateway_failure(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// What a server says, fit for a terminal: it must not move the cursor there, nor fill the screen.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(TEXT_MAX).collect()
}

fn bearer(token: &SessionToken) -> HeaderValue {
    let encoded = Zeroizing::new(BASE64URL_NOPAD.encode(token.expose_bytes()));
    let mut text = Zeroizing::new(Vec::with_capacity(BEARER.len() + encoded.len()));
    text.extend_from_slice(BEARER);
    text.extend_from_slice(encoded.as_bytes());
    let value = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
    let mut value = value.expect("base64url is letters, digits, `-` and `_`");
    value.set_sensitive(true);
    value
}

/// `bytes` as a body, not copied, which counts into `sent` what was taken of it.
fn watched(bytes: Bytes, sent: Arc<AtomicUsize>, limit: Option<RateLimit>) -> Body {
    let len = limit.as_ref().map_or(SENT_STEP, RateLimit::step);
    let steps = (0..bytes.len()).step_by(len).map(move |from| bytes.slice(from..bytes.len().min(from + len)));
    let steps = stream::iter(steps).then(move |step| {
        let (sent, limit) = (Arc::clone(&sent), limit.clone());
        async move {
            if let Some(limit) = limit {
                limit.pass(step.len()).await;
            }
            sent.fetch_add(step.len(), Ordering::Relaxed);
            Ok::<Bytes, Infallible>(step)
        }
    });
    Body::wrap_stream(steps)
}

/// Whose fault a failed exchange is.
fn classify(error: reqwest::Error) -> RemoteError {
    let error = error.without_url();
    match find_tls_error(&error) {
        Some(rustls::Error::InvalidCertificate(_)) => RemoteError::Certificate(Box::new(error)),
        Some(
            rustls::Error::PeerIncompatible(_) | rustls::Error::InvalidMessage(_) | rustls::Error::AlertReceived(_),
        ) => RemoteError::Malformed { what: "not TLS 1.3" },
        _ => RemoteError::Unreachable(Box::new(error)),
    }
}

/// The TLS library's own error at the bottom of `error`.
fn find_tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    // An `io::Error` leaves the error it was made of out of its chain of sources.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner {
        Some(inner) => find_tls_error(inner),
        None => error.source().and_then(find_tls_error),
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU64;

    use futures::TryStreamExt as _;
    use tokio::time::Instant;

    use super::*;

    const MIB: usize = 1 << 20;

    fn exchange() -> Exchange {
        let limit = RateLimit::new(NonZeroU64::new(MIB as u64).unwrap());
        Exchange::new(Client::new(), String::new(), Duration::from_secs(30)).limited(&limit)
    }

    /// A second for each MiB, no more than a step too early, and the clock is ours.
    #[tokio::test(start_paused = true)]
    async fn a_body_goes_out_by_the_rate_and_whole() {
        let bytes: Bytes = (0..4 * MIB).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let sent = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let body = watched(bytes.clone(), Arc::clone(&sent), exchange().limit);
        let mut response = Response::from(http::Response::new(body));
        let mut gone = Vec::new();
        while let Some(step) = response.chunk().await.unwrap() {
            gone.extend_from_slice(&step);
            let due = begun.elapsed().as_millis() * MIB as u128 / 1000;
            let ahead = (gone.len() as u128).abs_diff(due);
            assert!(ahead <= 2 * (32 << 10), "{} bytes after {:?}", gone.len(), begun.elapsed());
        }
        assert!(gone == bytes && sent.load(Ordering::Relaxed) == bytes.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_comes_in_by_the_rate_and_whole() {
        let chunks = (0..64_u8).map(|number| Ok::<_, Infallible>(Bytes::from(vec![number; 64 << 10])));
        let body = Body::wrap_stream(stream::iter(chunks.clone()));
        let begun = Instant::now();
        let mut read = Vec::new();
        exchange().read(&mut Response::from(http::Response::new(body)), &mut read, 4 * MIB).await.unwrap();
        let all: Vec<_> = stream::iter(chunks).try_collect().await.unwrap();
        assert_eq!(read, all.concat());
        // The last of 64 steps goes when the others are through; timers keep to whole milliseconds.
        assert_eq!(begun.elapsed().as_millis(), (63_u128 * 1000).div_ceil(16));
    }
}

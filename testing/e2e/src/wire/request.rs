//! Requests as they pass: which call of the API each one is.

use std::io::{self, BufRead};

/// A call of the API (spec: 4-http-api).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `POST uploads`.
    OpenUpload,
    /// `PUT uploads/{upload}/ticket`.
    Ticket,
    /// `PUT uploads/{upload}/blobs/{blob}`.
    PutBlob,
    /// `GET uploads/{upload}/blobs/{blob}`.
    BlobState,
    /// `GET uploads/{upload}`.
    UploadState,
    /// `DELETE uploads/{upload}`.
    EndUpload,
    /// `POST commits`.
    Commit,
    /// `GET blobs/{blob}`.
    GetBlob,
    /// `GET head`, at once or after a number.
    Head,
    /// `DELETE /v1/account/released`.
    Free,
    /// All others: sessions, logs, accounts.
    Other,
}

impl Kind {
    fn of(method: &str, path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        let below_space: Vec<&str> = path.split('/').skip(4).collect();
        match (method, below_space.as_slice()) {
            ("POST", ["uploads"]) => Self::OpenUpload,
            ("PUT", ["uploads", _, "ticket"]) => Self::Ticket,
            ("PUT", ["uploads", _, "blobs", _]) => Self::PutBlob,
            ("GET", ["uploads", _, "blobs", _]) => Self::BlobState,
            ("GET", ["uploads", _]) => Self::UploadState,
            ("DELETE", ["uploads", _]) => Self::EndUpload,
            ("POST", ["commits"]) => Self::Commit,
            ("GET", ["blobs", _]) => Self::GetBlob,
            ("GET", ["head"]) => Self::Head,
            ("DELETE", []) if path == "/v1/account/released" => Self::Free,
            _ => Self::Other,
        }
    }
}

/// A request that began to pass.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "tests take it apart")]
pub struct Seen {
    /// Which call it is.
    pub kind: Kind,
    /// Method and path, as in `GET /v1/realm`.
    pub line: String,
    /// Bytes of its body that were passed on so far.
    pub body: u64,
    /// Bytes of its answer, head included, that were passed back so far.
    pub answer: u64,
}

/// The head of a request, with its raw bytes.
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) seen: Seen,
    pub(super) body_len: u64,
}

/// What stands next on a connection.
pub(super) enum Next {
    Request(Head),
    /// Not a request of HTTP/1.1 with a length: to be passed on as it is.
    Unknown(Vec<u8>),
    End,
}

/// Reads up to the end of the next head.
pub(super) fn next_head(from: &mut impl BufRead) -> io::Result<Next> {
    let first = from.fill_buf()?.first().copied();
    match first {
        None => return Ok(Next::End),
        Some(byte) if byte.is_ascii_uppercase() => {}
        Some(_) => return Ok(Next::Unknown(Vec::new())),
    }
    let mut bytes = Vec::new();
    loop {
        let line_start = bytes.len();
        from.read_until(b'\n', &mut bytes)?;
        let line = &bytes[line_start..];
        if line == b"\r\n" {
            break;
        }
        if !line.ends_with(b"\r\n") {
            return Ok(Next::Unknown(bytes));
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(read_head(&text).map_or_else(
        || Next::Unknown(bytes.clone()),
        |(seen, body_len)| Next::Request(Head { bytes: bytes.clone(), seen, body_len }),
    ))
}

fn read_head(text: &str) -> Option<(Seen, u64)> {
    let mut lines = text.lines();
    let line = lines.next()?.strip_suffix(" HTTP/1.1")?;
    let (method, path) = line.split_once(' ')?;
    let mut body_len = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body_len = value.trim().parse().ok()?;
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        }
    }
    Some((Seen { kind: Kind::of(method, path), line: line.to_owned(), body: 0, answer: 0 }, body_len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_apart() {
        for (line, kind) in [
            ("POST /v1/spaces/s/uploads", Kind::OpenUpload),
            ("PUT /v1/spaces/s/uploads/u/ticket", Kind::Ticket),
            ("PUT /v1/spaces/s/uploads/u/blobs/b?offset=0&size=1", Kind::PutBlob),
            ("GET /v1/spaces/s/uploads/u/blobs/b", Kind::BlobState),
            ("GET /v1/spaces/s/uploads/u?after=b", Kind::UploadState),
            ("DELETE /v1/spaces/s/uploads/u", Kind::EndUpload),
            ("POST /v1/spaces/s/commits", Kind::Commit),
            ("GET /v1/spaces/s/blobs/b", Kind::GetBlob),
            ("GET /v1/spaces/s/head?after=7", Kind::Head),
            ("GET /v1/spaces/s/log?from=0", Kind::Other),
            ("DELETE /v1/account/released", Kind::Free),
            ("GET /v1/account/released", Kind::Other),
            ("GET /v1/realm", Kind::Other),
        ] {
            let request = format!("{line} HTTP/1.1\r\nContent-Length: 7\r\n\r\nrest");
            let Ok(Next::Request(head)) = next_head(&mut request.as_bytes()) else {
                panic!("{line} is a request");
            };
            assert_eq!((head.seen.kind, head.body_len, head.seen.line.as_str()), (kind, 7, line));
        }
    }

    #[test]
    fn what_is_no_request_passes_as_it_is() {
        assert!(matches!(next_head(&mut &b"\x16\x03\x01"[..]), Ok(Next::Unknown(bytes)) if bytes.is_empty()));
        assert!(matches!(next_head(&mut &b"GARBAGE"[..]), Ok(Next::Unknown(bytes)) if bytes == b"GARBAGE"));
        let chunked = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(matches!(next_head(&mut &chunked[..]), Ok(Next::Unknown(bytes)) if bytes == chunked));
        assert!(matches!(next_head(&mut &b""[..]), Ok(Next::End)));
    }
}

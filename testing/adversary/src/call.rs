//! A call of the API and its answer, as both ways to lie have them.

use core::ops::Range;

use anonicloud_proto::api::{ErrorBody, ErrorCode, ErrorDetail};
use anonicloud_proto::ids::BlobId;
use bytes::Bytes;

/// Which call of the API it is (spec: 4-http-api).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "named like the methods of `Remote`")]
pub enum Kind {
    Realm,
    Puzzle,
    RegisterStart,
    RegisterFinish,
    LoginStart,
    LoginFinish,
    DeviceLoginStart,
    DeviceLoginFinish,
    Logout,
    Account,
    Released,
    FreeReleased,
    Sigchain,
    AddDevice,
    RemoveDevice,
    SpaceChallenge,
    SpaceSession,
    Head,
    HeadAfter,
    Log,
    Commit,
    OpenUpload,
    Uploads,
    UploadState,
    EndUpload,
    PutTicket,
    PutBlob,
    BlobState,
    DropBlob,
    Blobs,
    GetBlob,
    /// None of the API's.
    Unknown,
}

/// A call, with what of its address a lie can depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Which one.
    pub kind: Kind,
    /// The blob that is named.
    pub blob: Option<BlobId>,
    /// The part that is asked for.
    pub range: Option<Range<u64>>,
    /// The first place of a page.
    pub from: u64,
}

impl Call {
    /// A call that names nothing.
    pub const fn new(kind: Kind) -> Self {
        Self { kind, blob: None, range: None, from: 0 }
    }

    pub(crate) const fn of_blob(kind: Kind, blob: BlobId) -> Self {
        Self { kind, blob: Some(blob), range: None, from: 0 }
    }

    /// The call of an HTTP request: `target` is its path and query, `range` its header.
    pub(crate) fn parse(method: &str, target: &str, range: Option<&str>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parts: Vec<&str> = path.split('/').skip(2).collect();
        let mut call = Self::new(kind_of(method, &parts, query));
        call.blob = parts.iter().rev().find_map(|part| part.parse().ok()).filter(|_| names_blob(call.kind));
        call.range = range.and_then(parse_range);
        let from =
            query.split('&').find_map(|pair| pair.strip_prefix("from=").or_else(|| pair.strip_prefix("offset=")));
        call.from = from.and_then(|from| from.parse().ok()).unwrap_or_default();
        call
    }
}

const fn names_blob(kind: Kind) -> bool {
    matches!(kind, Kind::PutBlob | Kind::BlobState | Kind::DropBlob | Kind::GetBlob)
}

fn kind_of(method: &str, parts: &[&str], query: &str) -> Kind {
    match (method, parts) {
        ("GET", ["realm"]) => Kind::Realm,
        ("POST", ["puzzle"]) => Kind::Puzzle,
        ("POST", ["register", "start"]) => Kind::RegisterStart,
        ("POST", ["register", "finish"]) => Kind::RegisterFinish,
        ("POST", ["login", "start"]) => Kind::LoginStart,
        ("POST", ["login", "finish"]) => Kind::LoginFinish,
        ("POST", ["login", "device", "start"]) => Kind::DeviceLoginStart,
        ("POST", ["login", "device", "finish"]) => Kind::DeviceLoginFinish,
        ("POST", ["logout"]) => Kind::Logout,
        ("GET", ["account"]) => Kind::Account,
        ("GET", ["account", "released"]) => Kind::Released,
        ("DELETE", ["account", "released"]) => Kind::FreeReleased,
        ("GET", ["account", "sigchain"]) => Kind::Sigchain,
        ("POST", ["account", "devices"]) => Kind::AddDevice,
        ("POST", ["account", "devices", "remove"]) => Kind::RemoveDevice,
        (_, ["spaces", _, rest @ ..]) => kind_in_space(method, rest, query),
        _ => Kind::Unknown,
    }
}

fn kind_in_space(method: &str, parts: &[&str], query: &str) -> Kind {
    match (method, parts) {
        ("POST", ["sessions", "start"]) => Kind::SpaceChallenge,
        ("POST", ["sessions", "finish"]) => Kind::SpaceSession,
        ("GET", ["head"]) if query.starts_with("after=") => Kind::HeadAfter,
        ("GET", ["head"]) => Kind::Head,
        ("GET", ["log"]) => Kind::Log,
        ("POST", ["commits"]) => Kind::Commit,
        ("POST", ["uploads"]) => Kind::OpenUpload,
        ("GET", ["uploads"]) => Kind::Uploads,
        ("GET", ["uploads", _]) => Kind::UploadState,
        ("DELETE", ["uploads", _]) => Kind::EndUpload,
        ("PUT", ["uploads", _, "ticket"]) => Kind::PutTicket,
        ("PUT", ["uploads", _, "blobs", _]) => Kind::PutBlob,
        ("GET", ["uploads", _, "blobs", _]) => Kind::BlobState,
        ("DELETE", ["uploads", _, "blobs", _]) => Kind::DropBlob,
        ("GET", ["blobs"]) => Kind::Blobs,
        ("GET", ["blobs", _]) => Kind::GetBlob,
        _ => Kind::Unknown,
    }
}

fn parse_range(text: &str) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    Some(first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?)
}

/// An answer, however it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// All of the body; of one that does not end, what is said again and again.
    pub body: Bytes,
    /// Headers beside the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// Whether the body never ends.
    pub is_endless: bool,
}

impl Answer {
    /// An answer with this body.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, body: body.into(), headers: Vec::new(), is_endless: false }
    }

    /// A refusal in the form of the API.
    pub fn refused(code: ErrorCode, message: String, hint: String) -> Self {
        let body = ErrorBody { error: ErrorDetail { code, message, hint } };
        Self::new(code.status(), serde_json::to_vec(&body).expect("three texts"))
    }

    /// Whether it is no refusal.
    pub const fn is_granted(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    pub(crate) fn with_body(&self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_from_addresses() {
        let blob = BlobId::from_bytes([0xab; 32]);
        let call = Call::parse("GET", &format!("/v1/spaces/{}/blobs/{blob}", "3f".repeat(32)), Some("bytes=5-9"));
        assert_eq!(call, Call { kind: Kind::GetBlob, blob: Some(blob), range: Some(5..10), from: 0 });
        let call = Call::parse("GET", "/v1/account/sigchain?from=7", None);
        assert_eq!(call, Call { kind: Kind::Sigchain, blob: None, range: None, from: 7 });
        assert_eq!(Call::parse("GET", "/v1/spaces/s/head?after=3", None).kind, Kind::HeadAfter);
        assert_eq!(Call::parse("PATCH", "/v1/realm", None).kind, Kind::Unknown);
    }
}

//! The table of routes, from which both the router and the OpenAPI document are made.

use std::sync::Arc;

use anonicloud_proto::api::schema::{Components, Schema};
use anonicloud_proto::api::{
    AccountAnswer, AddDevice, BlobProgress, BlobState, Challenge, CommitAnswer, DeviceLoginFinish,
    DeviceLoginStart, LoginAnswer, LoginFinish, LoginStart, LoginStarted, OpenUpload, RealmAnswer,
    RegisterFinish, RegisterStart, RegisterStarted, RemoveDevice, SigchainAnswer,
    SpaceSessionAnswer, SpaceSessionFinish, UploadAnswer, UploadState, UploadsAnswer,
};
use anonicloud_proto::capability::Right;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::Value;

use super::{App, accounts, blobs, spaces};

/// Gives a schema, adding what it refers to.
pub(super) type Describe = fn(&mut Components) -> Value;

/// What travels in a body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Payload {
    /// Nothing.
    Nothing,
    /// An object without fields.
    Empty,
    /// JSON of a wire type.
    Json(Describe),
    /// Bytes, described here.
    Raw(&'static str),
}

/// Who may call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Session {
    /// Anybody.
    None,
    /// An account's session.
    Account,
    /// A session of the space with one of these rights.
    Space(&'static [Right]),
}

/// The methods of the API.
#[derive(Debug, Clone, Copy)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// As OpenAPI writes it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// One route.
pub(super) struct Route {
    pub(super) method: Method,
    /// With parameters in braces.
    pub(super) path: &'static str,
    /// What it does, in a few words.
    pub(super) about: &'static str,
    pub(super) session: Session,
    pub(super) query: Vec<(&'static str, bool, Describe)>,
    pub(super) body: Payload,
    /// Status and body of success.
    pub(super) answer: (u16, Payload),
    pub(super) handler: MethodRouter<Arc<App>>,
}

impl Route {
    fn new<H, T>(method: Method, path: &'static str, about: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self {
            method,
            path,
            about,
            session: Session::None,
            query: Vec::new(),
            body: Payload::Nothing,
            answer: (204, Payload::Nothing),
            handler: on(method.filter(), handler),
        }
    }

    const fn takes<T: Schema>(mut self) -> Self {
        self.body = Payload::Json(T::describe);
        self
    }

    const fn takes_raw(mut self, what: &'static str) -> Self {
        self.body = Payload::Raw(what);
        self
    }

    const fn answers<T: Schema>(mut self) -> Self {
        self.answer = (200, Payload::Json(T::describe));
        self
    }

    const fn answers_raw(mut self, what: &'static str) -> Self {
        self.answer = (200, Payload::Raw(what));
        self
    }

    const fn creates(mut self) -> Self {
        self.answer = (201, Payload::Empty);
        self
    }

    const fn within(mut self, session: Session) -> Self {
        self.session = session;
        self
    }

    fn asks<T: Schema>(mut self, name: &'static str) -> Self {
        self.query.push((name, !T::OPTIONAL, T::describe));
        self
    }
}

/// Every route.
pub(super) fn table() -> Vec<Route> {
    let mut routes = account_routes();
    routes.extend(space_routes());
    routes.extend(upload_routes());
    routes
}

fn account_routes() -> Vec<Route> {
    use Method::{Get, Post};
    use Route as R;
    use Session::Account;
    vec![
        R::new(Get, "/v1/realm", "Name the installation", accounts::realm).answers::<RealmAnswer>(),
        R::new(
            Post,
            "/v1/register/start",
            "Begin a registration",
            accounts::register_start,
        )
        .takes::<RegisterStart>()
        .answers::<RegisterStarted>(),
        R::new(
            Post,
            "/v1/register/finish",
            "Make the account, whole",
            accounts::register_finish,
        )
        .takes::<RegisterFinish>()
        .creates(),
        R::new(
            Post,
            "/v1/login/start",
            "Begin a login by password",
            accounts::login_start,
        )
        .takes::<LoginStart>()
        .answers::<LoginStarted>(),
        R::new(
            Post,
            "/v1/login/finish",
            "Prove the password",
            accounts::login_finish,
        )
        .takes::<LoginFinish>()
        .answers::<LoginAnswer>(),
        R::new(
            Post,
            "/v1/login/device/start",
            "Begin a login by device",
            accounts::device_login_start,
        )
        .takes::<DeviceLoginStart>()
        .answers::<Challenge>(),
        R::new(
            Post,
            "/v1/login/device/finish",
            "Prove the device's key",
            accounts::device_login_finish,
        )
        .takes::<DeviceLoginFinish>()
        .answers::<LoginAnswer>(),
        R::new(Post, "/v1/logout", "End this session", accounts::logout).within(Account),
        R::new(
            Get,
            "/v1/account",
            "Describe the account",
            accounts::account,
        )
        .within(Account)
        .answers::<AccountAnswer>(),
        R::new(
            Get,
            "/v1/account/sigchain",
            "Give all sigchain links",
            accounts::sigchain,
        )
        .within(Account)
        .answers::<SigchainAnswer>(),
        R::new(
            Post,
            "/v1/account/devices",
            "Add a device with its link",
            accounts::add_device,
        )
        .within(Account)
        .takes::<AddDevice>()
        .creates(),
        R::new(
            Post,
            "/v1/account/devices/remove",
            "Remove a device with its link",
            accounts::remove_device,
        )
        .within(Account)
        .takes::<RemoveDevice>(),
    ]
}

fn space_routes() -> Vec<Route> {
    use Method::{Get, Post};
    use Route as R;
    const READ: Session = Session::Space(&[Right::Read]);
    const COMMIT: Session = Session::Space(&[Right::Write, Right::Admin]);
    vec![
        R::new(
            Post,
            "/v1/spaces/{space}/sessions/start",
            "Draw a challenge",
            spaces::session_start,
        )
        .answers::<Challenge>(),
        R::new(
            Post,
            "/v1/spaces/{space}/sessions/finish",
            "Prove capabilities",
            spaces::session_finish,
        )
        .takes::<SpaceSessionFinish>()
        .answers::<SpaceSessionAnswer>(),
        R::new(
            Get,
            "/v1/spaces/{space}/head",
            "Give the newest commit",
            spaces::head,
        )
        .within(READ)
        .answers_raw("HeadAnswer"),
        R::new(
            Get,
            "/v1/spaces/{space}/log",
            "Give a page of commits",
            spaces::log,
        )
        .within(READ)
        .asks::<u64>("from")
        .answers_raw("LoggedCommit, repeated"),
        R::new(Post, "/v1/spaces/{space}/commits", "Commit", spaces::commit)
            .within(COMMIT)
            .takes_raw("PostedCommit")
            .answers::<CommitAnswer>(),
        R::new(
            Get,
            "/v1/spaces/{space}/blobs/{blob}",
            "Read a blob that a commit added, or a range of it",
            blobs::get,
        )
        .within(READ)
        .answers_raw("the blob"),
    ]
}

fn upload_routes() -> Vec<Route> {
    use Method::{Delete, Get, Post, Put};
    use Route as R;
    const UPLOADS: &str = "/v1/spaces/{space}/uploads";
    const UPLOAD: &str = "/v1/spaces/{space}/uploads/{upload}";
    const TICKET: &str = "/v1/spaces/{space}/uploads/{upload}/ticket";
    const BLOB: &str = "/v1/spaces/{space}/uploads/{upload}/blobs/{blob}";
    const SEND: Session = Session::Space(&[Right::Append, Right::Write]);
    const WRITE: Session = Session::Space(&[Right::Write]);
    vec![
        R::new(
            Post,
            UPLOADS,
            "Open an upload or raise its reservation",
            spaces::open_upload,
        )
        .within(SEND)
        .takes::<OpenUpload>()
        .answers::<UploadAnswer>(),
        R::new(Get, UPLOADS, "List open uploads", spaces::uploads)
            .within(WRITE)
            .answers::<UploadsAnswer>(),
        R::new(Get, UPLOAD, "Tell what has arrived", spaces::upload_state)
            .within(SEND)
            .asks::<Option<BlobId>>("after")
            .answers::<UploadState>(),
        R::new(Delete, UPLOAD, "End an upload", spaces::end_upload).within(SEND),
        R::new(Put, TICKET, "Keep the sealed ticket", spaces::set_ticket)
            .within(SEND)
            .takes_raw("the ticket"),
        R::new(
            Put,
            BLOB,
            "Send a blob, or what is missing of it",
            blobs::put,
        )
        .within(SEND)
        .asks::<u64>("offset")
        .asks::<u64>("size")
        .asks::<StoredHash>("hash")
        .takes_raw("the blob's bytes from the offset on")
        .answers::<BlobProgress>(),
        R::new(Get, BLOB, "Tell how much of a blob is stored", blobs::state)
            .within(SEND)
            .answers::<BlobState>(),
        R::new(
            Delete,
            BLOB,
            "Remove a blob that no commit names",
            blobs::remove,
        )
        .within(SEND),
    ]
}

//! The table of routes, from which both the router and the OpenAPI document are made.

use anonicloud_proto::api::{
    AccountAnswer, AddDevice, BlobProgress, BlobState, BlobsAnswer, Challenge, CommitAnswer, DeviceLoginFinish,
    DeviceLoginStart, FreedAnswer, LoginAnswer, LoginFinish, LoginStart, LoginStarted, OpenUpload, Puzzle, PuzzleStart,
    RealmAnswer, RegisterFinish, RegisterStart, RegisterStarted, ReleasedAnswer, RemoveDevice, SigchainAnswer,
    SpaceSessionAnswer, SpaceSessionFinish, UploadAnswer, UploadState, UploadsAnswer,
};
use anonicloud_proto::capability::Right;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};

use super::route::{Method, Route, Session};
use super::{accounts, blobs, spaces};

/// Every route.
pub(super) fn table() -> Vec<Route> {
    let mut routes = login_routes();
    routes.extend(account_routes());
    routes.extend(space_routes());
    routes.extend(upload_routes());
    routes
}

fn login_routes() -> Vec<Route> {
    use Method::{Get, Post};
    use Route as R;
    vec![
        R::new(Get, "/v1/realm", "Name the installation", accounts::realm).answers::<RealmAnswer>(),
        R::new(Post, "/v1/puzzle", "Draw work to do before a registration or a login", accounts::puzzle)
            .takes::<PuzzleStart>()
            .answers::<Puzzle>(),
        R::new(Post, "/v1/register/start", "Begin a registration", accounts::register_start)
            .takes::<RegisterStart>()
            .answers::<RegisterStarted>(),
        R::new(Post, "/v1/register/finish", "Make the account, whole", accounts::register_finish)
            .takes::<RegisterFinish>()
            .creates(),
        R::new(Post, "/v1/login/start", "Begin a login by password", accounts::login_start)
            .takes::<LoginStart>()
            .answers::<LoginStarted>(),
        R::new(Post, "/v1/login/finish", "Prove the password", accounts::login_finish)
            .takes::<LoginFinish>()
            .answers::<LoginAnswer>(),
        R::new(Post, "/v1/login/device/start", "Begin a login by device", accounts::device_login_start)
            .takes::<DeviceLoginStart>()
            .answers::<Challenge>(),
        R::new(Post, "/v1/login/device/finish", "Prove the device's key", accounts::device_login_finish)
            .takes::<DeviceLoginFinish>()
            .answers::<LoginAnswer>(),
    ]
}

fn account_routes() -> Vec<Route> {
    use Method::{Delete, Get, Post};
    use Route as R;
    use Session::Account;
    vec![
        R::new(Post, "/v1/logout", "End this session", accounts::logout).within(Account),
        R::new(Get, "/v1/account", "Describe the account", accounts::account)
            .within(Account)
            .answers::<AccountAnswer>(),
        R::new(Get, "/v1/account/sigchain", "Give a page of sigchain links", accounts::sigchain)
            .within(Account)
            .asks::<Option<u64>>("from")
            .answers::<SigchainAnswer>(),
        R::new(Post, "/v1/account/devices", "Add a device with its link", accounts::add_device)
            .within(Account)
            .takes::<AddDevice>()
            .creates(),
        R::new(Post, "/v1/account/devices/remove", "Remove a device with its link", accounts::remove_device)
            .within(Account)
            .takes::<RemoveDevice>(),
        R::new(Get, "/v1/account/released", "Tell what sweeps released", accounts::released)
            .within(Account)
            .asks::<Option<SpaceId>>("space")
            .asks::<Option<u64>>("through")
            .answers::<ReleasedAnswer>(),
        R::new(Delete, "/v1/account/released", "Free what sweeps released, now", accounts::free_released)
            .within(Account)
            .asks::<SpaceId>("space")
            .asks::<u64>("through")
            .answers::<FreedAnswer>(),
    ]
}

fn space_routes() -> Vec<Route> {
    use Method::{Get, Post};
    use Route as R;
    const READ: Session = Session::Space(&[Right::Read]);
    const LIST: Session = Session::Space(&[Right::Read, Right::Admin]);
    const COMMIT: Session = Session::Space(&[Right::Write, Right::Admin]);
    vec![
        R::new(Post, "/v1/spaces/{space}/sessions/start", "Draw a challenge", spaces::session_start)
            .answers::<Challenge>(),
        R::new(Post, "/v1/spaces/{space}/sessions/finish", "Prove capabilities", spaces::session_finish)
            .takes::<SpaceSessionFinish>()
            .answers::<SpaceSessionAnswer>(),
        R::new(Get, "/v1/spaces/{space}/head", "Give the newest commit", spaces::head)
            .within(READ)
            .asks::<Option<u64>>("after")
            .answers_raw("HeadAnswer")
            .or_nothing(),
        R::new(Get, "/v1/spaces/{space}/log", "Give a page of commits", spaces::log)
            .within(READ)
            .asks::<u64>("from")
            .answers_raw("LoggedCommit, repeated"),
        R::new(Post, "/v1/spaces/{space}/commits", "Commit", spaces::commit)
            .within(COMMIT)
            .takes_raw("PostedCommit")
            .answers::<CommitAnswer>(),
        R::new(Get, "/v1/spaces/{space}/blobs", "List what commits added", blobs::list)
            .within(LIST)
            .asks::<Option<BlobId>>("after")
            .answers::<BlobsAnswer>(),
        R::new(Get, "/v1/spaces/{space}/blobs/{blob}", "Read a blob that a commit added, or a range of it", blobs::get)
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
        R::new(Post, UPLOADS, "Open an upload or raise its reservation", spaces::open_upload)
            .within(SEND)
            .takes::<OpenUpload>()
            .answers::<UploadAnswer>(),
        R::new(Get, UPLOADS, "List open uploads", spaces::uploads)
            .within(WRITE)
            .asks::<Option<UploadId>>("after")
            .answers::<UploadsAnswer>(),
        R::new(Get, UPLOAD, "Tell what has arrived", spaces::upload_state)
            .within(SEND)
            .asks::<Option<BlobId>>("after")
            .answers::<UploadState>(),
        R::new(Delete, UPLOAD, "End an upload", spaces::end_upload).within(SEND),
        R::new(Put, TICKET, "Keep the sealed ticket", spaces::set_ticket).within(SEND).takes_raw("the ticket"),
        R::new(Put, BLOB, "Send a blob, or what is missing of it", blobs::put)
            .within(SEND)
            .asks::<u64>("offset")
            .asks::<u64>("size")
            .asks::<StoredHash>("hash")
            .takes_raw("the blob's bytes from the offset on")
            .answers::<BlobProgress>(),
        R::new(Get, BLOB, "Tell how much of a blob is stored", blobs::state).within(SEND).answers::<BlobState>(),
        R::new(Delete, BLOB, "Remove a blob that no commit names", blobs::remove).within(SEND),
    ]
}

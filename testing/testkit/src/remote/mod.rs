//! What every [`Remote`] with an honest server behind it answers (spec: 4-http-api), whatever it is made of.

mod accounts;
mod actor;
mod blobs;
mod bounds;
mod commits;
mod door;
mod logins;
mod pages;
mod sessions;
mod sweeps;
mod time;
mod uploads;

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Debug;
use std::time::Duration;

use anonicloud_client::remote::{BlobPart, Remote, RemoteResult, SpaceAccess};
use anonicloud_proto::api::ErrorCode;

pub use self::door::{Operator, SignUp};

use self::actor::{Actor, posted};

/// Bytes of each account on the server that the suite runs against.
pub const QUOTA: u64 = 64 << 20;

/// Codes that no request here leads to on a server that is well: those of other addresses and versions, those of failures, and
/// those that [`guards_its_door`] and [`is_bounded`] have.
const NOT_COVERED: [ErrorCode; 10] = [
    ErrorCode::SignUpClosed,
    ErrorCode::InviteRequired,
    ErrorCode::InviteInvalid,
    ErrorCode::PuzzleRequired,
    ErrorCode::ApiVersionUnsupported,
    ErrorCode::MethodNotAllowed,
    ErrorCode::SigchainFull,
    ErrorCode::StorageFull,
    ErrorCode::Unavailable,
    ErrorCode::Internal,
];

/// The remote under test, and the codes that it has given so far.
struct Suite<R> {
    remote: R,
    seen: RefCell<HashSet<ErrorCode>>,
}

/// Runs the whole suite against a server that has no accounts, and gives [`QUOTA`] to each.
///
/// # Panics
/// Where an answer is not the one that the specification says, or a code is never given.
pub async fn conforms<R: Remote>(remote: R) {
    let suite = Suite { remote, seen: RefCell::default() };
    assert_eq!(suite.remote.realm().await.expect("a realm").quota, QUOTA);
    suite.registrations().await;
    suite.logins().await;
    suite.devices().await;
    suite.space_sessions().await;
    suite.rights().await;
    suite.reservations().await;
    suite.tickets().await;
    suite.ends_of_uploads().await;
    suite.blobs_in_pieces().await;
    suite.blobs_written_once().await;
    suite.blobs_of_two_uploads().await;
    suite.blobs_read().await;
    suite.commits().await;
    suite.commits_refused().await;
    suite.heads_awaited().await;
    suite.arithmetic_of_commits().await;
    suite.sweeps().await;
    suite.sweeps_refused().await;
    suite.room_to_remove().await;
    suite.pages().await;
    let seen = suite.seen.into_inner();
    let expected: Vec<_> = ErrorCode::ALL.iter().filter(|code| !NOT_COVERED.contains(code)).collect();
    assert!(expected.iter().all(|code| seen.contains(code)), "not given: {expected:?} without {seen:?}");
    assert_eq!(seen.len(), expected.len(), "given though it cannot be: {seen:?}");
}

/// Makes an account with a blob of `len` bytes in its space; gives a session of the space, and the blob.
///
/// # Panics
/// When the server refuses.
pub async fn with_one_blob<R: Remote>(remote: &R, len: usize) -> (SpaceAccess, BlobPart) {
    let (actor, access) = Actor::with_space(remote, "one-blob").await;
    let upload = actor.upload(remote, &access, len as u64).await;
    let blob = actor.sent(remote, &access, &upload, len).await;
    let head = remote.head(&access).await.expect("a head");
    remote.commit(&access, posted(&actor.tree(&head, b"body", &[&blob]))).await.expect("a commit");
    (access, blob)
}

/// Who is let in to make an account and to try a password, on a server that has no accounts and gives [`QUOTA`] to each;
/// `operator` runs it.
///
/// # Panics
/// As [`conforms`].
pub async fn guards_its_door<R: Remote>(remote: R, operator: &impl Operator) {
    let suite = Suite { remote, seen: RefCell::default() };
    Box::pin(suite.closed_door(operator)).await;
    Box::pin(suite.puzzles_to_register(operator)).await;
    Box::pin(suite.invites(operator)).await;
    Box::pin(suite.invites_used_up(operator)).await;
    operator.set_sign_up(SignUp::Open);
    Box::pin(suite.puzzles_to_log_in()).await;
}

/// What ends when time passes, on a server whose clock `pass` moves and that has no accounts.
///
/// # Panics
/// As [`conforms`].
pub async fn forgets<R: Remote>(remote: R, pass: impl Fn(Duration)) {
    let suite = Suite { remote, seen: RefCell::default() };
    suite.sessions_end(&pass).await;
    suite.challenges_end(&pass).await;
    suite.tries_come_back(&pass).await;
    suite.idle_uploads_go(&pass).await;
    suite.released_goes(&pass).await;
}

/// The bounds that thousands of requests lead to, on a server that has no accounts and gives twice [`QUOTA`] to each.
///
/// # Panics
/// As [`conforms`].
pub async fn is_bounded<R: Remote>(remote: R) {
    let suite = Suite { remote, seen: RefCell::default() };
    suite.sigchain_bound().await;
    suite.session_bound().await;
    suite.upload_bound().await;
    suite.state_pages().await;
    suite.commit_bound().await;
    suite.rate_bound().await;
}

impl<R> Suite<R> {
    /// Fails unless the answer is a refusal with this code.
    #[track_caller]
    fn refused<T: Debug>(&self, answer: RemoteResult<T>, code: ErrorCode) {
        let error = answer.expect_err("this is refused");
        assert_eq!(error.code(), Some(code), "{error:?}");
        self.seen.borrow_mut().insert(code);
    }
}

//! What the server lies about.

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::BlobId;
use serde_json::Value;

use crate::call::Kind;

/// A lie. Until it is stopped, it is told at every answer that it is about.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "a test chooses one")]
pub enum Lie {
    /// One bit of the body is another; the place is told in thousandths of its length.
    Flip(Kind, usize),
    /// One bit of the body is another: the one with this number, counted on from the begin again behind the end.
    FlipBit(Kind, usize),
    /// So many bytes are missing at the end.
    Cut(Kind, usize),
    /// So many zeros follow.
    Longer(Kind, usize),
    /// The answer is the one that this call got as the `nth` of its kind, counted from 0.
    Replay(Kind, usize),
    /// The call is refused, whatever it asks for.
    Refuse(Kind, ErrorCode),
    /// The call is answered as done, and nothing is done.
    Acknowledge(Kind),
    /// A field of a JSON answer, told by a JSON pointer, has another value, or is there though it should not be.
    Set(Kind, &'static str, Value),
    /// A field of a JSON answer is not there.
    Drop(Kind, &'static str),
    /// Two fields of a JSON answer have each other's values.
    Exchange(Kind, &'static str, &'static str),
    /// One bit of the bytes in a field of a JSON answer is another, in thousandths of their length.
    FlipField(Kind, &'static str, usize),
    /// The bytes in a field of a JSON answer lack so many at the end.
    CutField(Kind, &'static str, usize),
    /// The list in a field of a JSON answer is empty.
    Emptied(Kind, &'static str),
    /// The list in a field of a JSON answer names everything twice.
    Doubled(Kind, &'static str),
    /// The list in a field of a JSON answer is the other way round.
    Reversed(Kind, &'static str),
    /// The list in a field of a JSON answer lacks so many at the end.
    Shortened(Kind, &'static str, usize),
    /// Each blob is answered with the bytes of the next one that has its length.
    BlobsRotated,
    /// Each blob is answered with the bytes of the first one that has its length.
    BlobsAlike,
    /// The lie is told of this blob alone.
    Of(BlobId, Box<Self>),
    /// The lie is told of blobs and of parts of blobs that are at least so long.
    OfLength(u64, Box<Self>),
    /// Of a part of a blob, so many bytes further on are answered.
    PartShifted(u64),
    /// Of every blob that is sent, one byte more than before is counted as stored.
    Crumbs,
    /// Every blob that arrived whole is counted as stored, and the bytes are thrown away.
    BlobsSwallowed,
    /// Commits of the log's page come the other way round.
    LogReversed,
    /// Commits of the log's page from this place on are not there.
    LogEndsAt(u64),
    /// The space has the history of the `nth` commit that was posted, counted from 0, and of those posted on top of it, whether
    /// they were kept or thrown away: head, log and blobs fit each other, and what is posted is answered as done.
    Fork(usize),
    /// The head is one that the server made.
    Forged(Forgery),
    /// Another address is to be asked.
    Redirect(Kind, String),
    /// The body never ends.
    Endless(Kind),
}

/// How the server makes a head of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a test chooses one")]
pub enum Forgery {
    /// The next commit, in every hash right, with a signature that no key made.
    Successor,
    /// The newest commit with a body of the server's.
    Body,
    /// The newest commit as one of a later epoch.
    Epoch,
    /// The newest commit as one of another suite.
    Suite,
    /// The newest commit as one of another kind.
    Sweep,
    /// The newest commit as one of another space.
    Space,
    /// The newest commit with a history of the server's.
    History,
}

//! Caps and sizes that both sides enforce (spec: 0-conventions, "Limits"). All in bytes or items.

/// Content bytes of a full segment.
pub const SEGMENT_LEN: usize = 4 << 20;
/// Pieces up to this many sealed bytes travel in packs; larger ones are blobs of their own.
pub const PACKED_PIECE_MAX: usize = 1 << 20;
/// A pack holds at most this many bytes of pieces and filler.
pub const PACK_MAX: usize = 4 << 20;
/// A pack is padded to at least this.
pub const PACK_FLOOR: u64 = 16 << 10;
/// A blob is at most this many bytes: a full segment with its header, tags and room to spare.
pub const BLOB_MAX: u64 = 5 << 20;
/// A commit's sealed body.
pub const COMMIT_BODY_MAX: usize = 1 << 20;
/// Blobs one commit may add, and release.
pub const COMMIT_BLOBS_MAX: usize = 1 << 19;
/// Keyboxes one commit may carry, and the bytes of each.
pub const KEYBOXES_MAX: usize = 1 << 14;
/// Bytes of one keybox.
pub const KEYBOX_MAX: usize = 4 << 10;
/// A whole commit request.
pub const COMMIT_REQUEST_MAX: usize = 48 << 20;
/// A JSON request body.
pub const JSON_MAX: usize = 256 << 10;
/// A sealed upload ticket.
pub const TICKET_MAX: usize = 64 << 10;
/// One sigchain link.
pub const SIGCHAIN_LINK_MAX: usize = 32 << 10;
/// Links of an account's sigchain from which on it takes no new device; devices may still be removed, so that a chain has
/// fewer than twice as many.
pub const SIGCHAIN_ADDS_END: u64 = 1 << 12;
/// Bytes of links in one page of a sigchain answer, which is a third longer in base64.
pub const SIGCHAIN_PAGE_BYTES: usize = 3 << 20;
/// A wrapped slot or box of an account.
pub const BOX_MAX: usize = 4 << 10;
/// Open uploads per space.
pub const UPLOADS_PER_SPACE: usize = 1 << 10;
/// Commits in one page of a log answer, and the most bytes of that page.
pub const LOG_PAGE_COMMITS: usize = 256;
/// Bytes of one page of a log answer.
pub const LOG_PAGE_BYTES: usize = 4 << 20;
/// Blobs in one page of an upload's state.
pub const UPLOAD_PAGE_BLOBS: usize = 4096;
/// Open uploads in one page of their list; each may have a ticket.
pub const UPLOADS_PAGE: usize = 64;
/// Days an upload may be idle before it is collected.
pub const UPLOAD_IDLE_DAYS: u32 = 7;
/// Bits of the hardest puzzle that a client solves: some seconds of work, whoever asks.
pub const PUZZLE_BITS_MAX: u32 = 24;
/// Bytes of the longest puzzle that a client solves.
pub const PUZZLE_LEN_MAX: usize = 64;
/// Random bytes of an invite.
pub const INVITE_LEN: usize = 20;
/// Blobs in one page of a space's list.
pub const BLOBS_PAGE: usize = 4096;
/// Whole days for which a released blob is kept.
pub const RELEASED_DAYS: u32 = 30;
/// A handle, in characters.
pub const HANDLE_MAX: usize = 32;

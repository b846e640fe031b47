//! The rules: accounts, logins, sessions, spaces, uploads, commits, quota, collection.
//!
//! Enters: decoded requests with the session they came in. Leaves: answers, or a refusal by its code.
//! Never: HTTP, SQL, a key that opens content.

mod accounts;
mod arrivals;
mod blobs;
mod collection;
mod commits;
mod door;
mod error;
mod links;
mod login;
mod permits;
mod rates;
mod sessions;
mod slots;
mod spaces;
mod sweeps;
#[cfg(test)]
mod tests;
mod tries;
mod uploads;
mod vouchers;
mod waits;

use std::sync::Arc;

use anonicloud_proto::api::{RealmAnswer, VERSION};
use anonicloud_proto::ids::{AccountId, RealmId, SpaceId};

pub(crate) use self::arrivals::{BodyBroken, BodyPieces};
pub(crate) use self::blobs::PutBlob;
pub(crate) use self::error::ServiceError;
pub(crate) use self::login::AccountAccess;
pub(crate) use self::permits::{Permit, Permits};
pub(crate) use self::spaces::{Rights, SpaceAccess};

use self::door::SpentPuzzles;
use self::login::Opened;
use self::rates::Rates;
use self::sessions::{SessionKey, Sessions};
use self::slots::Slots;
use self::tries::Tries;
use self::vouchers::Vouchers;
use self::waits::Waits;
use crate::clock::Clock;
use crate::secrets::ServerSecrets;
use crate::store::ObjectIds;
use crate::store::blob::BlobStore;
use crate::store::meta::MetaStore;

/// Sessions of one account, and of one space; the one longest unused makes room.
const SESSIONS_PER_ACCOUNT: usize = 64;
const SESSIONS_PER_SPACE: usize = 256;

/// Bytes over an account's quota for commits and for uploads of few bytes.
const SPARE: u64 = 16 << 20;
/// The same for commits and uploads of few bytes of sessions with the right to manage, which clients prove to remove and to
/// sweep: so there is room for that when nothing else gets on.
const REMOVAL_SPARE: u64 = 2 * SPARE;
/// Heads, of at most 1 MiB and a little, that are kept until they were taken, of one space and in all.
const HEADS_PER_SPACE: usize = 8;
const HEADS: usize = 128;
/// The same for pages of the log, of uploads and of their states, of at most 4 MiB.
const PAGES_PER_SPACE: usize = 8;
const PAGES: usize = 64;
/// The same for blobs, each of which keeps at most 1 MiB. A client has 8 under way.
const DOWNLOADS_PER_SESSION: usize = 16;
const DOWNLOADS_PER_SPACE: usize = 64;
const DOWNLOADS: usize = 256;
/// The same for sigchains.
const SIGCHAINS_PER_ACCOUNT: usize = 2;
const SIGCHAINS: usize = 16;
/// Who waits for a head to move. Each keeps its connection, of which there are 4,096 by default.
const WAITS_PER_SPACE: usize = 32;
const WAITS: usize = 2048;
/// Blobs that arrive, each of which keeps an open file and its last bytes. A client has 8 under way.
const PUTS_PER_SPACE: usize = 64;
const PUTS: usize = 1024;
/// Commits of at most 1 MiB that are read or checked.
const SMALL_COMMITS_PER_SPACE: usize = 4;
const SMALL_COMMITS: usize = 64;
/// Longer ones that are read, which the disk keeps meanwhile, and that are checked.
const LONG_COMMITS_PER_SPACE: usize = 2;
const LONG_COMMITS: usize = 32;
const CHECKED_COMMITS: usize = 4;

/// The service over its stores.
#[derive(Debug)]
pub(crate) struct Service {
    meta: Arc<dyn MetaStore>,
    blobs: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
    secrets: ServerSecrets,
    quota: u64,
    account_sessions: Sessions<AccountId, Opened>,
    space_sessions: Sessions<SpaceId, Rights>,
    vouchers: Vouchers,
    password_tries: Tries,
    spent_puzzles: SpentPuzzles,
    rates: Rates,
    slots: Slots,
    objects: ObjectIds,
    heads: Permits<SpaceId>,
    waits: Waits,
    pages: Permits<SpaceId>,
    downloads: Permits<SpaceId>,
    download_sessions: Permits<SessionKey>,
    sigchains: Permits<AccountId>,
    puts: Permits<SpaceId>,
    small_commits: Permits<SpaceId>,
    long_commits: Permits<SpaceId>,
    checked_commits: Permits<SpaceId>,
}

impl Service {
    /// A service that gives each new account `quota` bytes.
    pub(crate) fn new(
        meta: Arc<dyn MetaStore>,
        blobs: Arc<dyn BlobStore>,
        clock: Arc<dyn Clock>,
        secrets: ServerSecrets,
        quota: u64,
    ) -> Self {
        Self {
            account_sessions: Sessions::new(Arc::clone(&clock), SESSIONS_PER_ACCOUNT),
            space_sessions: Sessions::new(Arc::clone(&clock), SESSIONS_PER_SPACE),
            vouchers: Vouchers::new(Arc::clone(&clock)),
            password_tries: Tries::new(Arc::clone(&clock)),
            spent_puzzles: SpentPuzzles::new(Arc::clone(&clock)),
            rates: Rates::new(Arc::clone(&clock)),
            slots: Slots::default(),
            objects: ObjectIds::new(),
            heads: Permits::new(HEADS, HEADS_PER_SPACE),
            waits: Waits::new(WAITS, WAITS_PER_SPACE),
            pages: Permits::new(PAGES, PAGES_PER_SPACE),
            downloads: Permits::new(DOWNLOADS, DOWNLOADS_PER_SPACE),
            download_sessions: Permits::new(usize::from(u16::MAX), DOWNLOADS_PER_SESSION),
            sigchains: Permits::new(SIGCHAINS, SIGCHAINS_PER_ACCOUNT),
            puts: Permits::new(PUTS, PUTS_PER_SPACE),
            small_commits: Permits::new(SMALL_COMMITS, SMALL_COMMITS_PER_SPACE),
            long_commits: Permits::new(LONG_COMMITS, LONG_COMMITS_PER_SPACE),
            checked_commits: Permits::new(CHECKED_COMMITS, 1),
            meta,
            blobs,
            clock,
            secrets,
            quota,
        }
    }

    /// What a client may know before anything else.
    pub(crate) fn realm(&self) -> RealmAnswer {
        RealmAnswer { realm: *self.secrets.realm(), api_versions: vec![VERSION.to_owned()], quota: self.quota }
    }

    const fn realm_id(&self) -> &RealmId {
        self.secrets.realm()
    }
}

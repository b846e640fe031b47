//! Version records, read side (spec: 2-content, "Version records").
//!
//! The order is that of trust: the hash in the reference, the wrap, the canonical encoding, the layout, the content root.

use core::fmt;
use std::collections::BTreeSet;

use anonicloud_proto::codec::{Decode as _, DecodeError, Encode as _, Reader, Writer};
use anonicloud_proto::ids::{RealmId, SpaceId};
use anonicloud_proto::label::Label;

use super::layout::{AllLeaves, Layout, Leaf, PAGE_LEAVES, Page, segment_count};
use super::reference::{Source, VersionRef, decode_base, encode_base};
use crate::crypto::public::{ContentRoot, FileVersionId};
use crate::crypto::rejected::Rejected;
use crate::crypto::wrap::{WrapContext, open_piece};

/// Sources of one record; a leaf names one of them by 16 bits, 0 being the version itself.
pub(super) const SOURCES_MAX: usize = u16::MAX as usize;

/// What the wrap of a record (version 0) or of a page (its number) is bound to.
pub(super) fn wrap_context<'a>(
    label: Label,
    realm: &'a RealmId,
    space: &'a SpaceId,
    version: &'a FileVersionId,
    number: u64,
) -> WrapContext<'a> {
    WrapContext { label, realm, owner: space.as_bytes(), object: version.as_bytes(), version: number }
}

/// The plaintext of a record.
#[derive(Debug)]
pub(super) struct RecordBody {
    pub(super) size: u64,
    pub(super) mtime: i64,
    pub(super) root: ContentRoot,
    pub(super) predecessor: Option<VersionRef>,
    /// Older versions whose keys seal kept segments, each once.
    pub(super) sources: Vec<Source>,
    pub(super) layout: Layout,
}

impl RecordBody {
    /// Bytes of everything but sources and layout.
    pub(super) const FIXED_LEN: usize = 8 + 8 + 32 + 1 + VersionRef::ENCODED_LEN + 4;

    /// At least the length of the encoding.
    pub(super) fn capacity(&self) -> usize {
        let sources = self.sources.len().saturating_mul(Source::ENCODED_LEN);
        Self::FIXED_LEN.saturating_add(sources).saturating_add(self.layout.encoded_len())
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.u64(self.size);
        out.i64(self.mtime);
        self.root.encode(out);
        encode_base(self.predecessor.as_ref(), out);
        out.list(&self.sources);
        self.layout.encode(out);
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let body = Self {
            size: input.u64()?,
            mtime: input.i64()?,
            root: ContentRoot::decode(&mut input)?,
            predecessor: decode_base(&mut input)?,
            sources: input.list(SOURCES_MAX)?,
            layout: Layout::decode(&mut input)?,
        };
        input.finish()?;
        let versions: BTreeSet<_> = body.sources.iter().map(Source::version).collect();
        if versions.len() == body.sources.len() && body.layout.fits(segment_count(body.size)) {
            Ok(body)
        } else {
            Err(DecodeError::NotCanonical)
        }
    }
}

/// A version record that was opened. Of a file whose leaves stand on pages, these are still to be read.
pub struct VersionRecord {
    realm: RealmId,
    space: SpaceId,
    source: Source,
    body: RecordBody,
}

impl fmt::Debug for VersionRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionRecord({}, ..)", self.source.version())
    }
}

/// Opens the record that `reference` names, out of the stored bytes `piece`.
///
/// # Errors
/// [`Rejected`] when the hash, the key, the space, a byte or a rule of the format differs, or when leaves that stand in the
/// record do not have its content root.
pub fn open_record(
    realm: &RealmId,
    space: &SpaceId,
    reference: &VersionRef,
    piece: &[u8],
) -> Result<VersionRecord, Rejected> {
    reference.record().check(reference.hash(), piece)?;
    let source = reference.source().duplicate();
    let version = source.version();
    let ctx = wrap_context(Label::WrapVersionRecord, realm, space, &version, 0);
    let plain = open_piece(reference.record().suite, &source.record_key(realm), &ctx, piece)?;
    let body = RecordBody::decode(plain.expose_bytes()).map_err(|_| Rejected)?;
    if body.sources.iter().any(|older| older.version() == version) {
        return Err(Rejected);
    }
    let record = VersionRecord { realm: *realm, space: *space, source, body };
    if let Layout::Inline(leaves) = &record.body.layout {
        record.verify(leaves.clone())?;
    }
    Ok(record)
}

/// One page of leaves, opened; [`VersionRecord::verify_pages`] takes all of them.
#[derive(Debug)]
pub struct LeafPage {
    version: FileVersionId,
    number: usize,
    leaves: Vec<Leaf>,
}

impl VersionRecord {
    /// Content bytes of the file.
    pub const fn size(&self) -> u64 {
        self.body.size
    }

    /// When the content last changed, in nanoseconds since 1970 (UTC), as its author's device said.
    pub const fn mtime(&self) -> i64 {
        self.body.mtime
    }

    /// The version that this one replaced, if any.
    pub const fn predecessor(&self) -> Option<&VersionRef> {
        self.body.predecessor.as_ref()
    }

    /// Pages to read before the leaves are known; none when they stand in the record.
    pub fn pages(&self) -> &[Page] {
        match &self.body.layout {
            Layout::Inline(_) => &[],
            Layout::Paged(pages) => pages,
        }
    }

    /// Opens page `number` (from 0) out of the stored bytes `piece`.
    ///
    /// # Errors
    /// [`Rejected`] when there is no such page, or its hash, number, key or a byte differs.
    pub fn open_page(&self, number: usize, piece: &[u8]) -> Result<LeafPage, Rejected> {
        let page = self.pages().get(number).ok_or(Rejected)?;
        page.piece.check(&page.hash, piece)?;
        let version = self.source.version();
        let place = u64::try_from(number).map_err(|_| Rejected)?;
        let ctx = wrap_context(Label::WrapLeafPage, &self.realm, &self.space, &version, place);
        let plain = open_piece(page.piece.suite, &self.source.record_key(&self.realm), &ctx, piece)?;
        let mut input = Reader::new(plain.expose_bytes());
        let leaves = input.list(PAGE_LEAVES).map_err(|_| Rejected)?;
        input.finish().map_err(|_| Rejected)?;
        let full = leaves.len() == PAGE_LEAVES || number.saturating_add(1) == self.pages().len();
        if full { Ok(LeafPage { version, number, leaves }) } else { Err(Rejected) }
    }

    /// The leaves, checked against the content root; `pages` are all pages in order, of a record without pages none.
    ///
    /// # Errors
    /// [`Rejected`] when a page is missing, out of order or another version's, or the content root differs.
    pub fn verify_pages(&self, pages: Vec<LeafPage>) -> Result<AllLeaves, Rejected> {
        let version = self.source.version();
        let in_place = |(number, page): (usize, &LeafPage)| page.number == number && page.version == version;
        if pages.len() != self.pages().len() || !pages.iter().enumerate().all(in_place) {
            return Err(Rejected);
        }
        self.verify(match &self.body.layout {
            Layout::Inline(leaves) => leaves.clone(),
            Layout::Paged(_) => pages.into_iter().flat_map(|page| page.leaves).collect(),
        })
    }

    fn verify(&self, leaves: Vec<Leaf>) -> Result<AllLeaves, Rejected> {
        let own = core::iter::once(&self.source);
        let sources = own.chain(&self.body.sources).map(Source::duplicate).collect();
        AllLeaves::verify(&self.realm, sources, self.body.size, leaves, &self.body.root)
    }
}

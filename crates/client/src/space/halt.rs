//! A space whose server contradicted itself (spec: 3-spaces, "Freshness"): what this device knew and what it was shown instead are
//! kept, and nothing is written from then on.
//!
//! Enters: a commit that some writer of the space signed. Leaves: the evidence. Never: anything that the space is read or written on from.

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::space::code::StateCode;
use anonicloud_core::space::state::LogPlace;
use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::commit::{CommitHeader, LoggedCommit};
use anonicloud_proto::ids::SpaceId;

use super::head::Head;
use crate::client::Client;
use crate::clock::date_of;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::{LocalState, Seen, StateChange, StateError, Table};

/// Halts that are kept of a space: the first, and the newest of those that came after a loss was accepted.
pub(super) const HALTS_MAX: usize = 16;

/// How what was shown contradicts what was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contradiction {
    /// An earlier commit was shown as the newest.
    Older,
    /// Another commit in the same place.
    Replaced,
    /// A later commit that does not go on from the one that was known.
    Forked,
}

impl Contradiction {
    /// The stable name for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Older => "older",
            Self::Replaced => "replaced",
            Self::Forked => "forked",
        }
    }
}

/// A commit of the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sighting {
    /// Its place in the log; the genesis is 0.
    pub seq: u64,
    /// Hash of its full header, in hexadecimal digits.
    pub hash: String,
    /// The full header with its signature, as it stands in the log; of what was known, only if this device kept it.
    pub header: Option<Vec<u8>>,
}

impl Sighting {
    fn new(place: LogPlace, header: Option<&CommitHeader>) -> Self {
        Self { seq: place.seq, hash: place.hash.to_string(), header: header.map(CommitHeader::to_bytes) }
    }
}

/// Why this device writes nothing to the space, or did not until somebody accepted the loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    day: u32,
    known: LogPlace,
    known_header: Option<CommitHeader>,
    shown: CommitHeader,
    /// The day, and what was accepted as the newest commit.
    pub(super) accepted: Option<(u32, LogPlace)>,
}

impl Halt {
    /// The date (`YYYY-MM-DD`) on which it was shown.
    pub fn date(&self) -> String {
        date_of(self.day)
    }

    /// What the two commits say against each other.
    pub fn contradiction(&self) -> Contradiction {
        let shown = self.shown.fields().seq;
        match shown.cmp(&self.known.seq) {
            core::cmp::Ordering::Less => Contradiction::Older,
            core::cmp::Ordering::Equal => Contradiction::Replaced,
            core::cmp::Ordering::Greater => Contradiction::Forked,
        }
    }

    /// The commit that was verified before.
    pub fn known(&self) -> Sighting {
        Sighting::new(self.known, self.known_header.as_ref())
    }

    /// The commit that the server showed then.
    pub fn shown(&self) -> Sighting {
        Sighting::new(place_of(&self.shown), Some(&self.shown))
    }

    /// The date on which somebody accepted the loss, and the commit that was taken for the newest then.
    pub fn accepted(&self) -> Option<(String, Sighting)> {
        self.accepted.map(|(day, place)| (date_of(day), Sighting::new(place, None)))
    }
}

impl Encode for Halt {
    fn encode(&self, out: &mut Writer) {
        out.u32(self.day);
        self.known.encode(out);
        encode_option(self.known_header.as_ref(), out);
        self.shown.encode(out);
        out.u8(u8::from(self.accepted.is_some()));
        if let Some((day, place)) = &self.accepted {
            out.u32(*day);
            place.encode(out);
        }
    }
}

impl Decode for Halt {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            day: input.u32()?,
            known: LogPlace::decode(input)?,
            known_header: if is_some(input)? { Some(CommitHeader::decode(input)?) } else { None },
            shown: CommitHeader::decode(input)?,
            accepted: if is_some(input)? { Some((input.u32()?, LogPlace::decode(input)?)) } else { None },
        })
    }
}

fn encode_option(header: Option<&CommitHeader>, out: &mut Writer) {
    out.u8(u8::from(header.is_some()));
    if let Some(header) = header {
        header.encode(out);
    }
}

fn is_some(input: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match input.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::UnknownVariant),
    }
}

fn place_of(header: &CommitHeader) -> LogPlace {
    LogPlace { seq: header.fields().seq, hash: header.hash() }
}

/// The change that keeps the signed header of the newest commit, if it was just read.
pub(super) fn keep_signed(head: &Head) -> Option<StateChange> {
    let signed = head.signed.as_ref()?;
    Some(StateChange::put(Table::Heads, &signed_key(&head.state.space()), signed.to_bytes()))
}

fn signed_key(space: &SpaceId) -> Vec<u8> {
    [b"signed".as_slice(), space.as_bytes()].concat()
}

/// The change that keeps the halts of a space.
pub(super) fn keep_halts(space: &SpaceId, halts: &[Halt]) -> StateChange {
    let mut out = Writer::default();
    out.list(halts);
    StateChange::put(Table::Halts, space.as_bytes(), out.into_bytes())
}

fn read_halts(row: &[u8]) -> Result<Vec<Halt>, DecodeError> {
    let mut input = Reader::new(row);
    let halts = input.list(HALTS_MAX)?;
    input.finish()?;
    Ok(halts)
}

/// The halt of the space, unless somebody accepted the loss.
pub(super) fn standing(halts: &[Halt]) -> Option<&Halt> {
    halts.last().filter(|halt| halt.accepted.is_none())
}

/// Whether a look that began at `base` may be of before another process of this device accepted a loss, when `kept` is durable
/// now: what it met may be what was accepted. What is durable sinks only then; once a loss was accepted, it may also have
/// risen again. If there is a contradiction, the next look, which begins at `kept`, meets it.
fn is_of_before(base: LogPlace, kept: LogPlace, is_accepted: bool) -> bool {
    kept.seq < base.seq || (kept.seq == base.seq && kept.hash != base.hash) || (is_accepted && kept != base)
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Why this device does not write to its space, and why it did not before somebody accepted the loss: the oldest first.
    ///
    /// # Errors
    /// When the local state is damaged.
    pub async fn halts(&self) -> Result<Vec<Halt>, OperationError> {
        Ok(self.kept_halts().await?.0)
    }

    /// The place of the newest commit, and the code of all up to it, which two devices compare.
    ///
    /// # Errors
    /// When the server does not answer or verify; with [`Client::offline`], when nothing is kept.
    pub async fn state_code(&self) -> Result<(u64, StateCode), OperationError> {
        self.sync().await?;
        let state = self.known_head()?;
        Ok((state.head().seq, state.code(self.realm())))
    }

    pub(super) async fn kept_halts(&self) -> Result<(Vec<Halt>, Seen), OperationError> {
        let (row, seen) = self.state().read_seen(Table::Halts, self.door().space().as_bytes()).await?;
        let halts = row.map(|row| read_halts(&row)).transpose().map_err(|_| StateError::Corrupt)?;
        Ok((halts.unwrap_or_default(), seen))
    }

    /// Stops before anything is sent that would change the space. Whatever changes it does so by itself; who asks the server
    /// something first does so before.
    ///
    /// # Errors
    /// [`OperationError::SpaceHalted`] when the space is halted.
    pub async fn refuse_halted(&self) -> Result<(), OperationError> {
        match standing(&self.halts().await?) {
            Some(_) => Err(OperationError::SpaceHalted),
            None => Ok(()),
        }
    }

    /// What is to be answered when the server shows `shown` to who knows `known`, and knew `base` when this look began. When a
    /// writer of the space made it, the space is halted, durably, before this returns.
    pub(super) async fn contradicted(
        &self,
        base: Option<LogPlace>,
        known: (LogPlace, Option<&CommitHeader>),
        shown: &LoggedCommit,
    ) -> OperationError {
        if self.private_space().borrow().check_genuine(shown).is_err() {
            return Rejected.into();
        }
        match self.halt(base, known, &shown.header).await {
            Ok(()) => OperationError::RolledBack,
            Err(error) => error,
        }
    }

    /// Halts the space for a commit that is genuine.
    pub(super) async fn halt(
        &self,
        base: Option<LogPlace>,
        (known, header): (LogPlace, Option<&CommitHeader>),
        shown: &CommitHeader,
    ) -> Result<(), OperationError> {
        let space = self.door().space();
        loop {
            let (kept, seen_head) = self.kept_state().await?;
            let (mut halts, seen_halts) = self.kept_halts().await?;
            // A device that knows nothing has nothing that can be contradicted.
            let Some(kept) = kept.map(|kept| kept.head()) else { return Ok(()) };
            let base = base.or_else(|| self.head().borrow().as_ref().map(|head| head.state.head())).unwrap_or(kept);
            if standing(&halts).is_some() || is_of_before(base, kept, !halts.is_empty()) {
                return Ok(());
            }
            let known_header = match header.filter(|header| header.hash() == known.hash) {
                Some(header) => Some(header.clone()),
                None => self.kept_signed(known).await?,
            };
            if halts.len() == HALTS_MAX {
                halts.remove(1);
            }
            let day = self.clock().today();
            halts.push(Halt { day, known, known_header, shown: shown.clone(), accepted: None });
            if self.state().apply_if(&[seen_head, seen_halts], &[keep_halts(&space, &halts)]).await? {
                return Ok(());
            }
        }
    }

    /// The signed header of the commit at this place, if it is the one that is kept.
    async fn kept_signed(&self, place: LogPlace) -> Result<Option<CommitHeader>, OperationError> {
        let row = self.state().read(Table::Heads, &signed_key(&self.door().space())).await?;
        let header = row.map(|row| CommitHeader::from_bytes(&row)).transpose().map_err(|_| StateError::Corrupt)?;
        Ok(header.filter(|header| header.hash() == place.hash))
    }
}

#[cfg(test)]
mod tests {
    use anonicloud_proto::hash::ChainHash;

    use super::*;

    #[test]
    fn a_look_that_began_before_a_loss_was_accepted_halts_nothing() {
        let at = |seq, of: &[u8]| LogPlace { seq, hash: ChainHash::of(of) };
        let base = at(10, b"lost");
        // The durable head, whether a loss was ever accepted, and whether the look may be of before.
        let cases = [
            (base, false, false),
            (base, true, false),
            (at(11, b"next"), false, false),
            (at(9, b"shown"), true, true),
            (at(10, b"shown"), true, true),
            (at(11, b"after what was shown"), true, true),
        ];
        for (kept, is_accepted, expected) in cases {
            assert_eq!(is_of_before(base, kept, is_accepted), expected, "{kept:?}, {is_accepted}");
        }
    }
}

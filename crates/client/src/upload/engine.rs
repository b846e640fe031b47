//! The upload engine: up to eight requests under way, files assembled as their segments arrive, packs and commits between.
//!
//! Write order: a pack is in the journal before it is sent, and no later than what refers to it; every blob is durable before
//! the commit that names it, and the journal forgets a pack only when its commit is acknowledged. A process that dies anywhere
//! goes on from there.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use anonicloud_core::content::pack::PackBuilder;
use anonicloud_core::tree::edit::Edit;
use anonicloud_core::tree::name::RemotePath;
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::ids::{BlobId, UploadId};
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};

use super::assembly::{Assembly, Slot};
use super::begun::Begun;
use super::content::LoadError;
use super::file::FileTask;
use super::jobs::Job;
use super::journal::Journal;
use super::packer::Packed;
use super::request::PutReport;
use super::reservation::Reservation;
use super::segment::{Prepared, PreparedSegment, SealedBlob};
use super::small::Gathered;
use super::staged::StagedFile;
use super::tickets::OpenTicket;
use crate::client::Client;
use crate::error::OperationError;
use crate::progress::Progress;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::space::reached::Needs;
use crate::state::LocalState;

/// Requests under way at once.
pub(super) const IN_FLIGHT: usize = 8;

/// What a finished future brings.
pub(super) enum Arrival {
    /// A segment, with the bytes that went over the wire for it.
    Segment { file: u64, index: u64, content_len: u64, outcome: Outcome, sent: u64 },
    /// A segment that could not be read.
    Unreadable { file: u64, error: LoadError },
    /// A pack.
    Pack { added: AddedBlob, sent: u64 },
    /// Small files in packs of their own.
    Small { packed: Packed, sent: u64 },
}

/// Where a segment is now.
pub(super) enum Outcome {
    Slot(Slot, Option<AddedBlob>),
    Piece { hash: anonicloud_core::crypto::public::SegmentHash, sealed: Vec<u8> },
}

/// An entry whose blobs are on their way, and what to tidy up once it is committed.
pub(super) struct Ready {
    pub(super) edit: Edit,
    pub(super) adds: Vec<AddedBlob>,
    /// Its ticket's key in the local state.
    pub(super) ticket: Option<Vec<u8>>,
    /// Its own upload.
    pub(super) upload: Option<UploadId>,
    /// The path that progress shows.
    pub(super) shown: Option<String>,
}

/// One run over the sources of a job.
pub(super) struct Uploader<'a, R: Remote, S: LocalState> {
    pub(super) client: &'a Client<R, S>,
    pub(super) progress: &'a dyn Progress,
    pub(super) reservation: Rc<Reservation>,
    /// What is sent; of a stream or a ticket, nothing.
    pub(super) job: Option<&'a Job>,
    pub(super) journal: Rc<Journal<'a, S>>,
    pub(super) flights: FuturesUnordered<LocalBoxFuture<'a, Result<Arrival, OperationError>>>,
    pub(super) files: HashMap<u64, Assembly>,
    pub(super) next_file: u64,
    pub(super) pack: PackBuilder,
    pub(super) packs_in_flight: usize,
    /// Small files that wait to be prepared together.
    pub(super) gathered: Gathered,
    pub(super) small_in_flight: usize,
    /// Files whose record lies in the pack that is being filled.
    pub(super) in_pack: Vec<StagedFile>,
    /// What the records in that pack need.
    pub(super) in_pack_needs: Vec<Needs>,
    /// The same of packs that are not committed.
    pub(super) needs: HashMap<BlobId, Vec<Needs>>,
    /// Lengths of all packs that this run has filled or taken up, committed ones too.
    pub(super) pack_sizes: HashMap<BlobId, u64>,
    /// Whether segments of a version that is replaced may be kept.
    pub(super) keeps: bool,
    /// Journal keys of packs that are not committed.
    pub(super) staged: Vec<BlobId>,
    /// Packs that arrived and are not committed.
    pub(super) adds: Vec<AddedBlob>,
    pub(super) ready: Vec<Ready>,
    /// Files to be read once more.
    pub(super) again: Vec<FileTask>,
    /// What earlier runs began of small files, by path.
    pub(super) begun: HashMap<RemotePath, Begun>,
    /// The ticket that the next large file goes on with.
    pub(super) adopted: Option<OpenTicket>,
    /// Tickets of the server, once they were asked for.
    pub(super) remote_tickets: Option<Vec<OpenTicket>>,
    /// When there was nothing to commit, the time of the last look.
    pub(super) last_commit: Instant,
    pub(super) report: PutReport,
}

impl<'a, R: Remote, S: LocalState> Uploader<'a, R, S> {
    pub(super) fn new(client: &'a Client<R, S>, upload: UploadId, progress: &'a dyn Progress) -> Self {
        Self {
            client,
            progress,
            reservation: Rc::new(Reservation::new(upload)),
            job: None,
            journal: Rc::new(Journal::new(client.state())),
            flights: FuturesUnordered::new(),
            files: HashMap::new(),
            next_file: 0,
            pack: PackBuilder::make(&mut SystemRandom),
            packs_in_flight: 0,
            gathered: Gathered::default(),
            small_in_flight: 0,
            in_pack: Vec::new(),
            in_pack_needs: Vec::new(),
            needs: HashMap::new(),
            pack_sizes: HashMap::new(),
            keeps: true,
            staged: Vec::new(),
            adds: Vec::new(),
            ready: Vec::new(),
            again: Vec::new(),
            begun: HashMap::new(),
            adopted: None,
            remote_tickets: None,
            last_commit: Instant::now(),
            report: PutReport::default(),
        }
    }

    /// Waits until a request may begin.
    pub(super) async fn make_room(&mut self) -> Result<(), OperationError> {
        while self.flights.len() >= IN_FLIGHT {
            self.land_one().await?;
        }
        Ok(())
    }

    /// Takes in what has arrived already, and lets what was just begun start.
    pub(super) fn land_arrived(&mut self) -> Result<(), OperationError> {
        while let Some(Some(arrival)) = self.flights.next().now_or_never() {
            self.land(arrival?)?;
        }
        Ok(())
    }

    /// Waits until nothing is under way, and no file waits for a segment.
    pub(super) async fn land_all(&mut self) -> Result<(), OperationError> {
        while !self.flights.is_empty() {
            self.land_one().await?;
        }
        Ok(())
    }

    /// Takes in the next thing that arrives.
    pub(super) async fn land_one(&mut self) -> Result<(), OperationError> {
        match self.flights.next().await {
            Some(arrival) => self.land(arrival?),
            None => Ok(()),
        }
    }

    fn land(&mut self, arrival: Arrival) -> Result<(), OperationError> {
        match arrival {
            Arrival::Pack { added, sent } => {
                self.packs_in_flight -= 1;
                self.adds.push(added);
                self.report.bytes_sent += sent;
                Ok(())
            }
            Arrival::Segment { file, index, content_len, outcome, sent } => {
                self.report.bytes_sent += sent;
                let stored = matches!(outcome, Outcome::Slot(..)) && sent == 0;
                if stored {
                    self.progress.skip(content_len);
                } else {
                    self.progress.advance(content_len);
                }
                self.land_segment(file, index, outcome)
            }
            Arrival::Unreadable { file, error } => {
                self.abandon(file, error);
                Ok(())
            }
            Arrival::Small { packed, sent } => {
                self.report.bytes_sent += sent;
                self.land_small(packed);
                Ok(())
            }
        }
    }

    fn land_segment(&mut self, file: u64, index: u64, outcome: Outcome) -> Result<(), OperationError> {
        let slot = match outcome {
            Outcome::Slot(slot, added) => {
                if let (Some(assembly), Some(added)) = (self.files.get_mut(&file), added) {
                    assembly.adds.push(added);
                }
                slot
            }
            Outcome::Piece { hash, sealed } => {
                let placed = self.place(&sealed)?;
                Slot::Placed(hash, placed.blob, placed.offset)
            }
        };
        if let Some(assembly) = self.files.get_mut(&file) {
            assembly.arrive(index, slot);
        }
        self.finish_if_complete(file)
    }

    /// Sends segment `index` of `file` on its way.
    pub(super) fn launch(&mut self, file: u64, index: u64, content: super::content::SegmentContent) {
        let Some(assembly) = self.files.get_mut(&file) else {
            return;
        };
        assembly.begin(index);
        let keys = std::sync::Arc::clone(&assembly.keys);
        let reservation = Rc::clone(&assembly.reservation);
        let promised = assembly.own_upload;
        let client = self.client;
        let journal = Rc::clone(&self.journal);
        self.flights.push(Box::pin(async move {
            let buffers = client.buffers().clone();
            let segment = match super::segment::prepare(keys, index, content, buffers).await {
                Ok(segment) => segment,
                Err(error) => return Ok(Arrival::Unreadable { file, error }),
            };
            if let (Prepared::Blob { blob, .. }, false) = (&segment.prepared, promised) {
                reservation.add(client.remote(), client.door(), blob.size()).await?;
            }
            // The file's ticket comes first.
            journal.settle().await?;
            deliver(client, file, segment, &reservation).await
        }));
    }

    /// Sends a pack on its way, once it is in the journal.
    pub(super) fn launch_pack(&mut self, blob: SealedBlob, offset: u64) {
        let (client, reservation) = (self.client, Rc::clone(&self.reservation));
        let journal = Rc::clone(&self.journal);
        self.packs_in_flight += 1;
        self.flights.push(Box::pin(async move {
            journal.settle().await?;
            reservation.add(client.remote(), client.door(), blob.size()).await?;
            let sent = reservation.send(client.remote(), client.door(), &blob, offset).await?;
            Ok(Arrival::Pack { added: blob.added(), sent })
        }));
    }
}

async fn deliver<R: Remote, S: LocalState>(
    client: &Client<R, S>,
    file: u64,
    segment: PreparedSegment,
    reservation: &Reservation,
) -> Result<Arrival, OperationError> {
    let PreparedSegment { index, content_len, prepared } = segment;
    let mut sent = 0;
    let outcome = match prepared {
        Prepared::Kept => Outcome::Slot(Slot::Kept, None),
        Prepared::Stored { hash, added } => Outcome::Slot(Slot::Placed(hash, added.blob, 0), Some(added)),
        Prepared::Piece { hash, sealed } => Outcome::Piece { hash, sealed },
        Prepared::Blob { hash, blob, offset } => {
            sent = reservation.send(client.remote(), client.door(), &blob, offset).await?;
            Outcome::Slot(Slot::Placed(hash, blob.blob, 0), Some(blob.added()))
        }
    };
    Ok(Arrival::Segment { file, index, content_len, outcome, sent })
}

//! Uploads that end while their blobs arrive: no file stays that no row names.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;
use crate::service::BodyPieces;
use crate::store::blob::{Answer, BlobError, BlobReader, BlobStore, BlobWriter, Spill};
use crate::store::{Day, ObjectId};
use anonicloud_proto::api::BlobProgress;

const UPLOAD: UploadId = UploadId::from_bytes([1; 16]);

/// Holds each object back between its row and its file.
#[derive(Debug)]
struct Gated {
    inner: FileBlobs,
    reached: Semaphore,
    open: Semaphore,
    /// The next removal fails.
    fails: AtomicBool,
}

impl BlobStore for Gated {
    fn durable_lens(&self, objects: Vec<ObjectId>) -> Answer<'_, Vec<u64>> {
        self.inner.durable_lens(objects)
    }

    fn write(&self, object: ObjectId, offset: u64) -> Answer<'_, Option<Box<dyn BlobWriter>>> {
        Box::pin(async move {
            self.reached.add_permits(1);
            self.open.acquire().await.unwrap().forget();
            self.inner.write(object, offset).await
        })
    }

    fn read(&self, object: ObjectId, range: Range<u64>) -> Answer<'_, BlobReader> {
        self.inner.read(object, range)
    }

    fn remove(&self, object: ObjectId) -> Answer<'_, ()> {
        if self.fails.swap(false, Ordering::SeqCst) {
            return Box::pin(async { Err(BlobError::Engine(io::Error::other("made to fail"))) });
        }
        self.inner.remove(object)
    }

    fn spill(&self) -> Answer<'_, Box<dyn Spill>> {
        self.inner.spill()
    }

    fn list(&self, first: u8, before: Day) -> Answer<'_, Vec<ObjectId>> {
        self.inner.list(first, before)
    }
}

/// How the bytes of a blob end.
#[derive(Debug, Clone, Copy)]
enum Arrival {
    Whole,
    Short,
    Long,
    Other,
    Broken,
    /// They stay away, until somebody stops who waits for them.
    Away,
}

const ARRIVALS: [Arrival; 6] =
    [Arrival::Whole, Arrival::Short, Arrival::Long, Arrival::Other, Arrival::Broken, Arrival::Away];

/// Who ends the upload.
#[derive(Debug, Clone, Copy)]
enum Ender {
    Request,
    Collector,
    /// One that ended the rows, and was stopped before it removed a file.
    Stopped,
}

impl Arrival {
    fn body(self) -> BodyPieces {
        let pieces = |bytes: &'static [u8]| stream::iter([Ok(Bytes::from_static(bytes))]);
        match self {
            Self::Whole => pieces(CONTENT).boxed(),
            Self::Short => pieces(&CONTENT[..2]).boxed(),
            Self::Long => pieces(CONTENT).chain(pieces(b"more")).boxed(),
            Self::Other => pieces(&[8; 16 << 10]).boxed(),
            Self::Broken => pieces(&CONTENT[..2]).chain(stream::iter([Err(BodyBroken::Cut)])).boxed(),
            Self::Away => pieces(&CONTENT[..2]).chain(stream::pending()).boxed(),
        }
    }
}

/// A service whose blobs wait at the gate, and a session of it.
struct Gate {
    service: Arc<Service>,
    store: Arc<Gated>,
    access: SpaceAccess,
    clock: Arc<ManualClock>,
    folder: TempDir,
}

impl Gate {
    async fn new() -> Self {
        let mut fixture = Fixture::new().await;
        let time: Arc<dyn Clock> = Arc::clone(&fixture.clock) as Arc<dyn Clock>;
        let inner = FileBlobs::open(&fixture.folder.path().join("blobs"), time).unwrap();
        let (reached, open) = (Semaphore::new(0), Semaphore::new(0));
        let store = Arc::new(Gated { inner, reached, open, fails: AtomicBool::new(false) });
        fixture.service.blobs = Arc::clone(&store) as Arc<dyn BlobStore>;
        let access = fixture.access().await;
        let open = OpenUpload { upload: UPLOAD, bytes: 4 * FLOOR };
        fixture.service.open_upload(&access, &open).await.unwrap();
        let Fixture { service, clock, key: _, folder } = fixture;
        Self { service: Arc::new(service), store, access, clock, folder }
    }

    fn send(&self, name: u8, arrival: Arrival) -> JoinHandle<Result<BlobProgress, ServiceError>> {
        let (service, access) = (Arc::clone(&self.service), self.access.clone());
        let (blob, hash) = (BlobId::from_bytes([name; 32]), StoredHash::of(CONTENT));
        let put = PutBlob { upload: UPLOAD, blob, offset: 0, size: FLOOR, hash };
        tokio::spawn(async move { service.put_blob(&access, put, arrival.body()).await })
    }

    fn end(&self, ender: Ender) -> JoinHandle<()> {
        let (service, access) = (Arc::clone(&self.service), self.access.clone());
        self.clock.pass_days(8);
        tokio::spawn(async move {
            match ender {
                Ender::Request => service.end_upload(&access, UPLOAD).await.unwrap(),
                Ender::Collector => assert_eq!(service.collect_uploads().await.unwrap(), 1),
                Ender::Stopped => drop(service.meta.end_upload(access.space(), UPLOAD).await.unwrap()),
            }
        })
    }

    /// Waits until no row names a blob.
    async fn row_gone(&self, name: u8) {
        while self.service.meta.blob(self.access.space(), BlobId::from_bytes([name; 32])).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    }

    fn stored_files(&self) -> usize {
        stored_files(&self.folder)
    }
}

/// Ends the upload when the row of its blob is there and the file is not, then lets the bytes come.
async fn nothing_stays(ender: Ender) {
    for arrival in ARRIVALS {
        let gate = Gate::new().await;
        let sending = gate.send(1, arrival);
        gate.store.reached.acquire().await.unwrap().forget();
        let ending = gate.end(ender);
        gate.row_gone(1).await;
        gate.store.open.add_permits(1);
        if matches!((arrival, ender), (Arrival::Away, Ender::Stopped)) {
            // Whose upload is gone, and who takes the place of the first all the same.
            let second = gate.send(1, Arrival::Whole).await.unwrap().unwrap_err();
            assert_eq!(code(&second), Some(ErrorCode::NotFound));
        }
        let failure = sending.await.unwrap().unwrap_err();
        assert!(matches!(failure, ServiceError::Refused(_)), "{arrival:?}: {failure:?}");
        ending.await.unwrap();
        assert_eq!(gate.stored_files(), 0, "{arrival:?}");
    }
}

#[tokio::test]
async fn a_request_that_ends_an_upload_stops_who_sends_and_leaves_no_file() {
    nothing_stays(Ender::Request).await;
}

#[tokio::test]
async fn the_collector_stops_who_sends_and_leaves_no_file() {
    nothing_stays(Ender::Collector).await;
}

#[tokio::test]
async fn who_sends_for_an_upload_that_ended_unheard_leaves_no_file() {
    nothing_stays(Ender::Stopped).await;
}

#[tokio::test]
async fn one_file_that_cannot_be_removed_keeps_no_other() {
    let gate = Gate::new().await;
    gate.store.open.add_permits(2);
    for name in [1, 2] {
        assert!(gate.send(name, Arrival::Whole).await.unwrap().unwrap().complete);
    }
    gate.store.fails.store(true, Ordering::SeqCst);
    gate.service.end_upload(&gate.access, UPLOAD).await.unwrap_err();
    assert_eq!(gate.stored_files(), 1);
}

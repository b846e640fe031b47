//! What every blob store must do. `open` gives the same store again each time, so that what is durable shows.

use bytes::Bytes;
use futures::TryStreamExt as _;

use super::{BlobError, BlobStore, Written};
use crate::store::{Day, ObjectId};

/// Runs the suite over a store that is empty at first.
pub(crate) async fn suite<S: BlobStore>(open: impl Fn() -> S) {
    whole_objects(&open).await;
    cut_objects(&open).await;
    lists(&open()).await;
    spills(&open()).await;
}

async fn spills(store: &impl BlobStore) {
    let (mut one, mut other) = (store.spill().await.unwrap(), store.spill().await.unwrap());
    let bytes = content((2 << 20) + 1);
    for piece in [bytes.slice(..1), Bytes::new(), bytes.slice(1..)] {
        one.append(piece).await.unwrap();
    }
    other.append(Bytes::from_static(b"other")).await.unwrap();
    assert!(one.read().await.unwrap() == bytes);
    assert_eq!(other.read().await.unwrap(), b"other".as_slice());
    assert!(store.spill().await.unwrap().read().await.unwrap().is_empty());
}

fn object(name: u8) -> ObjectId {
    ObjectId::from_bytes([name; 16])
}

fn content(len: usize) -> Bytes {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    Bytes::from(bytes)
}

async fn read(store: &impl BlobStore, name: u8, from: u64, to: u64) -> Result<Vec<u8>, BlobError> {
    let pieces: Vec<Bytes> = store.read(object(name), from..to).await?.try_collect().await?;
    Ok(pieces.concat())
}

async fn durable_len(store: &impl BlobStore, name: u8) -> u64 {
    let lens = store.durable_lens(vec![object(name)]).await.unwrap();
    assert_eq!(lens.len(), 1);
    lens[0]
}

async fn whole_objects<S: BlobStore>(open: &impl Fn() -> S) {
    let store = open();
    let bytes = content((3 << 20) + 5);
    assert_eq!(durable_len(&store, 1).await, 0);
    assert!(store.write(object(1), 1).await.unwrap().is_none());
    let mut writer = store.write(object(1), 0).await.unwrap().unwrap();
    let mut rest = bytes.clone();
    // Pieces as they come from a connection, an empty one among them.
    for len in [1, 0, 16 << 10, 1 << 20, 700_000] {
        writer.append(rest.split_to(len)).await.unwrap();
    }
    writer.append(rest).await.unwrap();
    assert_eq!(writer.len(), bytes.len() as u64);
    let written = writer.finish().await.unwrap();
    let expected = Written { len: bytes.len() as u64, hash: *blake3::hash(&bytes).as_bytes() };
    assert_eq!(written, expected);
    drop(store);
    let store = open();
    let len = bytes.len() as u64;
    assert_eq!(durable_len(&store, 1).await, len);
    for (from, to) in [(0, len), (0, 0), (len - 1, len), (524_287, 1_048_577)] {
        let (start, end) = (usize::try_from(from).unwrap(), usize::try_from(to).unwrap());
        assert!(read(&store, 1, from, to).await.unwrap() == bytes[start..end], "{from}..{to}");
    }
    let short = read(&store, 1, 0, len + 1).await.unwrap_err();
    assert!(matches!(short, BlobError::Missing));
    let none = read(&store, 2, 0, 1).await.unwrap_err();
    assert!(matches!(none, BlobError::Missing));
}

async fn cut_objects<S: BlobStore>(open: &impl Fn() -> S) {
    let bytes = content(2 << 20);
    let hash = *blake3::hash(&bytes).as_bytes();
    // With the store reopened the hash of the beginning is not in memory; both must come to the same.
    for (name, cut, back, reopen) in
        [(10, 5, 0, false), (11, 1 << 20, 0, true), (12, 600_000, 1000, false), (13, 600_000, 600_000, true)]
    {
        let store = open();
        let mut writer = store.write(object(name), 0).await.unwrap().unwrap();
        writer.append(bytes.slice(..cut)).await.unwrap();
        writer.leave().await.unwrap();
        let store = if reopen { open() } else { store };
        assert_eq!(durable_len(&store, name).await, cut as u64);
        assert!(store.write(object(name), cut as u64 + 1).await.unwrap().is_none());
        let from = cut - back;
        let mut writer = store.write(object(name), from as u64).await.unwrap().unwrap();
        assert_eq!(writer.len(), from as u64);
        writer.append(bytes.slice(from..)).await.unwrap();
        let written = writer.finish().await.unwrap();
        assert_eq!((written.len, written.hash), (bytes.len() as u64, hash), "object {name}");
    }
}

async fn lists(store: &impl BlobStore) {
    let objects = [[200; 16], [201; 16]].map(ObjectId::from_bytes);
    for object in objects {
        let mut writer = store.write(object, 0).await.unwrap().unwrap();
        writer.append(content(1)).await.unwrap();
        writer.finish().await.unwrap();
    }
    let later = Day(u32::MAX);
    assert_eq!(store.list(200, later).await.unwrap(), [objects[0]]);
    // Written on no day before the first one.
    assert!(store.list(200, Day(0)).await.unwrap().is_empty());
    for _ in 0..2 {
        store.remove(objects[0]).await.unwrap();
        assert!(store.list(200, later).await.unwrap().is_empty());
    }
    assert_eq!(store.durable_lens(vec![objects[1], objects[0]]).await.unwrap(), [1, 0]);
    assert_eq!(store.list(201, later).await.unwrap(), [objects[1]]);
}

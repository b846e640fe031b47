//! Commits and the log.

use anonicloud_proto::ids::SpaceId;

use super::super::{CommitOutcome, LogRow, MetaStore, NewCommit};
use super::{commit, hash, limits, new_account, request, usage};

/// Of commits behind the same head one wins, and the log keeps it.
pub(super) async fn suite<S: MetaStore, F: Future<Output = S>>(open: &impl Fn() -> F) {
    let store = open().await;
    store.register(new_account(20)).await.unwrap();
    let space = SpaceId::from_bytes([20; 32]);
    let first = commit(20, 1, hash(20, 0), &[]);
    // Two commits behind the same head at once: one of them.
    let mut rival = first.clone();
    rival.hash = hash(20, 77);
    let outcomes = tokio::join!(store.append_commit(first.clone(), 0), store.append_commit(rival, 0));
    let outcomes = [outcomes.0.unwrap(), outcomes.1.unwrap()];
    assert!(outcomes.contains(&CommitOutcome::Applied) && outcomes.contains(&CommitOutcome::HeadMoved));
    let mut head = store.head(space).await.unwrap().unwrap().hash;
    for seq in 2..6 {
        let next = commit(20, seq, head, &[]);
        head = next.hash;
        assert_eq!(store.append_commit(next, 0).await.unwrap(), CommitOutcome::Applied);
    }
    drop(store);
    let store = open().await;
    let found = store.head(space).await.unwrap().unwrap();
    assert_eq!((found.hash, found.frontier), (head, vec![5; 8]));
    let seqs = |rows: Vec<LogRow>| rows.iter().map(|row| row.header[1]).collect::<Vec<_>>();
    let page = async |from, count, bytes| seqs(store.log(space, from, count, bytes).await.unwrap());
    assert_eq!(page(0, 256, 1 << 20).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(page(4, 256, 1 << 20).await, [4, 5]);
    assert_eq!(page(1, 2, 1 << 20).await, [1, 2]);
    assert_eq!(page(1, 256, 204).await, [1, 2]);
    assert_eq!(page(1, 256, 1).await, [1]);
    assert!(page(6, 256, 1 << 20).await.is_empty());
    assert!(page(u64::MAX, 256, 1 << 20).await.is_empty());
}

/// A commit counts like what it adds, and may go over the quota by what is to spare.
pub(super) async fn charged(store: &impl MetaStore) {
    store.register(new_account(21)).await.unwrap();
    store.open_upload(request(21, 1, 30_000), 9900, limits(1)).await.unwrap();
    let first = commit(21, 1, hash(21, 0), &[]);
    let append = async |commit: &NewCommit, spare| store.append_commit(commit.clone(), spare).await.unwrap();
    assert_eq!(append(&first, 1).await, CommitOutcome::QuotaExceeded);
    assert_eq!(usage(store, 21).await, (0, 9900));
    assert_eq!(append(&first, 2).await, CommitOutcome::Applied);
    assert_eq!(usage(store, 21).await, (102, 9900));
    assert_eq!(append(&commit(21, 2, hash(21, 1), &[]), 103).await, CommitOutcome::QuotaExceeded);
}

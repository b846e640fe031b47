//! What one connection carries: how many requests are under way, and how fast its peer takes what it asked for.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

/// How often a peer is looked at that has an answer to take: its system may take hundreds of KiB at a time, and nothing
/// until they are read.
const GLANCE: Duration = Duration::from_secs(90);
/// What it must have taken by the next look: half a KiB a second, since a slow line is shared by many connections.
const LEAST_TAKEN: u64 = 90 << 9;

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    requests: watch::Sender<Requests>,
    written: AtomicU64,
    left: Notify,
    is_left: AtomicBool,
}

#[derive(Debug, Default)]
struct Requests {
    under_way: usize,
}

impl Traffic {
    /// Notes bytes that the peer's system took.
    pub(super) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Begins a request, which is under way as long as what this gives.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.requests.send_modify(|requests| requests.under_way += 1);
        UnderWay(Arc::clone(self))
    }

    /// Waits until the connection had no request for so long.
    pub(super) async fn unused(&self, long: Duration) {
        let mut requests = self.requests.subscribe();
        // The sender is here, so neither wait ends by its end.
        loop {
            drop(requests.wait_for(|requests| requests.under_way == 0).await);
            if timeout(long, requests.changed()).await.is_err() {
                return;
            }
        }
    }

    /// Waits until the peer, for which something is ready all the time, takes too little of it.
    pub(super) async fn stalled(&self) {
        loop {
            let before = self.written.load(Ordering::Relaxed);
            sleep(GLANCE).await;
            if self.written.load(Ordering::Relaxed) - before < LEAST_TAKEN {
                return;
            }
        }
    }

    /// Gives the connection up.
    pub(super) fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
        self.left.notify_one();
    }

    /// Whether the connection was given up: nothing is to be answered over it any more.
    pub(super) fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }

    /// Waits until the connection is given up.
    pub(super) async fn left(&self) {
        self.left.notified().await;
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Traffic>);

impl UnderWay {
    /// The connection it came over.
    pub(super) const fn traffic(&self) -> &Arc<Traffic> {
        &self.0
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.requests.send_modify(|requests| requests.under_way -= 1);
    }
}

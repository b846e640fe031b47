//! When to try again: exponential back-off with full jitter, so that the clients of a server that comes back do not come all
//! at once. A browser's own network stack waits for connections: there, three tries without delay.

use std::time::Duration;

#[cfg(not(target_arch = "wasm32"))]
use tokio::time::{Instant, sleep};

#[cfg(not(target_arch = "wasm32"))]
const FIRST_DELAY: Duration = Duration::from_millis(200);
#[cfg(not(target_arch = "wasm32"))]
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// The tries of one request.
#[cfg(not(target_arch = "wasm32"))]
pub(super) struct Pace {
    patience: Duration,
    gives_up_at: Option<Instant>,
    delay: Duration,
}

#[cfg(not(target_arch = "wasm32"))]
impl Pace {
    pub(super) const fn new(patience: Duration) -> Self {
        Self { patience, gives_up_at: None, delay: FIRST_DELAY }
    }

    /// After a failure: waits and gives true, or false when the patience is at its end.
    pub(super) async fn wait(&mut self) -> bool {
        let now = Instant::now();
        let gives_up_at = *self.gives_up_at.get_or_insert(now + self.patience);
        // Without randomness all the clients of this machine wait alike, which is no reason to give up.
        let share = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        let delay = self.delay.mul_f64(share);
        self.delay = LONGEST_DELAY.min(self.delay * 2);
        if now + delay >= gives_up_at {
            return false;
        }
        sleep(delay).await;
        true
    }
}

#[cfg(target_arch = "wasm32")]
const TRIES: u32 = 3;

/// The tries of one request.
#[cfg(target_arch = "wasm32")]
pub(super) struct Pace {
    left: u32,
}

#[cfg(target_arch = "wasm32")]
impl Pace {
    pub(super) const fn new(patience: Duration) -> Self {
        Self { left: if patience.is_zero() { 0 } else { TRIES - 1 } }
    }

    /// After a failure: whether to try again.
    #[expect(clippy::unused_async, reason = "the native twin waits")]
    pub(super) async fn wait(&mut self) -> bool {
        let again = self.left > 0;
        self.left = self.left.saturating_sub(1);
        again
    }
}

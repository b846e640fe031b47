//! When to try again: exponential back-off with full jitter, so that the clients of a server that comes back do not come all
//! at once. A browser's own network stack waits for connections: there, three tries without delay.

use std::time::Duration;

#[cfg(not(target_arch = "wasm32"))]
use tokio::time::{Instant, sleep};

#[cfg(not(target_arch = "wasm32"))]
const FIRST_DELAY: Duration = Duration::from_millis(200);
#[cfg(not(target_arch = "wasm32"))]
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// How long one request waits in all because a server says so, beside its patience.
#[cfg(not(target_arch = "wasm32"))]
const TOLD_MAX: Duration = Duration::from_mins(1);
/// The least that is waited then, so that no server makes a client ask without end.
#[cfg(not(target_arch = "wasm32"))]
const LEAST_TOLD: Duration = Duration::from_secs(1);

/// The tries of one request.
#[cfg(not(target_arch = "wasm32"))]
pub(super) struct Pace {
    patience: Duration,
    gives_up_at: Option<Instant>,
    delay: Duration,
    /// What is left of the waiting that a server may ask for.
    told_left: Duration,
}

#[cfg(not(target_arch = "wasm32"))]
impl Pace {
    pub(super) const fn new(patience: Duration) -> Self {
        let told_left = if patience.is_zero() { Duration::ZERO } else { TOLD_MAX };
        Self { patience, gives_up_at: None, delay: FIRST_DELAY, told_left }
    }

    /// After a failure: waits and gives true, or false when the patience is at its end. A server that says after how long to
    /// come again is believed, up to a minute.
    pub(super) async fn wait(&mut self, told: Option<Duration>) -> bool {
        if let Some(told) = told {
            let told = told.max(LEAST_TOLD);
            let Some(left) = self.told_left.checked_sub(told) else {
                return false;
            };
            self.told_left = left;
            sleep(told).await;
            return true;
        }
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

    /// After a failure: whether to try again; not at once where the server says to wait.
    #[expect(clippy::unused_async, reason = "the native twin waits")]
    pub(super) async fn wait(&mut self, told: Option<Duration>) -> bool {
        let again = self.left > 0 && told.is_none();
        self.left = self.left.saturating_sub(1);
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_when_to_come_again_is_believed_for_a_minute() {
        let told = Some(Duration::from_secs(25));
        let mut pace = Pace::new(Duration::from_secs(1));
        let began = Instant::now();
        assert!(pace.wait(told).await && pace.wait(told).await);
        assert!(!pace.wait(told).await);
        assert_eq!(began.elapsed(), Duration::from_secs(50));
        assert!(!Pace::new(Duration::from_secs(1)).wait(Some(Duration::from_secs(61))).await);
        assert!(!Pace::new(Duration::ZERO).wait(told).await, "without patience never");
    }

    #[tokio::test(start_paused = true)]
    async fn no_server_makes_a_client_ask_without_end() {
        let mut pace = Pace::new(Duration::from_secs(1));
        let mut times = 0;
        while pace.wait(Some(Duration::ZERO)).await {
            times += 1;
        }
        assert_eq!(times, 60);
    }
}

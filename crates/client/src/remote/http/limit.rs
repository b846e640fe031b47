//! A rate that all connections to a server keep to together.

use core::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Steps a second that a body is moved in, so that it flows instead of coming in gusts.
const STEPS_A_SECOND: u64 = 32;
/// Bytes of a step, whatever the rate.
const STEP_MIN: u64 = 4 << 10;
const STEP_MAX: u64 = 256 << 10;

/// Bytes a second, up and down together. Copies share the one rate.
#[derive(Debug, Clone)]
pub struct RateLimit {
    rate: NonZeroU64,
    /// When all that was let pass is through.
    free_at: Arc<Mutex<Option<Instant>>>,
}

impl RateLimit {
    /// Nothing slower is of use: a server takes a body that moves by less than 2 KiB/s for a broken one, and eight are under way at once.
    pub const LEAST: u64 = 32 << 10;

    /// At most `rate` bytes a second.
    pub fn new(rate: NonZeroU64) -> Self {
        Self { rate, free_at: Arc::default() }
    }

    /// Bytes to move before asking again.
    pub(super) fn step(&self) -> usize {
        let step = (self.rate.get() / STEPS_A_SECOND).clamp(STEP_MIN, STEP_MAX);
        usize::try_from(step).unwrap_or(usize::MAX)
    }

    /// Waits until so many bytes may go, behind all that asked before.
    pub(super) async fn pass(&self, bytes: usize) {
        let start = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let start = free_at.map_or(now, |free_at| free_at.max(now));
            *free_at = Some(start + self.time_of(bytes));
            start
        };
        sleep_until(start).await;
    }

    fn time_of(&self, bytes: usize) -> Duration {
        let nanos = (bytes as u128 * 1_000_000_000).div_ceil(u128::from(self.rate.get()));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    fn limit(rate: u64) -> RateLimit {
        RateLimit::new(NonZeroU64::new(rate).unwrap())
    }

    #[test]
    fn a_step_is_a_small_part_of_a_second() {
        let steps = [1, 1 << 20, 2 << 20, u64::MAX].map(|rate| limit(rate).step());
        assert_eq!(steps, [4 << 10, 32 << 10, 64 << 10, 256 << 10]);
    }

    #[tokio::test(start_paused = true)]
    async fn all_connections_together_keep_to_the_rate() {
        let limit = limit(1 << 20);
        let begun = Instant::now();
        let connections = (0..8).map(|_| {
            let limit = limit.clone();
            async move {
                for _ in 0..16 {
                    limit.pass(32 << 10).await;
                }
                begun.elapsed()
            }
        });
        // 4 MiB in all, of which the last step goes when the others are through: 127 steps of 1/32 s, in whole milliseconds.
        let took = join_all(connections).await.into_iter().max().unwrap();
        assert_eq!(took.as_millis(), (127_u128 * 1000).div_ceil(32));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_used_is_not_saved_up() {
        let limit = limit(1 << 20);
        limit.pass(1 << 20).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        let begun = Instant::now();
        limit.pass(1 << 20).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        limit.pass(1).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
    }
}

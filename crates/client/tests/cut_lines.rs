//! A download over a line that breaks again and again, with a clock that runs as fast as nobody waits.

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anonicloud_client::remote::{Remote as _, RemoteError, Retry};
    use anonicloud_testkit::clock::FakeClock;
    use anonicloud_testkit::memory_remote::{Line, MemoryRemote};
    use anonicloud_testkit::remote::with_one_blob;
    use tokio::time::Instant;

    const LEN: usize = 100_000;
    const PATIENCE: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn a_line_that_brings_something_each_time_is_not_given_up() {
        let line = Line::default();
        let server = MemoryRemote::new("a line that brings something", 1 << 30, &FakeClock::at_day(1));
        let (access, blob) = with_one_blob(&server, LEN).await;
        line.cut_blobs((0..200).map(|_| 1));
        let start = Instant::now();
        let remote = Retry::new(server.over(&line), PATIENCE);
        let bytes = remote.get_blob(&access, &blob.blob, None).await.unwrap();
        assert!(bytes == blob.bytes);
        assert!(start.elapsed() > PATIENCE, "the waits together are longer than the patience");
        line.cut_blobs([3, 0, 500]);
        let part = remote.get_blob(&access, &blob.blob, Some(100..2000)).await.unwrap();
        assert!(part == blob.bytes.slice(100..2000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_brings_nothing_is_given_up() {
        let line = Line::default();
        let server = MemoryRemote::new("a line that brings nothing", 1 << 30, &FakeClock::at_day(1));
        let (access, blob) = with_one_blob(&server, LEN).await;
        line.cut_blobs([5000].into_iter().chain((0..200).map(|_| 0)));
        let start = Instant::now();
        let remote = Retry::new(server.over(&line), PATIENCE);
        let given_up = remote.get_blob(&access, &blob.blob, None).await;
        assert!(matches!(given_up, Err(RemoteError::Unreachable(_))));
        assert!(start.elapsed() <= 2 * PATIENCE, "counted from what came last");
    }
}

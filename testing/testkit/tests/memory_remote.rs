//! The server in memory does what a server does.

#[cfg(test)]
mod tests {
    use anonicloud_testkit::clock::FakeClock;
    use anonicloud_testkit::memory_remote::MemoryRemote;
    use anonicloud_testkit::remote::{QUOTA, conforms, forgets, guards_its_door, is_bounded};

    const DAY: u32 = 20_780;

    #[tokio::test]
    async fn a_memory_remote_conforms() {
        conforms(MemoryRemote::new("conforms", QUOTA, &FakeClock::at_day(DAY))).await;
    }

    #[tokio::test]
    async fn a_memory_remote_guards_its_door() {
        let remote = MemoryRemote::new("guards its door", QUOTA, &FakeClock::at_day(DAY));
        guards_its_door(remote.clone(), &remote).await;
    }

    #[tokio::test]
    async fn a_memory_remote_forgets() {
        let clock = FakeClock::at_day(DAY);
        forgets(MemoryRemote::new("forgets", QUOTA, &clock), |time| clock.pass(time)).await;
    }

    #[tokio::test]
    async fn a_memory_remote_is_bounded() {
        is_bounded(MemoryRemote::new("is bounded", 2 * QUOTA, &FakeClock::at_day(DAY))).await;
    }
}

//! Waiting for a head: how long, and at whose cost.

use super::*;

#[tokio::test]
async fn a_wait_for_a_head_ends_by_itself_and_costs_nobody_a_place() {
    let mut fixture = Fixture::new().await;
    fixture.service.heads = Permits::new(1, 1);
    let access = fixture.access().await;
    let (service, _folder) = (Arc::new(fixture.service), fixture.folder);
    let waiting = tokio::spawn({
        let (service, access) = (Arc::clone(&service), access.clone());
        async move { service.head_after(&access, 0).await }
    });
    let start = time::Instant::now();
    let other = service.head_after(&access, 1).await.unwrap();
    drop(other.expect("a head at another place"));
    drop(service.head(&access).await.unwrap());
    time::pause();
    let answer = waiting.await.unwrap().unwrap();
    assert!(answer.is_none());
    assert!(start.elapsed() >= Duration::from_secs(25));
}

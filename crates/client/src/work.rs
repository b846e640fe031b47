//! Work that keeps a processor busy: on a thread of its own where there are threads, so that requests go on meanwhile.

/// Runs `task` to its end and gives its result.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) async fn run<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(task).await {
        Ok(value) => value,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Runs `task` to its end and gives its result.
#[cfg(target_arch = "wasm32")]
#[expect(clippy::unused_async, reason = "the same signature as with threads")]
pub(crate) async fn run<T>(task: impl FnOnce() -> T) -> T {
    task()
}

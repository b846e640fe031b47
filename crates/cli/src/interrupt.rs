//! Ctrl-C: the first press stops the command, the second ends the process at once.
//!
//! Either is safe: a transfer's queue is durable before a byte of it is sent.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Listens from now on; the answer comes with the first press. Must be called inside the runtime.
pub(crate) fn listen() -> io::Result<oneshot::Receiver<()>> {
    let mut presses = signal(SignalKind::interrupt())?;
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        presses.recv().await;
        if tell.send(()).is_ok() && presses.recv().await.is_some() {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
        }
    });
    Ok(told)
}

//! Ctrl-C and SIGTERM: the first stops the command, the second ends the process at once.
//!
//! Either is safe: a transfer's queue is durable before a byte of it is sent.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Listens from now on; the answer comes with the first press. Must be called inside the runtime.
pub(crate) fn listen() -> io::Result<oneshot::Receiver<()>> {
    let (mut presses, mut terms) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut next = async move || {
        tokio::select! {
            pressed = presses.recv() => pressed,
            asked = terms.recv() => asked,
        }
    };
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        next().await;
        if tell.send(()).is_ok() && next().await.is_some() {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
        }
    });
    Ok(told)
}

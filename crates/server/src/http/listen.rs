//! The address: TCP or a Unix socket.

use core::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use socket2::SockRef;
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::connection::Stream;
use crate::config::Listen;

/// Bytes that wait here until the peer's system takes them. Left alone, ours would keep much more and ask for more in
/// steps of hundreds of KiB, between which a slow peer seems to stand still.
const UNSENT: u32 = 128 << 10;

/// Why the server cannot be reached.
#[derive(Debug, Error)]
pub(crate) enum ListenError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which.
        address: Listen,
        /// Why.
        source: io::Error,
    },
    /// Something else answers on the socket.
    #[error("another process listens on unix:{}", .0.display())]
    Busy(PathBuf),
}

/// A listener.
#[derive(Debug)]
pub(crate) enum Bound {
    /// On TCP, with its real port.
    Tcp(TcpListener, SocketAddr),
    /// On a Unix socket, whose file goes when this is dropped.
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        drop(fs_err::remove_file(&self.0));
    }
}

impl Bound {
    /// Listens.
    pub(crate) async fn bind(listen: &Listen) -> Result<Self, ListenError> {
        let failed = |source| ListenError::Bind { address: listen.clone(), source };
        match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                Ok(Self::Tcp(listener, address))
            }
            Listen::Unix(path) => {
                remove_stale(path).await?;
                let listener = UnixListener::bind(path).map_err(failed)?;
                Ok(Self::Unix(listener, SocketFile(path.clone())))
            }
        }
    }

    /// The next connection. Who is on the other end is dropped here and seen by nothing else.
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener, _) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                // A system that knows no such option serves fast peers as well.
                drop(keep_little_unsent(&SockRef::from(&stream)));
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok(Stream::Unix(stream))
            }
        }
    }

    /// The address as a client is given it.
    pub(crate) fn url(&self, tls: bool) -> impl fmt::Display {
        match self {
            Self::Tcp(_, address) if tls => format!("https://{address}"),
            Self::Tcp(_, address) => format!("http://{address}"),
            Self::Unix(_, file) => format!("unix:{}", file.0.display()),
        }
    }
}

/// What is sent and not yet acknowledged does not count, so that a long line is as fast as before.
#[cfg(target_os = "linux")]
fn keep_little_unsent(stream: &SockRef<'_>) -> io::Result<()> {
    stream.set_tcp_notsent_lowat(UNSENT)
}

#[cfg(not(target_os = "linux"))]
fn keep_little_unsent(stream: &SockRef<'_>) -> io::Result<()> {
    stream.set_send_buffer_size(2 * UNSENT as usize)
}

/// Removes the socket that a killed server left; one that answers stays.
async fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let is_socket = fs_err::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(ListenError::Busy(path.to_path_buf()));
    }
    // If it cannot be removed, binding says so.
    drop(fs_err::remove_file(path));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    #[tokio::test]
    async fn what_a_slow_peer_takes_in_half_a_minute_shows() {
        let bound = Bound::bind(&"127.0.0.1:0".parse().unwrap()).await.unwrap();
        let Bound::Tcp(_, address) = &bound else { panic!("not TCP") };
        let (peer, accepted) = tokio::join!(TcpStream::connect(address), bound.accept());
        let (mut peer, Stream::Tcp(stream)) = (peer.unwrap(), accepted.unwrap()) else { panic!("not TCP") };
        let piece = vec![0; 512 << 10];
        for _ in 0..4 {
            while timeout(Duration::from_millis(300), stream.writable()).await.is_ok() {
                drop(stream.try_write(&piece));
            }
            let mut taken = 0;
            while timeout(Duration::from_millis(20), stream.writable()).await.is_err() {
                taken += peer.read(&mut [0; 8 << 10]).await.unwrap();
                // Half a minute at 8 KiB a second.
                assert!(taken <= 240 << 10, "{taken}");
            }
        }
    }
}

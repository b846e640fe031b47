//! The address: TCP or a Unix socket.

use core::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::connection::Stream;
use crate::config::Listen;

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

//! Puts the server together and runs it.

use std::io::{self, Write as _};
use std::sync::Arc;

use thiserror::Error;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::clock::{Clock, SystemClock};
use crate::config::{Listen, ServeArguments};
use crate::data_folder::{DataFolder, DataFolderError};
use crate::http::{App, Bound, Limits, ListenError, TlsError, acceptor, serve};
use crate::jobs;
use crate::secrets::{SecretsError, ServerSecrets};
use crate::service::{Service, ServiceError};
use crate::store::blob::FileBlobs;
use crate::store::meta::{DoorStore as _, MetaError, SqliteMeta};

/// Why the server does not run.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    /// Plain HTTP would leave the machine.
    #[error("plain HTTP is served on a loopback address or a Unix socket only")]
    PlainHttp,
    /// A certificate for a socket, over which TLS is not spoken.
    #[error("TLS is not spoken over a Unix socket")]
    TlsOverSocket,
    /// The data folder cannot be used.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The server's secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The metadata cannot be opened.
    #[error(transparent)]
    Metadata(#[from] MetaError),
    /// The folder has blobs, but not the metadata that names them.
    #[error("metadata.sqlite is missing or empty, and without it every blob in this data folder would be removed")]
    MetadataLost,
    /// The objects cannot be swept.
    #[error(transparent)]
    Sweep(#[from] ServiceError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The blobs cannot be opened, or the system gave no threads or signals.
    #[error("the server cannot start")]
    Io(#[from] io::Error),
}

impl RunError {
    /// What its reader can do.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::PlainHttp => "give --tls-cert and --tls-key, or listen on 127.0.0.1, [::1] or unix:PATH",
            Self::TlsOverSocket => "leave --tls-cert and --tls-key to the proxy in front, or listen on IP:PORT",
            Self::DataFolder(DataFolderError::InUse(_)) => "stop the other server, or give this one another --data-dir",
            Self::DataFolder(DataFolderError::Io(_)) => "check that --data-dir names a folder that this user may write",
            Self::Secrets(SecretsError::Io(_)) => "check the permissions of server.key in the data folder",
            Self::Secrets(_) => "put server.key back from the backup of this data folder",
            Self::MetadataLost => {
                "put metadata.sqlite back from the backup of this data folder, with its -wal file if there is one"
            }
            Self::Listen(_) => "choose another --listen, or stop what uses this one",
            Self::Tls(_) => "check that --tls-cert and --tls-key are PEM files that belong together",
            Self::Metadata(_) | Self::Sweep(_) | Self::Io(_) => {
                "check the disk's space and the permissions in the data folder"
            }
        }
    }
}

/// Serves until a signal comes.
pub(crate) fn run(arguments: &ServeArguments) -> Result<(), RunError> {
    raise_file_limit();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(start(arguments));
    runtime.shutdown_background();
    result
}

async fn start(arguments: &ServeArguments) -> Result<(), RunError> {
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(_), Some(_)) if matches!(arguments.listen, Listen::Unix(_)) => return Err(RunError::TlsOverSocket),
        (Some(certificates), Some(key)) => Some(acceptor(certificates, key)?),
        _ if arguments.listen.is_local() => None,
        _ => return Err(RunError::PlainHttp),
    };
    let folder = DataFolder::open(&arguments.data_dir)?;
    let service = open_service(&folder, arguments).await?;
    let swept = service.sweep_objects().await?;
    if swept > 0 {
        info!(swept, "stored objects that no row names were removed");
    }
    let app = App::new(service);
    let bound = Bound::bind(&arguments.listen).await?;
    let collecting = tokio::spawn(jobs::run(Arc::clone(&app)));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut out = io::stdout();
    writeln!(out, "listening on {}", bound.url(tls.is_some()))?;
    out.flush()?;
    let limits = Limits { tls, connections: arguments.max_connections };
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    serve(app, bound, limits, stop).await;
    collecting.abort();
    info!("stopped");
    Ok(())
}

/// The service over the stores of a data folder.
async fn open_service(folder: &DataFolder, arguments: &ServeArguments) -> Result<Service, RunError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let folder_is_new = !folder.has_metadata()?;
    // A first start that was killed made the blobs' folder last.
    if folder_is_new && folder.blobs().exists() {
        return Err(RunError::MetadataLost);
    }
    let secrets = ServerSecrets::open(&folder.secrets(), folder_is_new)?;
    let meta = SqliteMeta::open(&folder.metadata()).await?;
    if let Some(mode) = arguments.sign_up {
        if !folder_is_new && meta.sign_up().await? != mode {
            warn!("--sign-up changes who may sign up from what was decided before");
        }
        meta.set_sign_up(mode).await?;
    }
    let blobs = FileBlobs::open(&folder.blobs(), Arc::clone(&clock))?;
    Ok(Service::new(Arc::new(meta), Arc::new(blobs), clock, secrets, arguments.quota.0))
}

/// Every connection and every open blob is a file; the usual soft limit of 1024 is for interactive programs.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if setrlimit(Resource::Nofile, raised).is_err() {
        info!("the limit of open files stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Command, CommandLine};
    use clap::Parser as _;

    #[test]
    fn a_certificate_is_not_ignored_on_a_socket() {
        let line = ["x", "serve", "--data-dir", "/nonexistent/data", "--tls-cert", "c", "--tls-key", "k"];
        let line = CommandLine::parse_from(line.into_iter().chain(["--listen", "unix:/nonexistent/socket"]));
        let Command::Serve(arguments) = line.command else {
            panic!("another command");
        };
        assert!(matches!(run(&arguments), Err(RunError::TlsOverSocket)));
    }
}

//! The command line and the environment, read here alone.

use core::fmt;
use core::str::FromStr;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use thiserror::Error;
use tracing_subscriber::filter::LevelFilter;

use crate::admin::AdminArguments;
use crate::store::meta::SignUp;

const EXAMPLES: &str = "\
Examples:
  Try it on this machine, without TLS:
    anonicloud-server serve --data-dir ./data --listen 127.0.0.1:8420

  Serve the network:
    anonicloud-server serve --data-dir /var/lib/anonicloud --listen 0.0.0.0:443 \\
        --tls-cert /etc/anonicloud/chain.pem --tls-key /etc/anonicloud/key.pem

  Behind a proxy on the same machine:
    anonicloud-server serve --data-dir /var/lib/anonicloud --listen unix:/run/anonicloud.sock

When it is ready it prints one line: listening on ADDRESS. SIGTERM and SIGINT stop it in order.";

/// `AnoniCloud` server: keeps encrypted files that it cannot read.
#[derive(Debug, Parser)]
#[command(name = "anonicloud-server", version, after_help = EXAMPLES)]
pub(crate) struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the server can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve clients from a data folder, which is made or brought up to date first.
    #[command(after_help = EXAMPLES)]
    Serve(ServeArguments),
    /// Check every stored blob against its length and hash, and every file against what names it.
    ///
    /// A server may use the folder meanwhile. Nothing is changed. Ends with 0 when all is well, with 1 when
    /// something is damaged, lost, unreadable or unreferenced, with 2 when nothing could be found out or told.
    Check(CheckArguments),
    /// Decide who may sign up, make invites, see and change quotas
    Admin(AdminArguments),
    /// Print the `OpenAPI` document of the API
    Openapi,
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Folder for everything the server keeps; made if it is not there, used by one server at a time
    #[arg(long, value_name = "DIR", env = "ANONICLOUD_SERVER_DATA_DIR")]
    pub(crate) data_dir: PathBuf,

    /// Address to listen on: IP:PORT (port 0 takes a free one) or unix:PATH
    #[arg(long, value_name = "ADDR|unix:PATH", env = "ANONICLOUD_SERVER_LISTEN", default_value = "127.0.0.1:8420")]
    pub(crate) listen: Listen,

    /// Certificate chain in PEM; without it only a loopback address or a Unix socket is served
    #[arg(long, value_name = "FILE", env = "ANONICLOUD_SERVER_TLS_CERT", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Private key of the certificate in PEM
    #[arg(long, value_name = "FILE", env = "ANONICLOUD_SERVER_TLS_KEY", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Bytes that a new account may store, such as 500MiB or 10GiB
    #[arg(long, value_name = "BYTES", env = "ANONICLOUD_SERVER_QUOTA", default_value = "10GiB")]
    pub(crate) quota: ByteSize,

    /// Who may sign up from now on, as `admin signup` sets it too; without it, whoever could before, and with a new
    /// data folder anybody whose device solves a puzzle for it
    #[arg(long, value_enum, value_name = "MODE", env = "ANONICLOUD_SERVER_SIGN_UP")]
    pub(crate) sign_up: Option<SignUp>,

    /// Connections at once; more wait
    #[arg(
        long,
        value_name = "N",
        env = "ANONICLOUD_SERVER_MAX_CONNECTIONS",
        default_value_t = 4096,
        value_parser = parse_connections
    )]
    pub(crate) max_connections: usize,

    /// What to log on stderr: off, error, warn, info or debug
    #[arg(long, value_name = "LEVEL", env = "ANONICLOUD_SERVER_LOG", default_value = "info")]
    pub(crate) log: LevelFilter,
}

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Data folder of a server
    #[arg(long, value_name = "DIR", env = "ANONICLOUD_SERVER_DATA_DIR")]
    pub(crate) data_dir: PathBuf,

    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listen {
    /// An IP address and port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Listen {
    /// Whether what travels there stays on this machine.
    pub(crate) const fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A text that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected IP:PORT, such as 127.0.0.1:8420 or [::1]:8420, or unix:PATH")]
pub(crate) struct NotAnAddress;

impl FromStr for Listen {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        match text.strip_prefix("unix:") {
            Some("") => Err(NotAnAddress),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| NotAnAddress),
        }
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

/// A text that is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected a number of bytes with an optional unit KiB, MiB, GiB or TiB, below 8 EiB")]
pub(crate) struct NotASize;

impl FromStr for ByteSize {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("", 0)];
        let (number, shift) =
            units.into_iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift))).ok_or(NotASize)?;
        let number: u64 = number.trim_end().parse().map_err(|_| NotASize)?;
        let bytes = number.checked_mul(1 << shift).ok_or(NotASize)?;
        // The store counts in signed 64-bit integers.
        if bytes > i64::MAX.unsigned_abs() {
            return Err(NotASize);
        }
        Ok(Self(bytes))
    }
}

/// A number of connections that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected a number from 1 to 1000000")]
struct NotACount;

fn parse_connections(text: &str) -> Result<usize, NotACount> {
    let count = text.parse().map_err(|_| NotACount)?;
    if (1..=1_000_000).contains(&count) { Ok(count) } else { Err(NotACount) }
}

/// Whether tests write their snapshots anew instead of comparing them.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "this module reads the environment")]
pub(crate) fn update_snapshots() -> bool {
    std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_a_limit() {
        for (text, bytes) in [("0", 0), ("10GiB", 10 << 30), ("3 MiB", 3 << 20), ("7KiB", 7168)] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for bad in ["", "GiB", "1.5GiB", "-1", "10GB", "8388608TiB", "9223372036854775808"] {
            assert_eq!(bad.parse::<ByteSize>(), Err(NotASize), "{bad}");
        }
    }

    #[test]
    fn only_loopback_and_sockets_are_local() {
        let local = |text: &str| text.parse::<Listen>().unwrap().is_local();
        assert!(local("127.0.0.77:1") && local("[::1]:1") && local("unix:/tmp/x"));
        assert!(!local("0.0.0.0:1") && !local("10.0.0.1:1") && !local("[::]:1"));
        for bad in ["localhost", "unix:", "127.0.0.1", "", "http://127.0.0.1:1"] {
            assert_eq!(bad.parse::<Listen>(), Err(NotAnAddress), "{bad}");
        }
    }
}

//! Where a server is, what is trusted there, and the connections to it.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anonicloud_proto::api::{VERSION, VERSION_HEADER};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Url, redirect, tls};
use thiserror::Error;

/// A server's address and, for one with a certificate of its own, who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers build it from what a person typed")]
pub struct ServerAddress {
    /// `https://host[:port][/path]`; `http` for a loopback host alone.
    pub url: String,
    /// A PEM file of certificates, then the only ones trusted; without it, those of the system.
    pub ca_file: Option<PathBuf>,
}

/// Why an address cannot be used. Nothing was sent.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Not a URL, or one with a query, a fragment or a password.
    #[error("{url}: not the address of a server, expected https://HOST or https://HOST:PORT")]
    InvalidUrl {
        /// What was given.
        url: String,
    },
    /// Plain HTTP to another machine would show tokens and handles to everyone on the way.
    #[error("{host}: plain http is for this machine alone, expected https")]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// The file of trusted certificates cannot be read.
    #[error("the file of trusted certificates cannot be read")]
    CaFileUnreadable(#[source] io::Error),
    /// The file of trusted certificates holds none, or one that is damaged.
    #[error("{}: no PEM certificates in it, or a damaged one", path.display())]
    CaFileMalformed {
        /// The file.
        path: PathBuf,
    },
    /// The TLS library cannot start, for example because the system trusts no certificate at all.
    #[error("TLS cannot be set up")]
    Tls(#[source] reqwest::Error),
}

/// How long to wait for a server that does nothing.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "callers choose both")]
pub struct Patience {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the next byte in either direction.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_mins(1) }
    }
}

/// Idle connections kept: as many as requests are ever in flight.
const IDLE_CONNECTIONS: usize = 8;
/// Below the 30 s after which a server closes an idle connection, so that no request is sent into one that is closing.
const IDLE_CONNECTION_LIFE: Duration = Duration::from_secs(20);

/// An address that was checked, as the base of request URLs, and what makes clients for it.
pub(super) struct CheckedAddress {
    /// Without the last slash.
    pub(super) base: String,
    roots: Roots,
}

enum Roots {
    System,
    /// Empty for plain HTTP.
    Only(Vec<Certificate>),
}

impl CheckedAddress {
    pub(super) fn check(address: &ServerAddress) -> Result<Self, ConnectError> {
        let invalid = || ConnectError::InvalidUrl { url: address.url.clone() };
        let url: Url = address.url.parse().map_err(|_| invalid())?;
        let bare = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        let host = url.host_str().filter(|_| bare && anonymous).ok_or_else(invalid)?;
        let roots = match url.scheme() {
            "https" => Roots::read(address)?,
            "http" if is_loopback(host) => Roots::Only(Vec::new()),
            "http" => {
                return Err(ConnectError::PlainHttp { host: host.to_owned() });
            }
            _ => return Err(invalid()),
        };
        Ok(Self { base: url.as_str().trim_end_matches('/').to_owned(), roots })
    }

    /// A client with a pool of connections that no other client uses.
    pub(super) fn client(&self, patience: Patience) -> Result<Client, ConnectError> {
        let mut headers = HeaderMap::new();
        headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
        let builder = Client::builder()
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .tls_version_min(tls::Version::TLS_1_3)
            // A connection for every request in flight: TLS then runs on every core, without windows to tune.
            .http1_only()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_CONNECTION_LIFE)
            .connect_timeout(patience.connect);
        self.roots.trusted_by(builder).build().map_err(ConnectError::Tls)
    }
}

impl Roots {
    fn read(address: &ServerAddress) -> Result<Self, ConnectError> {
        let Some(path) = &address.ca_file else {
            return Ok(Self::System);
        };
        let pem = fs_err::read(path).map_err(ConnectError::CaFileUnreadable)?;
        let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
        let roots = Self::Only(certificates);
        // The bundle is parsed to the end only when a client is made of it.
        let is_whole = roots.trusted_by(Client::builder()).build().is_ok();
        match &roots {
            Self::Only(certificates) if is_whole && !certificates.is_empty() => Ok(roots),
            _ => Err(ConnectError::CaFileMalformed { path: path.clone() }),
        }
    }

    fn trusted_by(&self, builder: ClientBuilder) -> ClientBuilder {
        match self {
            Self::System => builder,
            Self::Only(certificates) => builder.tls_certs_only(certificates.iter().cloned()),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<String, ConnectError> {
        let address = ServerAddress { url: url.to_owned(), ca_file: None };
        CheckedAddress::check(&address).map(|checked| checked.base)
    }

    #[test]
    fn https_goes_anywhere_and_http_to_this_machine_alone() {
        for (url, base) in [
            ("https://cloud.example", "https://cloud.example"),
            ("https://cloud.example:8443/ours/", "https://cloud.example:8443/ours"),
            ("http://localhost:1234", "http://localhost:1234"),
            ("http://127.0.0.77:1234/", "http://127.0.0.77:1234"),
            ("http://[::1]:1234", "http://[::1]:1234"),
        ] {
            assert_eq!(check(url).unwrap(), base);
        }
        for url in ["http://cloud.example", "http://localhost.example", "http://192.0.2.1", "http://[2001:db8::1]"] {
            assert!(matches!(check(url), Err(ConnectError::PlainHttp { .. })), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "cloud.example",
            "ftp://cloud.example",
            "https://",
            "https://cloud.example/?query",
            "https://cloud.example/#fragment",
            "https://someone@cloud.example",
            "https://someone:secret@cloud.example",
        ] {
            assert!(matches!(check(url), Err(ConnectError::InvalidUrl { .. })), "{url}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing.pem");
        let url = "https://cloud.example".to_owned();
        let address = ServerAddress { url: url.clone(), ca_file: Some(missing) };
        assert!(matches!(CheckedAddress::check(&address), Err(ConnectError::CaFileUnreadable(_))));
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (name, text) in [("empty.pem", ""), ("words.pem", "no certificate"), ("damaged.pem", damaged)] {
            let path = dir.path().join(name);
            fs_err::write(&path, text).unwrap();
            let address = ServerAddress { url: url.clone(), ca_file: Some(path) };
            let checked = CheckedAddress::check(&address);
            assert!(matches!(checked, Err(ConnectError::CaFileMalformed { .. })), "{name}");
        }
    }
}

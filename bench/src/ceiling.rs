//! What this machine can do at most: TLS from memory to a sink, and the large file copied to the same disk.

use crate::{
    content::Source,
    identity::Identity,
    measure::{self, MeasureError},
    place::Place,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, IpAddr, PrivateKeyDer, ServerName, pem, pem::PemObject as _},
};
use serde::Serialize;
use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::Command,
    sync::Arc,
    thread,
    time::Instant,
};

/// Seconds that the bytes of the large file take at least.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ceiling {
    /// Over one TLS connection on loopback, from memory to nowhere.
    pub(crate) tls: f64,
    /// `dd conv=fsync` from the page cache to the disk.
    pub(crate) disk: f64,
}

/// Why the ceiling is unknown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeasureCeilingError {
    #[error("cannot read the certificates")]
    Certificate(#[from] pem::Error),
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    #[error("the connection to the sink broke")]
    Connection(#[from] io::Error),
    #[error("the sink got {got} of {sent} bytes")]
    Short { got: u64, sent: u64 },
    #[error("cannot measure the disk")]
    Disk(#[from] MeasureError),
}

/// Measures both once.
///
/// # Errors
/// When TLS or the disk fails.
pub(crate) fn measure(
    size: u64,
    source: &Source,
    identity: &Identity,
    place: &Place,
) -> Result<Ceiling, MeasureCeilingError> {
    Ok(Ceiling { tls: tls(size, identity)?, disk: disk(source, place)? })
}

fn tls(size: u64, identity: &Identity) -> Result<f64, MeasureCeilingError> {
    let (server, client) = configurations(identity)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let name = ServerName::IpAddress(IpAddr::from(address.ip()));
    let client = ClientConnection::new(Arc::new(client), name)?;
    let server = ServerConnection::new(Arc::new(server))?;
    let sink = thread::spawn(move || sink(&listener, server));

    let started = Instant::now();
    let mut stream = StreamOwned::new(client, TcpStream::connect(address)?);
    io::copy(&mut io::BufReader::with_capacity(BUFFER, io::repeat(0x5a).take(size)), &mut stream)?;
    stream.conn.send_close_notify();
    stream.flush()?;
    let got = sink.join().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
    let seconds = started.elapsed().as_secs_f64();
    if got == size { Ok(seconds) } else { Err(MeasureCeilingError::Short { got, sent: size }) }
}

/// Takes one connection and reads it to its end.
fn sink(listener: &TcpListener, connection: ServerConnection) -> io::Result<u64> {
    let (socket, _) = listener.accept()?;
    let mut stream = StreamOwned::new(connection, socket);
    let mut buffer = vec![0; BUFFER];
    let mut total = 0;
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(total),
            length => total += length as u64,
        }
    }
}

fn configurations(identity: &Identity) -> Result<(ServerConfig, ClientConfig), MeasureCeilingError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let certificate = CertificateDer::from_pem_file(&identity.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&identity.key)?;
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&identity.authority)?)?;
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((server, client))
}

fn disk(source: &Source, place: &Place) -> Result<f64, MeasureCeilingError> {
    source.warm()?;
    place.sync()?;
    let copy = place.folder().join("copy.bin");
    let mut command = Command::new("dd");
    command
        .arg(format!("if={}", source.file().display()))
        .arg(format!("of={}", copy.display()))
        .args(["bs=1M", "conv=fsync"]);
    let started = Instant::now();
    measure::run(command, place)?;
    let seconds = started.elapsed().as_secs_f64();
    fs_err::remove_file(copy)?;
    Ok(seconds)
}

const BUFFER: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sink_gets_every_byte() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let identity = Identity::make(folder.path()).expect("certificates");
        tls(1_000_003, &identity).expect("all bytes arrive");
    }
}

//! Certificates that nobody vouches for, and what the handshake agrees on.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anonicloud_e2e::device::Device;
use anonicloud_e2e::server::Server;
use anonicloud_e2e::world::World;
use rcgen::generate_simple_self_signed;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, NamedGroup, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};

use super::{expect, expect_all_distinct};

/// A certificate and its key in PEM files.
struct Certificate {
    chain: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn make(world: &World, name: &str, host: &str) -> Self {
        let made = generate_simple_self_signed([host.to_owned()]).unwrap();
        let files = Self { chain: world.path(format!("{name}.pem")), key: world.path(format!("{name}.key")) };
        fs_err::write(&files.chain, made.cert.pem()).unwrap();
        fs_err::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    fn options<'a>(&'a self) -> [&'a str; 4] {
        let text = |path: &'a PathBuf| path.to_str().expect("the folder has a plain name");
        ["--tls-cert", text(&self.chain), "--tls-key", text(&self.key)]
    }
}

#[test]
fn only_the_right_certificate_will_do() {
    let world = World::new();
    let right = Certificate::make(&world, "right", "localhost");
    let other = Certificate::make(&world, "other", "localhost");
    let server = Server::start(&world.folder("tls"), &right.options());
    let port = server.address().port();
    let device = |name: &str, host: &str, trusted: Option<&PathBuf>| {
        let device = Device::new(world.path(name), format!("https://{host}:{port}"));
        let mut options = vec!["--retry-for", "0"];
        if let Some(trusted) = trusted {
            options.extend(["--ca-file", trusted.to_str().unwrap()]);
        }
        device.with_options(&options)
    };
    let words = world.path("words");
    let password = world.password_file();
    let sign_up: &[&dyn AsRef<std::ffi::OsStr>] =
        &[&"signup", &"--handle", &"alice", &"--password-file", &password, &"--recovery-file", &words];
    let untrusted = device("laptop", "localhost", Some(&other.chain)).refusal(sign_up);
    expect(&untrusted, "certificate_untrusted", 8);
    let wrong_host = device("laptop", "127.0.0.1", Some(&right.chain)).refusal(sign_up);
    expect(&wrong_host, "certificate_untrusted", 8);
    let unknown = device("laptop", "localhost", None).refusal(sign_up);
    assert_eq!(unknown.exit, Some(8), "{unknown:?}");
    let no_file = device("laptop", "localhost", Some(&right.key)).refusal(sign_up);
    expect(&no_file, "server_address_invalid", 2);
    expect_all_distinct(&[untrusted, no_file]);

    let laptop = device("laptop", "localhost", Some(&right.chain));
    laptop.json(sign_up);
    fs_err::write(world.path("note"), "kept").unwrap();
    laptop.json(&[&"put", &world.path("note"), &"/"]);
    assert_eq!(laptop.stdout(&[&"get", &"/note", &"-"]), b"kept");
    assert_eq!(
        handshake(server.address(), &right, &TLS13),
        Some((ProtocolVersion::TLSv1_3, NamedGroup::X25519MLKEM768))
    );
    assert_eq!(handshake(server.address(), &right, &TLS12), None);
}

/// What the server agrees on with a client of this version of TLS; none when it refuses.
fn handshake(
    server: SocketAddr,
    trusted: &Certificate,
    version: &'static SupportedProtocolVersion,
) -> Option<(ProtocolVersion, NamedGroup)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&trusted.chain).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(server).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).ok()?;
    }
    let group = connection.negotiated_key_exchange_group()?;
    Some((connection.protocol_version()?, group.name()))
}

#[test]
fn the_client_asks_for_post_quantum_keys() {
    let world = World::new();
    let certificate = Certificate::make(&world, "right", "localhost");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS12, &TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&certificate.chain).unwrap()],
            PrivateKeyDer::from_pem_file(&certificate.key).unwrap(),
        );
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(config).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).unwrap();
        }
        stream.flush().unwrap();
        let group = connection.negotiated_key_exchange_group().unwrap();
        (connection.protocol_version(), group.name())
    });
    let trusted = certificate.chain.to_str().unwrap();
    let device = Device::new(world.path("laptop"), format!("https://localhost:{port}")).with_options(&[
        "--retry-for",
        "0",
        "--ca-file",
        trusted,
    ]);
    let password = world.password_file();
    let refusal = device.refusal(&[&"login", &"--handle", &"alice", &"--password-file", &password]);
    expect(&refusal, "unreachable", 8);
    assert_eq!(server.join().unwrap(), (Some(ProtocolVersion::TLSv1_3), NamedGroup::X25519MLKEM768));
}

//! OPAQUE against a real server half, and against the vectors of RFC 9807.

use anonicloud_proto::context::context;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use opaque_ke::ksf::Identity;
use opaque_ke::{
    ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialFinalization, CredentialRequest, CredentialResponse, Identifiers, RegistrationRequest,
    RegistrationResponse, RegistrationUpload, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup,
};
use serde_json::{Value, json};

use super::SeededRandom;
use super::vectors::{Inputs, hex};
use crate::crypto::opaque::{Argon2idKsf, Login, OpaqueWith, Registration};
use crate::crypto::password::PasswordInput;
use crate::crypto::random::{OpaqueRandom, Random};
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::{AccountKey, ExportKey};

type Suite = OpaqueWith<Argon2idKsf>;

const REALM: RealmId = RealmId::from_bytes([1; 16]);
const ACCOUNT: &[u8] = b"sixteen byte id.";

/// The server half, as the server crate drives it.
struct Server {
    setup: ServerSetup<Suite>,
    record: Option<ServerRegistration<Suite>>,
    random: SeededRandom,
}

impl Server {
    fn new() -> Self {
        let mut random = SeededRandom::new("server");
        Self { setup: ServerSetup::new(&mut OpaqueRandom(&mut random)), record: None, random }
    }

    fn register(&mut self, input: PasswordInput) -> ExportKey {
        let mut random = SeededRandom::new("client registers");
        let (registration, request) = Registration::start(input, REALM, &mut random).unwrap();
        let request = RegistrationRequest::deserialize(&request).unwrap();
        let response = ServerRegistration::start(&self.setup, request, ACCOUNT).unwrap();
        let (record, export_key) = registration.finish(&response.message.serialize(), &mut random).unwrap();
        self.record = Some(ServerRegistration::finish(RegistrationUpload::deserialize(&record).unwrap()));
        export_key
    }

    fn login(&mut self, input: PasswordInput, realm: RealmId) -> Result<ExportKey, Rejected> {
        let mut random = SeededRandom::new("client logs in");
        let (login, request) = Login::start(input, realm, &mut random)?;
        let request = CredentialRequest::deserialize(&request).unwrap();
        let exchange = context(Label::OpaqueContext, &REALM, &[&[1, 0]]);
        let identifiers = Identifiers { client: None, server: Some(REALM.as_bytes()) };
        let parameters = ServerLoginParameters { context: Some(&exchange), identifiers };
        let mut server_random = OpaqueRandom(&mut self.random);
        let started = ServerLogin::start(
            &mut server_random,
            &self.setup,
            self.record.clone(),
            request,
            ACCOUNT,
            parameters.clone(),
        )
        .unwrap();
        let (proof, export_key) = login.finish(&started.message.serialize(), &mut random)?;
        let proof = CredentialFinalization::deserialize(&proof).unwrap();
        started.state.finish(proof, parameters).unwrap();
        Ok(export_key)
    }
}

fn input(password: &str) -> PasswordInput {
    PasswordInput::derive(&REALM, password, None)
}

#[test]
fn the_right_password_gives_the_export_key_of_the_registration() {
    let mut server = Server::new();
    let registered = server.register(input("right"));
    let opened = server.login(input("right"), REALM).unwrap();
    assert_eq!(opened.expose_bytes(), registered.expose_bytes());
}

#[test]
fn anything_else_is_rejected_alike() {
    let mut server = Server::new();
    assert_eq!(server.login(input("right"), REALM).err(), Some(Rejected), "no such account");
    server.register(input("right"));
    assert_eq!(server.login(input("wrong"), REALM).err(), Some(Rejected));
    let keyed = PasswordInput::derive(&REALM, "right", Some(&AccountKey::from_bytes([7; 20])));
    assert_eq!(server.login(keyed, REALM).err(), Some(Rejected));
    assert_eq!(server.login(input("right"), RealmId::from_bytes([2; 16])).err(), Some(Rejected), "another realm");
}

#[test]
fn hostile_answers_are_rejected() {
    let mut random = SeededRandom::new("hostile");
    for answer in [&[][..], &[0; 64], &[0xff; 64], &[1; 320], &[0; 2000]] {
        let (registration, _) = Registration::start(input("right"), REALM, &mut random).unwrap();
        assert_eq!(registration.finish(answer, &mut random).err(), Some(Rejected));
        let (login, _) = Login::start(input("right"), REALM, &mut random).unwrap();
        assert_eq!(login.finish(answer, &mut random).err(), Some(Rejected));
    }
}

/// Gives out what a vector says, in order; a blind is drawn as 64 bytes that are reduced, so zeros follow its 32.
struct ScriptedRandom(Vec<u8>);

impl Random for ScriptedRandom {
    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0.drain(..out.len()).collect::<Vec<_>>());
    }
}

/// The client's half of a vector of RFC 9807, appendix C.1, with OPRF and group ristretto255.
pub(super) fn opaque_rfc9807(inputs: &Inputs) -> Value {
    type VectorSuite = OpaqueWith<Identity>;
    let (password, exchange) = (inputs.bytes("password"), inputs.bytes("context"));
    let (client, server) = (inputs.bytes("client_identity"), inputs.bytes("server_identity"));
    let named = |name: &'static str| (!inputs.text(name).is_empty()).then_some(());
    let identifiers = Identifiers {
        client: named("client_identity").map(|()| &client[..]),
        server: named("server_identity").map(|()| &server[..]),
    };

    let script = [inputs.bytes("blind_registration"), vec![0; 32], inputs.bytes("envelope_nonce")].concat();
    let mut random = ScriptedRandom(script);
    let started = ClientRegistration::<VectorSuite>::start(&mut OpaqueRandom(&mut random), &password).unwrap();
    let response = RegistrationResponse::deserialize(&inputs.bytes("registration_response")).unwrap();
    let parameters = ClientRegistrationFinishParameters::new(identifiers, None);
    let registered = started.state.finish(&mut OpaqueRandom(&mut random), &password, response, parameters).unwrap();

    let seeds = [inputs.bytes("client_keyshare_seed"), inputs.bytes("client_nonce")].concat();
    let script = [inputs.bytes("blind_login"), vec![0; 32], seeds].concat();
    let mut random = ScriptedRandom(script);
    let ke1 = ClientLogin::<VectorSuite>::start(&mut OpaqueRandom(&mut random), &password).unwrap();
    let ke2 = CredentialResponse::deserialize(&inputs.bytes("ke2")).unwrap();
    let parameters = ClientLoginFinishParameters::new(Some(&exchange), identifiers, None);
    let ke3 = ke1.state.finish(&mut OpaqueRandom(&mut random), &password, ke2, parameters).unwrap();
    assert_eq!(ke3.export_key, registered.export_key);
    json!({
        "registration_request": hex(started.message.serialize()),
        "registration_upload": hex(registered.message.serialize()),
        "ke1": hex(ke1.message.serialize()),
        "ke3": hex(ke3.message.serialize()),
        "export_key": hex(ke3.export_key),
        "session_key": hex(ke3.session_key),
    })
}

/// A registration and a login of suite 0x0001 against recorded answers of a server.
pub(super) fn opaque_client(inputs: &Inputs) -> Value {
    let input = || PasswordInput::derive(&inputs.realm(), inputs.text("password"), None);
    let mut random = ScriptedRandom(inputs.bytes("registration_randomness"));
    let (registration, request) = Registration::start(input(), inputs.realm(), &mut random).unwrap();
    let (record, registered) = registration.finish(&inputs.bytes("registration_response"), &mut random).unwrap();
    let mut random = ScriptedRandom(inputs.bytes("login_randomness"));
    let (login, ke1) = Login::start(input(), inputs.realm(), &mut random).unwrap();
    let (ke3, export_key) = login.finish(&inputs.bytes("ke2"), &mut random).unwrap();
    assert_eq!(export_key.expose_bytes(), registered.expose_bytes());
    json!({
        "registration_request": hex(request),
        "registration_upload": hex(record),
        "ke1": hex(ke1),
        "ke3": hex(ke3),
        "export_key": hex(export_key.expose_bytes()),
    })
}
